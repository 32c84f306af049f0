// SPDX-License-Identifier: BSD-3-Clause
// A session that writes whatever it likes wherever it can: into its rings,
// indices and arena, in between honest requests. No reference leaves its arena,
// what breaks a rule ends its lane and stays broken, and the session beside it
// goes on as if nothing were (design D5).
#include <rte_ring.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/ring_world.h"

namespace {

using chimney::Duration;
using chimney::testing::FuzzInput;
using chimney::testing::HonestByte;
using chimney::testing::Require;
using chimney::testing::RingSession;
using chimney::testing::RingWorld;
namespace abi = chimney::abi;
namespace daemon = chimney::daemon;
namespace worker = chimney::worker;

constexpr int kMaxSteps = 200;
constexpr size_t kBudget = 5;

class Session {
 public:
  explicit Session(FuzzInput* input) : input_(input) {}

  void Step() {
    RingSession& hostile = world_.hostile();
    switch (input_->Byte() % 12) {
      case 0:
      case 1:
      case 2:
        Post(Plausible());
        break;
      case 3:
        Post(input_->Plain<abi::RequestEntry>());
        break;
      case 4:
        Scribble();
        break;
      case 5:
        hostile.requests->prod.tail =
            hostile.requests->prod.tail + input_->Offset();
        break;
      case 6:
        hostile.header->lanes[1].consumed.fetch_add(input_->Offset());
        break;
      case 7:
        Consume();
        break;
      case 8:
        world_.PeerSends(&hostile, input_->UpTo(1'460));
        break;
      case 9:
        world_.Advance(Duration::Millis(input_->Byte()));
        break;
      case 10:
        HonestSends();
        break;
      default:
        world_.PeerSends(&world_.honest(), input_->Byte());
        break;
    }
    Poll();
  }

  void End() {
    Honest();
    // All that the neighbour wrote has arrived, and it was told so.
    for (int i = 0; i < 20 && sent_ != completed_; ++i) {
      world_.PeerSends(&world_.honest(), 0);
      world_.Advance(Duration::Seconds(2));
      world_.Turn();
      Honest();
    }
    Require(sent_ == completed_);
    world_.End();
  }

 private:
  // A request whose fields are near those that mean something.
  abi::RequestEntry Plausible() {
    constexpr abi::RequestOp kOps[] = {
        abi::RequestOp::kSend, abi::RequestOp::kReceive,
        abi::RequestOp::kReceiveReturn, abi::RequestOp::kDisconnect};
    abi::RequestEntry entry;
    entry.op = kOps[input_->Byte() % 4];
    entry.flags = input_->Byte();
    entry.length = input_->UpTo(RingSession::kArenaBytes + 8);
    entry.offset = input_->UpTo(RingSession::kArenaBytes + 8);
    if (input_->Byte() != 0 && entry.offset <= RingSession::kArenaBytes) {
      entry.length %= RingSession::kArenaBytes - entry.offset + 1;
    }
    entry.chunk = input_->Byte() % (RingSession::kChunks + 2);
    const uint8_t whose = input_->Byte();
    const RingSession& named = whose == 1 ? world_.honest() : world_.hostile();
    entry.flow = whose == 2 ? input_->LongWord() : named.flow.Packed();
    entry.request_id = input_->Byte();
    return entry;
  }

  void Post(const abi::RequestEntry& entry) {
    RingSession& hostile = world_.hostile();
    worker::Request request;
    const daemon::LaneFault fault = hostile.lane->Translate(entry, &request);
    if (fault == daemon::LaneFault::kNone && request.data != nullptr) {
      const uint8_t* begin = hostile.arena.data();
      Require(request.data >= begin);
      Require(request.data + request.length <= begin + hostile.arena.size());
    }
    // As librte_ring does it, but for the header, which may be anything.
    auto* slots = reinterpret_cast<uint8_t*>(hostile.requests + 1);
    const uint32_t tail = hostile.requests->prod.tail;
    std::memcpy(slots + tail % RingSession::kRingEntries * sizeof(entry),
                &entry, sizeof(entry));
    hostile.requests->prod.tail = tail + 1;
  }

  // Any bytes anywhere in what the session may write.
  void Scribble() {
    RingSession& hostile = world_.hostile();
    const auto size = static_cast<uint32_t>(hostile.layout.shared_bytes);
    const uint32_t at = input_->UpTo(size - 1);
    input_->Fill(hostile.shared.get() + at,
                 std::min<uint32_t>(input_->Byte(), size - at));
  }

  void Consume() {
    RingSession& hostile = world_.hostile();
    for (uint8_t count = input_->Byte() % 8; count > 0; --count) {
      const abi::NoticeEntry* notice = hostile.consumer.Peek();
      if (notice == nullptr) break;
      if (notice->op == abi::NoticeOp::kReceiveIndication && input_->Flag()) {
        abi::RequestEntry entry;
        entry.op = abi::RequestOp::kReceiveReturn;
        entry.flow = notice->flow;
        entry.chunk = notice->chunk;
        entry.length = notice->bytes;
        Post(entry);
      }
      hostile.consumer.Release();
    }
    hostile.consumer.Publish();
  }

  void HonestSends() {
    RingSession& honest = world_.honest();
    if (sent_ != completed_) return;  // The arena is in use.
    const uint32_t count = 1 + input_->UpTo(RingSession::kArenaBytes - 1);
    for (uint32_t i = 0; i < count; ++i) {
      honest.arena[i] = HonestByte(stream_at_ + i);
    }
    abi::RequestEntry entry;
    entry.op = abi::RequestOp::kSend;
    entry.flow = honest.flow.Packed();
    entry.length = count;
    entry.request_id = ++sent_;
    Require(honest.producer.Push(entry));
    stream_at_ += count;
  }

  void Poll() {
    RingSession& hostile = world_.hostile();
    const bool was_broken = hostile.lane->fault() != daemon::LaneFault::kNone;
    const size_t taken =
        hostile.lane->PollRequests(world_.now(), &world_.worker(), kBudget);
    Require(taken <= kBudget);
    Require(!was_broken || taken == 0);
    Require(!was_broken || hostile.lane->fault() != daemon::LaneFault::kNone);
    Require(hostile.lane->Room() <= RingSession::kRingEntries);
    world_.honest().lane->PollRequests(world_.now(), &world_.worker(), kBudget);
    world_.Turn();
    Honest();
  }

  // The neighbour reads its notices; each is what it should be.
  void Honest() {
    RingSession& honest = world_.honest();
    Require(honest.lane->fault() == daemon::LaneFault::kNone);
    while (const abi::NoticeEntry* notice = honest.consumer.Peek()) {
      Require(notice->flow == honest.flow.Packed());
      if (notice->op == abi::NoticeOp::kSendComplete) {
        Require(notice->request_id == ++completed_);
        Require(notice->status == 0);
      } else if (notice->op == abi::NoticeOp::kReceiveIndication) {
        Require(notice->chunk < RingSession::kChunks);
        Require(notice->offset_in_chunk + notice->bytes <=
                RingSession::kChunkBytes);
        abi::RequestEntry entry;
        entry.op = abi::RequestOp::kReceiveReturn;
        entry.flow = notice->flow;
        entry.chunk = notice->chunk;
        entry.length = notice->bytes;
        Require(honest.producer.Push(entry));
      }
      honest.consumer.Release();
      honest.consumer.Publish();
      honest.lane->PollRequests(world_.now(), &world_.worker(), kBudget);
      world_.Turn();
    }
  }

  FuzzInput* input_;
  RingWorld world_;
  uint64_t sent_ = 0;
  uint64_t completed_ = 0;
  uint32_t stream_at_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Session session(&input);
  for (int step = 0; step < kMaxSteps && !input.empty(); ++step) session.Step();
  session.End();
  return 0;
}
