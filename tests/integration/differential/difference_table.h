// SPDX-License-Identifier: BSD-3-Clause
// The differences that are known: differences.txt.
#ifndef CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_DIFFERENCE_TABLE_H_
#define CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_DIFFERENCE_TABLE_H_

#include <map>
#include <string>
#include <string_view>

namespace chimney::differential {

struct KnownDifference {
  int line = 0;  // of the script, where a kernel first does something else
  std::string kernel;  // what it does
  std::string why;
};

// By script. An entry is `FOLDER/NAME.pkt:LINE`, and below it, indented,
// `kernel: ...` and `why: ...`; further indented lines go on with the one
// before. `#` begins a comment line. What is wrong is told in `fault`.
using DifferenceTable = std::map<std::string, KnownDifference>;
DifferenceTable ParseDifferences(std::string_view text, std::string* fault);

}  // namespace chimney::differential

#endif  // CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_DIFFERENCE_TABLE_H_
