// SPDX-License-Identifier: BSD-3-Clause
// One connection between a fake kernel and a worker that the test plays; the
// clock is the test's.
#ifndef CHIMNEY_TESTS_UNIT_DAEMON_HANDOVER_FIXTURE_H_
#define CHIMNEY_TESTS_UNIT_DAEMON_HANDOVER_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "daemon/handover_context.h"
#include "daemon/operation_queue.h"
#include "daemon/session.h"
#include "fake_kernel.h"

namespace chimney::daemon {

class HandoverTest : public ::testing::Test, public HandoverListener {
 protected:
  using Kind = worker::Operation::Kind;
  using Code = kernel::KernelErrorCode;
  using Calls = std::vector<std::string>;

  HandoverTest();
  ~HandoverTest() override { fake_kernel = nullptr; }

  void OnFlowNamed(Connection& connection, worker::FlowHandle flow) override;
  void OnHandoverWaits(Connection&, bool waits) override { waiting = waits; }
  void OnOffloadDone(Connection& connection, kernel::KernelError error,
                     offload::Status status) override;
  void OnUploadDone(Connection& connection, kernel::KernelError error) override;

  void Offload();
  // As after an offload: `kernel.frozen` is with the worker.
  void Upload(bool include_lent = false);
  // Lets the worker and the timers do what is due; then the same `by` later.
  void Run();
  void Advance(Duration by);
  // What the worker answers; by default kHold and kTerminate name the flow and
  // give what the test set up, and everything succeeds.
  std::function<void(worker::Operation*)> worker = [](worker::Operation*) {};
  // How often the kernel or the worker was asked for that.
  size_t CountOf(const std::string& call) const;
  uint64_t Counted(HandoverCount count) const { return stats_.count(count); }

  FakeKernel kernel;
  Connection connection;
  Session session{7, UniqueFd(), 0, 0};
  bool tuple_is_free = true;
  bool waiting = false;
  int done = 0;
  kernel::KernelError error;
  offload::Status status = offload::Status::kSuccess;

 private:
  void Execute(worker::Operation* operation);

  Instant now_ = Instant::FromNanos(1'000'000'000);
  WorkerLink link_{0};
  OperationQueue operations_{{&link_}};
  ControlTimers timers_;
  HandoverStats stats_;
  kernel::NetlinkSockets netlink_;
  HandoverContext context_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_TESTS_UNIT_DAEMON_HANDOVER_FIXTURE_H_
