// SPDX-License-Identifier: BSD-3-Clause
// One worker, one session, one connection: 10.77.0.1:5000 here (SND.UNA 1000),
// 10.77.0.2:80 there (RCV.NXT 5000). The test plays the peer, the kernel, the
// host process and the clock.
#ifndef CHIMNEY_TESTS_UNIT_WORKER_WORKER_FIXTURE_H_
#define CHIMNEY_TESTS_UNIT_WORKER_WORKER_FIXTURE_H_

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "fake_ports.h"
#include "packet/frame_builder.h"
#include "packet/frame_view.h"
#include "worker/worker.h"

namespace chimney::worker {

inline constexpr uint32_t kLocalSeq = 1000;   // next byte we send
inline constexpr uint32_t kRemoteSeq = 5000;  // next byte the peer sends
inline constexpr uint32_t kSessionId = 77;
inline constexpr uint64_t kCookie = 0xc00c1e;
inline constexpr uint32_t kTsNow = 90000;  // our timestamp clock at the offload
inline constexpr uint32_t kPeerTs = 40000;

inline Bytes Text(std::string_view text) {
  return Bytes(text.begin(), text.end());
}
// `count` bytes that tell their place in the stream.
Bytes Pattern(size_t count, size_t from = 0);

struct SegmentSpec {
  uint32_t seq = 0;
  uint32_t ack = 0;
  packet::TcpFlags flags = packet::kTcpAck;
  Bytes payload;
  uint16_t window = 500;  // << 7
  packet::TcpOptions options;
  uint16_t urgent_pointer = 0;
};

class WorkerTest : public ::testing::Test {
 protected:
  WorkerTest();
  void SetUp() override;
  // Nothing may be left over once the flow is gone and the session closed.
  void TearDown() override;

  virtual WorkerConfig Config() const;
  virtual FlowTuple Tuple() const;
  packet::HeaderTemplate OurHeaders() const;

  // Frames. Peer* builds what arrives from the wire, Kernel* from the host.
  Bytes PeerFrame(const SegmentSpec& spec) const;
  Bytes KernelFrame(const SegmentSpec& spec) const;
  // Data of the peer at offset `at` of its stream; ACKs what we had sent.
  Bytes PeerData(const Bytes& payload, uint32_t at = 0, uint32_t ack = 0,
                 bool push = true) const;
  Bytes PeerAck(uint32_t acked_bytes, uint32_t received_bytes = 0) const;
  Disposition FromWire(const Bytes& bytes);
  Disposition FromHost(const Bytes& bytes);
  packet::FrameView Parsed(const Bytes& bytes) const;
  // Payload of all frames sent to the wire since `first`, by sequence number.
  Bytes WirePayload(size_t first = 0) const;

  // Operations; each returns whether it completed with success.
  bool Run(Operation* operation);
  bool Hold(Duration timeout = Duration::Millis(100));
  std::unique_ptr<Operation> NewInitiate() const;
  bool Initiate(Operation* operation);
  bool Offload();  // hold and initiate
  bool Terminate();
  bool Finish();
  bool Upload() { return Terminate() && Finish(); }
  void CloseSession();

  // Requests.
  // A copy of `data` is sent and outlives the worker.
  RequestVerdict Send(uint64_t id, const Bytes& data, bool ends_nbl = true);
  RequestVerdict Post(uint64_t id, Bytes* buffer, bool no_push = false);
  RequestVerdict Return(const Notice& notice, uint32_t bytes);
  RequestVerdict Disconnect(uint64_t id, bool abortive);
  // Polls until nothing is left to do at this instant.
  void Poll();
  void Advance(Duration by);
  std::vector<Notice> Of(Notice::Kind kind) const {
    return session.OfKind(kind);
  }

  std::deque<Bytes> send_memory;
  FakeFramePort frames;
  FakeSessionPort session{2048, 64};
  FakeControlPort control;
  PublishedRecord published{};
  Instant now = Instant::FromNanos(1'000'000'000);
  std::unique_ptr<Worker> worker;
  FlowHandle flow;
  Operation hold, initiate, terminate, finish, close;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_TESTS_UNIT_WORKER_WORKER_FIXTURE_H_
