// SPDX-License-Identifier: BSD-3-Clause
// Puts one segment of a matrix to a fresh connection and says, in the words of
// the table, what it did.
#ifndef CHIMNEY_TESTS_UNIT_TCP_MATRIX_DRIVER_H_
#define CHIMNEY_TESTS_UNIT_TCP_MATRIX_DRIVER_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tcp/engine.h"
#include "tests/support/test_tcb.h"
#include "tests/unit/tcp/matrix_table.h"

namespace chimney::testing {

// The names of the table's left columns.
struct MatrixInput {
  std::string state;
  std::string segment;
  std::string seq;
  std::string ack;
  std::string ts;
  uint32_t rcv_wnd = 0;
  MatrixPlace place;
};

// The names of its right columns. `broken` is empty unless something is wrong
// that must hold in every cell.
struct MatrixSeen {
  std::string reason;
  std::string sends;
  std::string after;
  std::string rcv_nxt;
  std::set<std::string> events;
  std::string broken;
};

class MatrixDriver {
 public:
  MatrixDriver(const tcp::Parameters& parameters, const MatrixInput& input);

  MatrixSeen Run();

 private:
  WireSegment Segment() const;
  bool Start();
  std::string ClassifyAnswer(const std::vector<WireSegment>& answer);
  bool IsAck(const WireSegment& segment);
  std::string RcvNxt();
  std::string Broken(const tcp::Outcome& outcome, const MatrixSeen& seen);

  const MatrixInput input_;
  tcp::Parameters parameters_;
  TestTcb host_;
  Instant now_ = Instant::FromNanos(1'000'000'000'000);
  uint32_t snd_max_ = 0;
  WireSegment segment_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_UNIT_TCP_MATRIX_DRIVER_H_
