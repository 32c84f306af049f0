// SPDX-License-Identifier: BSD-3-Clause
// What chimney-nc counts, and the JSON it writes of it (design section 5).
#ifndef CHIMNEY_TOOLS_NC_STATS_H_
#define CHIMNEY_TOOLS_NC_STATS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace chimney::tools {

struct NcStats {
  uint64_t bytes_in = 0;   // from the connection to standard output
  uint64_t bytes_out = 0;  // from standard input to the connection
  uint64_t offload_failures = 0;
  uint64_t upload_failures = 0;
  // The daemon's own time for each hand-over, and the time from our request to
  // the event that answers it. An upload that the daemon began has no request.
  std::vector<uint32_t> offload_ns;
  std::vector<uint32_t> upload_ns;
  std::vector<uint32_t> offload_client_ns;
  std::vector<uint32_t> upload_client_ns;
};

// {"p50":..,"p99":..,"max":..} in microseconds with one decimal; zeros when
// there are no samples. pX is the smallest sample that X % do not exceed.
std::string PercentilesJson(std::vector<uint32_t> samples_ns);

std::string StatsJson(const NcStats& stats);

// False with errno set.
bool WriteFile(const std::string& path, const std::string& text);

}  // namespace chimney::tools

#endif  // CHIMNEY_TOOLS_NC_STATS_H_
