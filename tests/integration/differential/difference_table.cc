// SPDX-License-Identifier: BSD-3-Clause
#include "tests/integration/differential/difference_table.h"

#include <charconv>
#include <sstream>

namespace chimney::differential {
namespace {

constexpr std::string_view kKernel = "kernel: ";
constexpr std::string_view kWhy = "why: ";

// `FOLDER/NAME.pkt:LINE`
bool ParseHead(const std::string& head, std::string* script, int* line) {
  const size_t colon = head.rfind(':');
  if (colon == std::string::npos) return false;
  *script = head.substr(0, colon);
  const char* end = head.data() + head.size();
  const auto [stop, error] =
      std::from_chars(head.data() + colon + 1, end, *line);
  return error == std::errc() && stop == end && *line > 0;
}

}  // namespace

DifferenceTable ParseDifferences(std::string_view text, std::string* fault) {
  DifferenceTable table;
  KnownDifference* entry = nullptr;
  std::string* field = nullptr;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const size_t begin = line.find_first_not_of(' ');
    if (begin == std::string::npos || line[begin] == '#') continue;
    std::string rest = line.substr(begin);
    if (begin == 0) {
      std::string script;
      int number = 0;
      if (!ParseHead(rest, &script, &number) || table.contains(script)) {
        *fault = "not an entry, or a second one: " + line;
        return table;
      }
      entry = &table[script];
      entry->line = number;
      field = nullptr;
    } else if (entry != nullptr && rest.starts_with(kKernel)) {
      field = &entry->kernel;
      *field = rest.substr(kKernel.size());
    } else if (entry != nullptr && rest.starts_with(kWhy)) {
      field = &entry->why;
      *field = rest.substr(kWhy.size());
    } else if (field != nullptr) {
      *field += " " + rest;
    } else {
      *fault = "belongs to nothing: " + line;
      return table;
    }
  }
  return table;
}

}  // namespace chimney::differential
