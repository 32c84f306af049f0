// SPDX-License-Identifier: BSD-3-Clause
// CPUs as people write them: "2,4-6".
#ifndef CHIMNEY_DAEMON_CPU_LIST_H_
#define CHIMNEY_DAEMON_CPU_LIST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chimney::daemon {

inline constexpr uint32_t kMaxCpus = 1024;

// False if it is not a list of CPU numbers below kMaxCpus, each at most once.
bool ParseCpuList(std::string_view text, std::vector<uint32_t>* cpus);
std::string CpuListText(const std::vector<uint32_t>& cpus);

// CPUs that this process may run on, ascending.
std::vector<uint32_t> AllowedCpus();

// Pins the calling thread.
bool PinThread(uint32_t cpu);

// The calling thread runs as soon as it is awake, before all ordinary ones;
// false where that is not allowed. Threads made later are ordinary again.
bool PreferThread();

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_CPU_LIST_H_
