// SPDX-License-Identifier: BSD-3-Clause
// The engine against state_event_matrix.txt: that the table says one thing of
// every cell, and that the engine does it, under both profiles.
#include <gtest/gtest.h>

#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/tcp/matrix_driver.h"
#include "tests/unit/tcp/matrix_table.h"

namespace chimney::testing {
namespace {

// One table and the receive window that it speaks of.
struct MatrixFile {
  const char* name;
  uint32_t rcv_wnd;
};
void PrintTo(const MatrixFile& file, std::ostream* out) { *out << file.name; }

constexpr MatrixFile kFiles[] = {
    {"state_event_matrix.txt", 10000},
    {"closed_window_matrix.txt", 0},
};
constexpr size_t kMostLines = 60;  // of a failure

std::set<std::string> EventSet(const std::string& list) {
  std::istringstream in(list);
  std::set<std::string> events;
  for (std::string event; std::getline(in, event, ',');) {
    if (event != "-") events.insert(event);
  }
  return events;
}

std::string Joined(const std::set<std::string>& events) {
  std::string text;
  for (const std::string& event : events) text += " " + event;
  return text.empty() ? " -" : text;
}

class Matrix : public ::testing::TestWithParam<MatrixFile> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(table_.Read(std::string(MATRIX_FOLDER) + GetParam().name))
        << table_.error();
  }

  std::string Where(const MatrixRow& row, const MatrixCell& cell) const {
    return std::string(GetParam().name) + ":" + std::to_string(row.line) +
           ": " + table_.Describe(cell);
  }

  MatrixInput Input(const MatrixCell& cell, const MatrixPlace& place) const {
    MatrixInput input;
    input.state = table_.Value(cell, 0);
    input.segment = table_.Value(cell, 1);
    input.seq = table_.Value(cell, 2);
    input.ack = table_.Value(cell, 3);
    input.ts = table_.Value(cell, 4);
    input.rcv_wnd = GetParam().rcv_wnd;
    input.place = place;
    return input;
  }

  // What differs from the row, empty if nothing.
  static std::string Difference(const MatrixRow& row, const MatrixInput& input,
                                const MatrixSeen& seen) {
    std::string text;
    const auto compare = [&text](const std::string& column,
                                 const std::string& expected,
                                 const std::string& shown) {
      if (expected == shown) return;
      text += " " + column + ": expected " + expected + ", seen " + shown + ";";
    };
    const std::vector<std::string>& expected = row.expected;
    compare("reason", expected[0], seen.reason);
    compare("sends", expected[1], seen.sends);
    compare("after", expected[2] == "=" ? input.state : expected[2],
            seen.after);
    compare("rcv.nxt", expected[3], seen.rcv_nxt);
    compare("events", Joined(EventSet(expected[4])), Joined(seen.events));
    if (!seen.broken.empty()) text += " broken: " + seen.broken + ";";
    return text;
  }

  // The first place where the cell differs from the row.
  std::string TryCell(const tcp::Parameters& parameters, const MatrixRow& row,
                      const MatrixCell& cell) const {
    for (const MatrixPlace& place : table_.places()) {
      const MatrixInput input = Input(cell, place);
      const std::string difference =
          Difference(row, input, MatrixDriver(parameters, input).Run());
      if (difference.empty()) continue;
      return " RCV.NXT=" + std::to_string(place.rcv_nxt) + ":" + difference;
    }
    return "";
  }

  void TryAll(const tcp::Parameters& parameters) {
    size_t failures = 0;
    std::string lines;
    const std::vector<MatrixCell> cells = table_.Cells();
    for (const MatrixRow& row : table_.rows()) {
      for (const MatrixCell& cell : cells) {
        if (!row.Covers(cell)) continue;
        const std::string difference = TryCell(parameters, row, cell);
        if (difference.empty() || ++failures > kMostLines) continue;
        lines += Where(row, cell) + difference + "\n";
      }
    }
    EXPECT_EQ(failures, 0u) << lines;
  }

  MatrixTable table_;
};

TEST_P(Matrix, EveryCellIsInExactlyOneRow) {
  size_t failures = 0;
  std::string lines;
  std::set<int> used;
  for (const MatrixCell& cell : table_.Cells()) {
    std::vector<int> rows;
    for (const MatrixRow& row : table_.rows()) {
      if (row.Covers(cell)) rows.push_back(row.line);
    }
    used.insert(rows.begin(), rows.end());
    if (rows.size() == 1 || ++failures > kMostLines) continue;
    lines += table_.Describe(cell) + (rows.empty() ? ": no row" : ": rows");
    for (const int line : rows) lines += " " + std::to_string(line);
    lines += "\n";
  }
  EXPECT_EQ(failures, 0u) << lines;
  EXPECT_EQ(used.size(), table_.rows().size()) << "rows without a cell";
}

// The whole product of the issue is there: six states, eight segments.
TEST_P(Matrix, HasEveryStateAndSegment_R43) {
  ASSERT_EQ(table_.dimensions().size(), 5u);
  EXPECT_EQ(table_.dimensions()[0].values.size(), 6u);
  EXPECT_EQ(table_.dimensions()[1].values.size(), 8u);
  EXPECT_EQ(table_.expected(),
            (std::vector<std::string>{"reason", "sends", "after", "rcv.nxt",
                                      "events"}));
}

TEST_P(Matrix, TheLinuxProfileDoesWhatItSays) { TryAll(tcp::LinuxProfile()); }

TEST_P(Matrix, TheChimneyProfileDoesWhatItSays) {
  TryAll(tcp::ChimneyProfile());
}

INSTANTIATE_TEST_SUITE_P(StateEvent, Matrix, ::testing::ValuesIn(kFiles),
                         [](const auto& file) {
                           return file.param.rcv_wnd == 0 ? "ClosedWindow"
                                                          : "OpenWindow";
                         });

}  // namespace
}  // namespace chimney::testing
