// SPDX-License-Identifier: BSD-3-Clause
#include "handover_fixture.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "daemon/offload_operation.h"
#include "daemon/upload_operation.h"

namespace chimney::daemon {
namespace {

const char* NameOf(worker::Operation::Kind kind) {
  using Kind = worker::Operation::Kind;
  switch (kind) {
    case Kind::kHold:
      return "hold";
    case Kind::kFence:
      return "fence";
    case Kind::kRestrictHost:
      return "restrict_host";
    case Kind::kOpenHost:
      return "open_host";
    case Kind::kOpenWire:
      return "open_wire";
    case Kind::kRelease:
      return "release";
    case Kind::kInjectHost:
      return "inject";
    case Kind::kInitiate:
      return "initiate";
    case Kind::kTerminate:
      return "terminate";
    case Kind::kFinishUpload:
      return "finish";
    case Kind::kCancelUpload:
      return "cancel";
    default:
      return "another operation";
  }
}

}  // namespace

HandoverTest::HandoverTest() {
  fake_kernel = &kernel;
  context_.operations = &operations_;
  context_.timers = &timers_;
  context_.stats = &stats_;
  context_.now = [this] { return now_; };
  context_.reserve_tuple = [this](Connection& reserving,
                                  const FlowTuple& tuple) {
    reserving.tuple = tuple;
    return tuple_is_free;
  };
  context_.eligibility.netlink = &netlink_;
  FlowTuple& tuple = kernel.facts.tuple;
  tuple.local = IpAddress::FromV4(0x0a4d0001);
  tuple.remote = IpAddress::FromV4(0x0a4d0002);
  tuple.local_port = 5000;
  tuple.remote_port = 80;
  kernel.facts.path_mtu_bytes = 1500;
  tcp::TcpDelegatedState& state = kernel.frozen.snapshot.tcp.delegated;
  state.state = tcp::ConnectionState::kEstablished;
  state.snd_una = state.snd_nxt = state.snd_max = SeqNum(1000);
  state.rcv_nxt = SeqNum(5000);
  connection.session = &session;
}

void HandoverTest::OnFlowNamed(Connection& named, worker::FlowHandle flow) {
  named.flow = flow;
}

void HandoverTest::OnOffloadDone(Connection&, kernel::KernelError why,
                                 offload::Status outcome) {
  ++done;
  error = why;
  status = outcome;
}

void HandoverTest::OnUploadDone(Connection&, kernel::KernelError why) {
  ++done;
  error = why;
}

void HandoverTest::Offload() {
  auto operation = std::make_unique<OffloadOperation>(context_, *this,
                                                      connection, 7, nullptr);
  OffloadOperation* started = operation.get();
  connection.handover = std::move(operation);
  started->Start();
  Run();
}

void HandoverTest::Upload(bool include_lent) {
  connection.flow = worker::FlowHandle{1, 1};
  if (!connection.cut) connection.image = kernel.frozen;
  auto operation = std::make_unique<UploadOperation>(context_, *this,
                                                     connection, include_lent);
  UploadOperation* started = operation.get();
  connection.handover = std::move(operation);
  started->Start();
  Run();
}

size_t HandoverTest::CountOf(const std::string& call) const {
  return static_cast<size_t>(
      std::count(kernel.log.begin(), kernel.log.end(), call));
}

void HandoverTest::Execute(worker::Operation* operation) {
  kernel.log.push_back(NameOf(operation->kind));
  operation->status = offload::Status::kSuccess;
  if (operation->kind == Kind::kHold) {
    operation->flow = worker::FlowHandle{1, 1};
    operation->session_room_bytes = 1 << 20;
  }
  if (operation->kind == Kind::kTerminate) {
    operation->snapshot = kernel.frozen.snapshot;
  }
  worker(operation);
}

void HandoverTest::Run() {
  std::array<worker::Operation*, 8> taken;
  for (;;) {
    timers_.Run(now_);
    const size_t count = link_.Take(taken);
    for (size_t i = 0; i < count; ++i) {
      Execute(taken[i]);
      link_.Complete(taken[i]);
    }
    if (count == 0) return;
    link_.Drain([](const WorkerMessage& message) {
      reinterpret_cast<OperationOwner*>(message.operation->control_tag)
          ->OnOperationDone(message.operation);
    });
  }
}

void HandoverTest::Advance(Duration by) {
  const Instant end = now_ + by;
  while (timers_.Next() <= end) {
    now_ = timers_.Next();
    Run();
  }
  now_ = end;
}

}  // namespace chimney::daemon
