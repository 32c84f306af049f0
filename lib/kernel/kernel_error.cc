// SPDX-License-Identifier: BSD-3-Clause
// Texts of the kernel room's errors.
#include "kernel/kernel_error.h"

#include <cstring>

namespace chimney::kernel {

const char* KernelErrorText(KernelErrorCode code) {
  switch (code) {
#define CHIMNEY_KERNEL_ERROR(symbol, value, text) \
  case KernelErrorCode::symbol:                   \
    return text;
#include "kernel/kernel_error.def"
#undef CHIMNEY_KERNEL_ERROR
  }
  return "unknown kernel error";
}

std::string KernelError::ToString() const {
  std::string text = KernelErrorText(code);
  if (step[0] == '\0' && system_errno == 0) return text;
  text += " (";
  text += step;
  if (system_errno != 0) {
    char buffer[128];
    text += ": ";
    text += strerror_r(system_errno, buffer, sizeof(buffer));
  }
  text += ")";
  return text;
}

}  // namespace chimney::kernel
