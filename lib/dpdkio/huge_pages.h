// SPDX-License-Identifier: BSD-3-Clause
// Whether to run on hugepages, and whether there is memory at all.
#ifndef CHIMNEY_DPDKIO_HUGE_PAGES_H_
#define CHIMNEY_DPDKIO_HUGE_PAGES_H_

#include <cstdint>
#include <string>

namespace chimney::dpdkio {

enum class HugePages : uint8_t { kOff, kOn, kAuto };

// Bytes of free hugepages of the size that has most, as the kernel lists them
// in `directory`.
uint64_t FreeHugePageBytes(
    const std::string& directory = "/sys/kernel/mm/hugepages");

// Bytes of ordinary memory that can be had without swapping, as the kernel
// estimates it in `file`; the largest number if it does not say.
uint64_t AvailableMemoryBytes(const std::string& file = "/proc/meminfo");

// Sets `*use`. False with a message if they are demanded and too few are free.
bool DecideHugePages(HugePages wanted, uint64_t needed_bytes,
                     uint64_t free_bytes, bool* use, std::string* error);

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_HUGE_PAGES_H_
