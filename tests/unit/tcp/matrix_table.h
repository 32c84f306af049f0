// SPDX-License-Identifier: BSD-3-Clause
// A table of expectations that a person can read: dimensions with named values,
// rows that each cover a block of their product. See state_event_matrix.txt.
//
//   dimension NAME VALUE...    a column left of the bar; `*` is every value,
//                              `a,b` these, `!a,b` all but these
//   expected NAME...           the columns right of the bar
//   place NUMBER NUMBER        where every cell is tried (RCV.NXT, SND.UNA)
#ifndef CHIMNEY_TESTS_UNIT_TCP_MATRIX_TABLE_H_
#define CHIMNEY_TESTS_UNIT_TCP_MATRIX_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chimney::testing {

struct MatrixDimension {
  std::string name;
  std::vector<std::string> values;
};

struct MatrixPlace {
  uint32_t rcv_nxt = 0;
  uint32_t snd_una = 0;
};

// Index of one value in each dimension.
using MatrixCell = std::vector<size_t>;

struct MatrixRow {
  int line = 0;
  std::vector<std::vector<bool>> takes;  // [dimension][value]
  std::vector<std::string> expected;

  bool Covers(const MatrixCell& cell) const;
};

class MatrixTable {
 public:
  // False and an explanation in error() if the file does not say what it
  // should.
  bool Read(const std::string& path);

  const std::string& error() const { return error_; }
  const std::vector<MatrixDimension>& dimensions() const { return dimensions_; }
  const std::vector<std::string>& expected() const { return expected_; }
  const std::vector<MatrixPlace>& places() const { return places_; }
  const std::vector<MatrixRow>& rows() const { return rows_; }

  // Every cell of the product, the last dimension running fastest.
  std::vector<MatrixCell> Cells() const;
  // Name of the cell's value in `dimension`.
  const std::string& Value(const MatrixCell& cell, size_t dimension) const {
    return dimensions_[dimension].values[cell[dimension]];
  }
  // "state=CLOSING segment=RST ...".
  std::string Describe(const MatrixCell& cell) const;

 private:
  bool ReadLine(const std::string& text, int line);
  bool ReadRow(const std::vector<std::string>& words, int line);
  bool ReadPattern(const std::string& pattern, const MatrixDimension& dimension,
                   std::vector<bool>* takes);
  bool Fail(const std::string& why);

  std::string error_;
  std::vector<MatrixDimension> dimensions_;
  std::vector<std::string> expected_;
  std::vector<MatrixPlace> places_;
  std::vector<MatrixRow> rows_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_UNIT_TCP_MATRIX_TABLE_H_
