// SPDX-License-Identifier: BSD-3-Clause
// Whether to run on hugepages.
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

// Sets `*use`. False with a message if they are demanded and too few are free.
bool DecideHugePages(HugePages wanted, uint64_t needed_bytes,
                     uint64_t free_bytes, bool* use, std::string* error);

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_HUGE_PAGES_H_
