// SPDX-License-Identifier: BSD-3-Clause
// What one bulk transfer gets out of a 100 Mbit/s path, over loss, round trip,
// buffer and algorithm, against the table beside this file. Whoever changes the
// engine so that it differs looks at the difference, and then writes the table
// anew with CHIMNEY_UPDATE_TABLE=1.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "tests/sim/bulk.h"
#include "tests/sim/simulation.h"

namespace chimney::testing {
namespace {

constexpr uint64_t kBytes = 8'000'000;
constexpr uint64_t kRate = 100'000'000;
// The arithmetic of CUBIC may differ in its last bits between compilers.
constexpr double kTolerance = 0.03;
constexpr int64_t kFewSegments = 10;

BulkResult Transfer(const tcp::Parameters& parameters, uint32_t loss_ppm,
                    Duration round_trip, uint32_t queue) {
  Scenario scenario = BulkScenario(parameters, 1, kBytes);
  scenario.a_to_b = scenario.b_to_a = BottleneckLink(kRate, round_trip, queue);
  scenario.a_to_b.loss_ppm = loss_ppm;
  Simulation simulation(scenario);
  const SimulationResult result = simulation.Run();
  EXPECT_EQ(result.problem, "") << result.details;
  return Judge(result, kBytes);
}

using Table = std::map<std::string, BulkResult>;

Table Measure() {
  Table table;
  for (const auto& [name, algorithm] :
       {std::pair{"newreno", tcp::CongestionControl::kNewReno},
        std::pair{"cubic", tcp::CongestionControl::kCubic}}) {
    const tcp::Parameters parameters = LinuxWith(algorithm);
    for (const uint32_t loss_ppm : {0u, 1'000u, 10'000u, 50'000u}) {
      for (const int64_t round_trip_ms : {2, 20, 100}) {
        for (const uint32_t queue : {10u, 100u, 1'000u}) {
          char key[80];
          std::snprintf(key, sizeof(key), "%-8s %6u %4lld %5u", name, loss_ppm,
                        static_cast<long long>(round_trip_ms), queue);
          table[key] = Transfer(parameters, loss_ppm,
                                Duration::Millis(round_trip_ms), queue);
        }
      }
    }
  }
  return table;
}

std::string Print(const Table& table) {
  std::ostringstream out;
  out << "# One transfer of 8 MB over 100 Mbit/s, from the first byte to the "
         "last one in order at the receiver.\n"
      << "# algorithm, loss in ppm, round trip in ms, queue in segments: "
         "kbit/s, segments beyond the least\n";
  for (const auto& [key, cell] : table) {
    char line[120];
    std::snprintf(line, sizeof(line), "%s: %6lld %5lld\n", key.c_str(),
                  static_cast<long long>(cell.goodput_kbit_per_s),
                  static_cast<long long>(cell.segments_resent));
    out << line;
  }
  return out.str();
}

Table ReadTable() {
  Table table;
  std::ifstream file(GOODPUT_TABLE);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (line.empty() || line[0] == '#' || colon == std::string::npos) continue;
    std::istringstream values(line.substr(colon + 1));
    BulkResult cell;
    values >> cell.goodput_kbit_per_s >> cell.segments_resent;
    table[line.substr(0, colon)] = cell;
  }
  return table;
}

bool Near(int64_t value, int64_t stored, int64_t few) {
  const auto difference = static_cast<double>(std::abs(value - stored));
  return difference <=
         std::max(static_cast<double>(few),
                  kTolerance * static_cast<double>(std::abs(stored)));
}

TEST(Goodput, IsThatOfTheStoredTable) {
  const Table measured = Measure();
  if (std::getenv("CHIMNEY_UPDATE_TABLE") != nullptr) {
    std::ofstream(GOODPUT_TABLE) << Print(measured);
    return;
  }
  const Table stored = ReadTable();
  ASSERT_EQ(stored.size(), measured.size());
  for (const auto& [key, cell] : measured) {
    const auto found = stored.find(key);
    ASSERT_NE(found, stored.end()) << key;
    EXPECT_TRUE(
        Near(cell.goodput_kbit_per_s, found->second.goodput_kbit_per_s, 0))
        << key << ": " << cell.goodput_kbit_per_s << " kbit/s, the table has "
        << found->second.goodput_kbit_per_s;
    EXPECT_TRUE(
        Near(cell.segments_resent, found->second.segments_resent, kFewSegments))
        << key << ": " << cell.segments_resent << " sent again, the table has "
        << found->second.segments_resent;
  }
}

}  // namespace
}  // namespace chimney::testing
