// SPDX-License-Identifier: BSD-3-Clause
// The fixture of the kernel room's tests: one namespace pair per test.
#ifndef CHIMNEY_TESTS_INTEGRATION_KERNEL_LAB_FIXTURE_H_
#define CHIMNEY_TESTS_INTEGRATION_KERNEL_LAB_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "frame_tap.h"
#include "kernel/netlink_sockets.h"
#include "kernel/sockmap.h"
#include "namespace_pair.h"

namespace chimney::kernel {

class KernelLab : public testing::Test {
 protected:
  using Side = NamespacePair::Side;

  void SetUp() override {
    std::string why_not;
    if (!CanMakeNamespaces(&why_not)) GTEST_SKIP() << why_not;
    lab_ = std::make_unique<NamespacePair>();
    tap_ = std::make_unique<FrameTap>(*lab_);
    sockets_ = std::make_unique<NetlinkSockets>();
  }

  std::unique_ptr<NamespacePair> lab_;
  std::unique_ptr<FrameTap> tap_;
  std::unique_ptr<NetlinkSockets> sockets_;  // in the host's namespace
  SockmapSearch sockmaps_;
};

}  // namespace chimney::kernel

#endif  // CHIMNEY_TESTS_INTEGRATION_KERNEL_LAB_FIXTURE_H_
