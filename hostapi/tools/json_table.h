// SPDX-License-Identifier: BSD-3-Clause
// A daemon's JSON answer as text for people: scalars as lines, arrays of
// objects as tables. Follows the shape of the answer, so that what a newer
// daemon adds is shown too.
#ifndef CHIMNEY_TOOLS_JSON_TABLE_H_
#define CHIMNEY_TOOLS_JSON_TABLE_H_

#include <string>

#include "hostapi/tools/json_value.h"

namespace chimney::tools {

struct TableOptions {
  // Counters that are 0 are left out (and how many there were is said).
  bool hide_zeros = false;
};

std::string RenderForPeople(const JsonValue& value,
                            const TableOptions& options);

}  // namespace chimney::tools

#endif  // CHIMNEY_TOOLS_JSON_TABLE_H_
