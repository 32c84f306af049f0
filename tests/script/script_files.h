// SPDX-License-Identifier: BSD-3-Clause
// Scripts as files: finding, reading, and running one with every choice of
// origins.
#ifndef CHIMNEY_TESTS_SCRIPT_SCRIPT_FILES_H_
#define CHIMNEY_TESTS_SCRIPT_SCRIPT_FILES_H_

#include <optional>
#include <string>
#include <vector>

#include "tests/script/numbering.h"

namespace chimney::script {

// Paths of the *.pkt one folder below `root`, relative to it, in order.
std::vector<std::string> FindScripts(const std::string& root);

std::optional<std::string> ReadFile(const std::string& path);

// Where a script's zeros are put on the wire: somewhere, and so that every
// number soon passes the end of the 32 bits or of half of them.
const std::vector<Origins>& AllOrigins();

// Runs the engine under the script of `path` from each of AllOrigins(). Empty,
// or the first failure with what happened before it.
std::string RunScriptFile(const std::string& path);

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_SCRIPT_FILES_H_
