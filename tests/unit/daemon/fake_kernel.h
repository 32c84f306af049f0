// SPDX-License-Identifier: BSD-3-Clause
// The hand-over functions of the kernel room, replaced at link time: they write
// down that they were called and answer what the test wants.
#ifndef CHIMNEY_TESTS_UNIT_DAEMON_FAKE_KERNEL_H_
#define CHIMNEY_TESTS_UNIT_DAEMON_FAKE_KERNEL_H_

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "kernel/eligibility.h"
#include "kernel/handover.h"

namespace chimney::daemon {

struct FakeKernel {
  // Answers to the next calls of a function, then kOk for ever.
  std::map<std::string, std::deque<kernel::KernelErrorCode>> answers;
  kernel::EligibilityFacts facts;
  kernel::SocketImage frozen;    // what Freeze reads
  kernel::SocketImage restored;  // what Restore was given last
  bool awaited_peer_fin = false;
  // Called functions in order; the fixture adds what the worker is asked.
  std::vector<std::string> log;

  kernel::KernelError Answer(const std::string& function);  // and logs it
  kernel::KernelError Next(const std::string& function);
};

// The one the functions use; set while a test runs.
extern FakeKernel* fake_kernel;

}  // namespace chimney::daemon

#endif  // CHIMNEY_TESTS_UNIT_DAEMON_FAKE_KERNEL_H_
