// SPDX-License-Identifier: BSD-3-Clause
// Scripts, many at a time since most of their time is waiting, each against
// this machine's kernel.
#ifndef CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_COMPARE_SCRIPTS_H_
#define CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_COMPARE_SCRIPTS_H_

#include <map>
#include <string>
#include <vector>

#include "tests/integration/differential/difference_table.h"

namespace chimney::differential {

struct Comparison {
  std::string not_asked;  // why not; empty if the kernel was
  bool too_long = false;  // that is why
  int line = 0;           // where the kernel did something else; 0: nowhere
  std::string difference;
};

// By path below `folder`. Scripts that take longer than `most_seconds` are not
// asked. What is not as `known` says is tried twice more: a machine that does
// nothing for a moment looks like a peer that is silent.
std::map<std::string, Comparison> CompareScripts(
    const std::string& folder, const std::vector<std::string>& paths,
    const DifferenceTable& known, int most_seconds);

}  // namespace chimney::differential

#endif  // CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_COMPARE_SCRIPTS_H_
