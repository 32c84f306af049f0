// SPDX-License-Identifier: BSD-3-Clause
// What a step of the kernel room reports: which error, errno where a system
// call said no, and the step that failed. A small value, cheap to return.
#ifndef CHIMNEY_KERNEL_KERNEL_ERROR_H_
#define CHIMNEY_KERNEL_KERNEL_ERROR_H_

#include <cstdint>
#include <string>

namespace chimney::kernel {

enum class KernelErrorCode : uint32_t {
#define CHIMNEY_KERNEL_ERROR(symbol, value, text) symbol = value,
#include "kernel/kernel_error.def"
#undef CHIMNEY_KERNEL_ERROR
};

// The sentence of kernel_error.def; never null.
const char* KernelErrorText(KernelErrorCode code);

struct [[nodiscard]] KernelError {
  KernelErrorCode code = KernelErrorCode::kOk;
  int system_errno = 0;   // 0 where no system call failed
  const char* step = "";  // static text: the call or check that failed

  bool ok() const { return code == KernelErrorCode::kOk; }
  // "another socket holds the addresses and ports (connect: Cannot assign
  // requested address)".
  std::string ToString() const;
};

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_KERNEL_ERROR_H_
