// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/kernel_error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace chimney::kernel {
namespace {

TEST(KernelError, EveryCodeHasATextAndAValueOfItsOwn) {
  std::set<uint32_t> values;
  std::set<std::string> texts;
  size_t count = 0;
#define CHIMNEY_KERNEL_ERROR(symbol, value, text) \
  values.insert(value);                           \
  texts.insert(text);                             \
  ++count;
#include "kernel/kernel_error.def"
#undef CHIMNEY_KERNEL_ERROR
  EXPECT_EQ(values.size(), count);
  EXPECT_EQ(texts.size(), count);
  EXPECT_STREQ(KernelErrorText(static_cast<KernelErrorCode>(60000)),
               "unknown kernel error");
}

TEST(KernelError, TextNamesStepAndErrno) {
  EXPECT_EQ(KernelError{}.ToString(), "ok");
  const KernelError refused{KernelErrorCode::kNat, 0, "conntrack"};
  EXPECT_EQ(refused.ToString(),
            "the connection is translated by NAT on this host (conntrack)");
  const KernelError failed{KernelErrorCode::kSystemCall, EPERM, "bind"};
  EXPECT_EQ(failed.ToString(),
            "a system call failed (bind: Operation not permitted)");
}

}  // namespace
}  // namespace chimney::kernel
