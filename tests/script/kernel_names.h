// SPDX-License-Identifier: BSD-3-Clause
// Linux's names for states, as they stand in the assertions of scripts.
#ifndef CHIMNEY_TESTS_SCRIPT_KERNEL_NAMES_H_
#define CHIMNEY_TESTS_SCRIPT_KERNEL_NAMES_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace chimney::script {

struct NamedConstant {
  std::string_view name;
  int64_t value;
};

inline constexpr NamedConstant kKernelConstants[] = {
    {"TCP_ESTABLISHED", 1},
    {"TCP_FIN_WAIT1", 4},
    {"TCP_FIN_WAIT2", 5},
    {"TCP_TIME_WAIT", 6},
    {"TCP_CLOSE", 7},
    {"TCP_CLOSE_WAIT", 8},
    {"TCP_LAST_ACK", 9},
    {"TCP_CLOSING", 11},
    {"TCP_CA_Open", 0},
    {"TCP_CA_Disorder", 1},
    {"TCP_CA_CWR", 2},
    {"TCP_CA_Recovery", 3},
    {"TCP_CA_Loss", 4},
    {"TCP_INFINITE_SSTHRESH", std::numeric_limits<int32_t>::max()},
};

inline std::optional<int64_t> KernelConstant(std::string_view name) {
  for (const NamedConstant& constant : kKernelConstants) {
    if (constant.name == name) return constant.value;
  }
  return std::nullopt;
}

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_KERNEL_NAMES_H_
