// SPDX-License-Identifier: BSD-3-Clause
// Carries a script out on a target.
#ifndef CHIMNEY_TESTS_SCRIPT_RUN_SCRIPT_H_
#define CHIMNEY_TESTS_SCRIPT_RUN_SCRIPT_H_

#include <string>
#include <vector>

#include "tests/script/numbering.h"
#include "tests/script/script.h"
#include "tests/script/script_target.h"

namespace chimney::script {

struct RunResult {
  std::string failure;     // empty if the script was kept; begins "path:line: "
  int line = 0;            // of the failure
  bool only_late = false;  // what happened was right, but not when
  // What happened, a line each, in script notation.
  std::vector<std::string> trace;
};

// `target` is fresh. --isn and --peer_isn of the script override `origins`.
RunResult RunScript(const Script& script, const Origins& origins,
                    ScriptTarget* target);

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_RUN_SCRIPT_H_
