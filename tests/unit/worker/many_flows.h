// SPDX-License-Identifier: BSD-3-Clause
// A worker with many flows of several sessions, each with a remote port of its
// own.
#ifndef CHIMNEY_TESTS_UNIT_WORKER_MANY_FLOWS_H_
#define CHIMNEY_TESTS_UNIT_WORKER_MANY_FLOWS_H_

#include <memory>
#include <vector>

#include "worker_fixture.h"

namespace chimney::worker {

class ManyFlowsTest : public WorkerTest {
 protected:
  static constexpr uint32_t kOtherId = 78;

  FlowTuple Tuple() const override {
    FlowTuple tuple = WorkerTest::Tuple();
    tuple.remote_port = remote_port;
    return tuple;
  }
  void Open(uint32_t session_id, FakeSessionPort* port) {
    Operation open;
    open.kind = Operation::Kind::kOpenSession;
    open.session_id = session_id;
    open.session_port = port;
    ASSERT_TRUE(Run(&open));
    control.completed.clear();
  }
  void Close(uint32_t session_id, Operation* operation) {
    operation->kind = Operation::Kind::kCloseSession;
    operation->session_id = session_id;
    worker->Execute(now, operation);
  }
  FlowHandle AddFlow(uint32_t session_id) {
    ++remote_port;
    EXPECT_TRUE(Hold());
    std::unique_ptr<Operation> offload = NewInitiate();
    offload->session_id = session_id;
    EXPECT_TRUE(Initiate(offload.get()));
    control.completed.clear();
    return flow;
  }
  void UploadAll(const std::vector<FlowHandle>& flows) {
    for (const FlowHandle handle : flows) {
      Operation cut, end;
      cut.kind = Operation::Kind::kTerminate;
      end.kind = Operation::Kind::kFinishUpload;
      cut.flow = end.flow = handle;
      EXPECT_TRUE(Run(&cut));
      EXPECT_TRUE(Run(&end));
      std::erase(control.completed, &cut);
      std::erase(control.completed, &end);
    }
  }
  void PollUntilIdle() {
    while (worker->Poll(now) != 0) {
    }
  }

  uint16_t remote_port = 1000;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_TESTS_UNIT_WORKER_MANY_FLOWS_H_
