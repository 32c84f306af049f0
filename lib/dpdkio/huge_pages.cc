// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/huge_pages.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string_view>

namespace chimney::dpdkio {

namespace {

constexpr uint64_t kMebibyte = 1u << 20;

uint64_t MebibytesUp(uint64_t bytes) {
  return (bytes + kMebibyte - 1) / kMebibyte;
}

}  // namespace

uint64_t FreeHugePageBytes(const std::string& directory) {
  constexpr std::string_view kPrefix = "hugepages-";
  uint64_t most = 0;
  std::error_code failed;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory, failed)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix)) continue;
    uint64_t kibibytes = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(),
                    kibibytes);
    uint64_t pages = 0;
    std::ifstream(entry.path() / "free_hugepages") >> pages;
    most = std::max(most, pages * kibibytes * 1024);
  }
  return most;
}

uint64_t AvailableMemoryBytes(const std::string& file) {
  std::ifstream lines(file);
  std::string word;
  uint64_t kibibytes = 0;
  while (lines >> word) {
    if (word == "MemAvailable:" && lines >> kibibytes) return kibibytes * 1024;
  }
  return std::numeric_limits<uint64_t>::max();
}

bool DecideHugePages(HugePages wanted, uint64_t needed_bytes,
                     uint64_t free_bytes, bool* use, std::string* error) {
  const bool enough = free_bytes >= needed_bytes;
  *use = wanted != HugePages::kOff && enough;
  if (wanted != HugePages::kOn || enough) return true;
  *error =
      "hugepages are demanded: " + std::to_string(MebibytesUp(needed_bytes)) +
      " MiB needed, " + std::to_string(free_bytes / kMebibyte) +
      " MiB free (see /sys/kernel/mm/hugepages, or use fewer mbufs)";
  return false;
}

}  // namespace chimney::dpdkio
