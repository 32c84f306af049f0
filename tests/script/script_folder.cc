// SPDX-License-Identifier: BSD-3-Clause
// The script files of a folder.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/script/script_files.h"

namespace chimney::script {

std::vector<std::string> FindScripts(const std::string& root) {
  namespace fs = std::filesystem;
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& folder : fs::directory_iterator(root, error)) {
    if (!folder.is_directory()) continue;
    for (const auto& file : fs::directory_iterator(folder.path(), error)) {
      if (file.path().extension() != ".pkt") continue;
      found.push_back(
          (folder.path().filename() / file.path().filename()).string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace chimney::script
