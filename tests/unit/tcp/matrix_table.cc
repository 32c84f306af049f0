// SPDX-License-Identifier: BSD-3-Clause
// Reading the table.
#include "tests/unit/tcp/matrix_table.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace chimney::testing {
namespace {

std::vector<std::string> Words(const std::string& text) {
  std::istringstream in(text.substr(0, text.find('#')));
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> Parts(const std::string& list) {
  std::istringstream in(list);
  std::vector<std::string> parts;
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

}  // namespace

bool MatrixRow::Covers(const MatrixCell& cell) const {
  for (size_t i = 0; i < cell.size(); ++i) {
    if (!takes[i][cell[i]]) return false;
  }
  return true;
}

bool MatrixTable::Fail(const std::string& why) {
  error_ = why;
  return false;
}

bool MatrixTable::ReadPattern(const std::string& pattern,
                              const MatrixDimension& dimension,
                              std::vector<bool>* takes) {
  takes->assign(dimension.values.size(), false);
  if (pattern == "*") {
    takes->flip();
    return true;
  }
  const bool all_but = pattern[0] == '!';
  for (const std::string& name : Parts(pattern.substr(all_but ? 1 : 0))) {
    const auto found =
        std::find(dimension.values.begin(), dimension.values.end(), name);
    if (found == dimension.values.end()) {
      return Fail(dimension.name + " has no value " + name);
    }
    (*takes)[static_cast<size_t>(found - dimension.values.begin())] = true;
  }
  if (all_but) takes->flip();
  return true;
}

bool MatrixTable::ReadRow(const std::vector<std::string>& words, int line) {
  const size_t count = dimensions_.size();
  if (words.size() != count + 1 + expected_.size() || words[count] != "|") {
    return Fail("a row has one word for each column and a bar between");
  }
  MatrixRow row;
  row.line = line;
  row.takes.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (!ReadPattern(words[i], dimensions_[i], &row.takes[i])) return false;
  }
  row.expected.assign(words.begin() + static_cast<std::ptrdiff_t>(count) + 1,
                      words.end());
  rows_.push_back(std::move(row));
  return true;
}

bool MatrixTable::ReadLine(const std::string& text, int line) {
  const std::vector<std::string> words = Words(text);
  if (words.empty()) return true;
  if (words[0] == "dimension" && words.size() > 2) {
    dimensions_.push_back({words[1], {words.begin() + 2, words.end()}});
  } else if (words[0] == "expected" && words.size() > 1) {
    expected_.assign(words.begin() + 1, words.end());
  } else if (words[0] == "place" && words.size() == 3) {
    places_.push_back({static_cast<uint32_t>(std::stoul(words[1])),
                       static_cast<uint32_t>(std::stoul(words[2]))});
  } else {
    return ReadRow(words, line);
  }
  return true;
}

bool MatrixTable::Read(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Fail("cannot be read");
  std::string text;
  for (int line = 1; std::getline(file, text); ++line) {
    if (ReadLine(text, line)) continue;
    return Fail("line " + std::to_string(line) + ": " + error_);
  }
  if (rows_.empty() || places_.empty()) return Fail("no rows or no places");
  return true;
}

std::vector<MatrixCell> MatrixTable::Cells() const {
  std::vector<MatrixCell> cells = {{}};
  for (const MatrixDimension& dimension : dimensions_) {
    std::vector<MatrixCell> longer;
    longer.reserve(cells.size() * dimension.values.size());
    for (const MatrixCell& cell : cells) {
      for (size_t i = 0; i < dimension.values.size(); ++i) {
        longer.push_back(cell);
        longer.back().push_back(i);
      }
    }
    cells = std::move(longer);
  }
  return cells;
}

std::string MatrixTable::Describe(const MatrixCell& cell) const {
  std::string text;
  for (size_t i = 0; i < cell.size(); ++i) {
    text += (i == 0 ? "" : " ") + dimensions_[i].name + "=" + Value(cell, i);
  }
  return text;
}

}  // namespace chimney::testing
