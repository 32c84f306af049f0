// SPDX-License-Identifier: BSD-3-Clause
// chimney-nc's statistics as JSON.
#include "hostapi/tools/nc_stats.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace chimney::tools {
namespace {

std::string Microseconds(uint32_t nanoseconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%u.%u", nanoseconds / 1000,
                nanoseconds % 1000 / 100);
  return text;
}

// `sorted` is not empty.
uint32_t Percentile(const std::vector<uint32_t>& sorted, size_t percent) {
  const size_t rank = (sorted.size() * percent + 99) / 100;
  return sorted[std::max<size_t>(rank, 1) - 1];
}

}  // namespace

std::string PercentilesJson(std::vector<uint32_t> samples_ns) {
  if (samples_ns.empty()) samples_ns.push_back(0);
  std::sort(samples_ns.begin(), samples_ns.end());
  return "{\"p50\":" + Microseconds(Percentile(samples_ns, 50)) +
         ",\"p99\":" + Microseconds(Percentile(samples_ns, 99)) +
         ",\"max\":" + Microseconds(samples_ns.back()) + "}";
}

std::string StatsJson(const NcStats& stats) {
  const std::pair<const char*, std::string> members[] = {
      {"bytes_in", std::to_string(stats.bytes_in)},
      {"bytes_out", std::to_string(stats.bytes_out)},
      {"offloads", std::to_string(stats.offload_ns.size())},
      {"uploads", std::to_string(stats.upload_ns.size())},
      {"offload_us", PercentilesJson(stats.offload_ns)},
      {"upload_us", PercentilesJson(stats.upload_ns)},
      {"offload_client_us", PercentilesJson(stats.offload_client_ns)},
      {"upload_client_us", PercentilesJson(stats.upload_client_ns)},
      {"offload_failures", std::to_string(stats.offload_failures)},
      {"upload_failures", std::to_string(stats.upload_failures)},
  };
  std::string text = "{";
  for (const auto& [name, value] : members) {
    if (text.size() > 1) text += ",";
    text += std::string("\"") + name + "\":" + value;
  }
  return text + "}\n";
}

bool WriteFile(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return false;
  const bool written =
      std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && written;
}

}  // namespace chimney::tools
