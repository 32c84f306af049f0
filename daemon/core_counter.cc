// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/core_counter.h"

namespace chimney::daemon {

std::string_view CoreCounterName(CoreCounter counter) {
  switch (counter) {
#define CHIMNEY_CORE_COUNTER(symbol, name, text) \
  case CoreCounter::symbol:                      \
    return name;
#include "daemon/core_counter.def"
#undef CHIMNEY_CORE_COUNTER
  }
  return "unknown";
}

}  // namespace chimney::daemon
