// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/cpu_list.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <charconv>

namespace chimney::daemon {

namespace {

static_assert(kMaxCpus <= CPU_SETSIZE);

bool ParseCpu(std::string_view text, uint32_t* cpu) {
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, *cpu);
  return failure == std::errc() && stop == end && !text.empty() &&
         *cpu < kMaxCpus;
}

}  // namespace

bool ParseCpuList(std::string_view text, std::vector<uint32_t>* cpus) {
  cpus->clear();
  for (;;) {
    const size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const size_t dash = item.find('-');
    uint32_t first = 0;
    if (!ParseCpu(item.substr(0, dash), &first)) return false;
    uint32_t last = first;
    if (dash != std::string_view::npos &&
        !ParseCpu(item.substr(dash + 1), &last)) {
      return false;
    }
    if (last < first) return false;
    for (uint32_t cpu = first; cpu <= last; ++cpu) {
      if (std::find(cpus->begin(), cpus->end(), cpu) != cpus->end()) {
        return false;
      }
      cpus->push_back(cpu);
    }
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

std::string CpuListText(const std::vector<uint32_t>& cpus) {
  std::string text;
  for (const uint32_t cpu : cpus) {
    if (!text.empty()) text += ",";
    text += std::to_string(cpu);
  }
  return text;
}

std::vector<uint32_t> AllowedCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<uint32_t> cpus;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return cpus;
  for (uint32_t cpu = 0; cpu < kMaxCpus; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

bool PinThread(uint32_t cpu) {
  if (cpu >= kMaxCpus) return false;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0;
}

bool PreferThread() {
  sched_param lowest{};
  lowest.sched_priority = sched_get_priority_min(SCHED_RR);
  return sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest) == 0;
}

}  // namespace chimney::daemon
