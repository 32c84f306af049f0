// SPDX-License-Identifier: BSD-3-Clause
// Whatever order, overlap and repetition segments come in, the engine holds
// what a map of bytes holds: R163-R165, RFC 9293 section 3.10.7.4.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/random.h"
#include "tests/support/byte_stream.h"
#include "tests/support/model_receiver.h"
#include "tests/support/test_tcb.h"

namespace chimney::testing {
namespace {

constexpr uint64_t kStreamBytes = 20'000;
constexpr uint32_t kWindow = 6'000;

class Reassembly : public ::testing::TestWithParam<uint64_t> {
 protected:
  Reassembly()
      : random_(GetParam()),
        stream_(GetParam()),
        first_seq_(0u - random_.Below(2 * kStreamBytes)),
        parameters_(tcp::LinuxProfile()),
        engine_(parameters_) {
    tcp::TcpState state = StateAtRest();
    state.constant.sack_enabled = true;
    state.cached.initial_rcv_wnd = kWindow;
    state.delegated.rcv_nxt = first_seq_;
    state.delegated.snd_wl1 = first_seq_;
    state.delegated.rcv_wnd = kWindow;
    EXPECT_TRUE(engine_.Import(now_, state));
    ModelReceiver::Config config;
    config.buffer_bytes = 1u << 30;  // the engine's edge decides
    model_ = std::make_unique<ModelReceiver>(config, kWindow);
  }

  // A piece of the stream around the window, FIN included at its end.
  WireSegment RandomSegment(uint64_t* offset) {
    const uint64_t next = model_->next();
    const uint64_t back = std::min<uint64_t>(next, 1 + random_.Below(600));
    *offset = next - (random_.Chance(1, 3) ? back : 0);
    if (random_.Chance(1, 2)) *offset += random_.Below(kWindow);
    *offset = std::min(*offset, kStreamBytes);
    const uint64_t count =
        std::min<uint64_t>(random_.Below(1'400), kStreamBytes - *offset);
    WireSegment segment;
    segment.seq = (first_seq_ + static_cast<uint32_t>(*offset)).value();
    segment.ack = 1000;
    segment.raw_window = 65535;
    segment.flags = kAck;
    segment.payload = stream_.Bytes(*offset, count);
    if (*offset + count == kStreamBytes) segment.flags |= kFin;
    return segment;
  }
  // The model may take what the engine's window admits.
  void FeedBoth() {
    uint64_t offset = 0;
    const WireSegment segment = RandomSegment(&offset);
    const uint64_t edge = EdgeOffset();
    const bool in_window = segment.SequenceLength() == 0 || offset < edge;
    engine_.Feed(now_, segment);
    if (!in_window || offset + segment.SequenceLength() <= model_->next()) {
      return;
    }
    const uint64_t room = edge - offset;
    const auto count = std::min<uint64_t>(segment.payload.size(), room);
    const bool fin = segment.Has(kFin) && segment.payload.size() < room;
    model_->AdvertiseWindow();
    model_->Accept(offset, ByteSpan(segment.payload).first(count), fin);
  }
  uint64_t EdgeOffset() {
    tcp::Tcb& tcb = engine_.tcb();
    return model_->next() + tcb.rcv_wnd();
  }
  void ExpectEqual() {
    tcp::Tcb& tcb = engine_.tcb();
    ASSERT_EQ(tcp::CheckInvariants(tcb), nullptr);
    ASSERT_EQ(tcb.rcv_nxt().BytesFrom(first_seq_),
              static_cast<uint32_t>(model_->next()));
    ASSERT_EQ(tcb.fin_received(), model_->fin_in_sequence());
    uint64_t beyond = 0;
    for (const auto& [left, right] : model_->Runs(1'000)) {
      beyond += right - left;
    }
    if (!tcb.fin_received()) {
      ASSERT_EQ(tcb.out_of_order_bytes(), beyond);
    }
  }
  void ExpectSackTellsTheTruth(const WireSegment& segment) {
    const auto runs = model_->Runs(1'000);
    for (const WireSegment::Block& block : segment.sack) {
      const uint64_t left = SeqNum(block.left).BytesFrom(first_seq_);
      const uint64_t right = SeqNum(block.right).BytesFrom(first_seq_);
      const bool held =
          std::any_of(runs.begin(), runs.end(), [left, right](const auto& run) {
            return run.first <= left && right <= run.second;
          });
      // RFC 2883: a duplicate lies below RCV.NXT or inside what is held.
      ASSERT_TRUE(held || right <= model_->next())
          << Describe(segment) << " next " << model_->next();
    }
  }
  void ReadBoth() {
    const size_t max = random_.Below(4'000);
    const uint64_t offset = model_->read_offset();
    const std::vector<uint8_t> from_engine = engine_.Read(now_, max);
    ASSERT_EQ(from_engine, model_->Read(max));
    ASSERT_EQ(stream_.FirstMismatch(offset, from_engine), std::nullopt);
  }

  Instant now_ = Instant::FromNanos(1'000'000'000);
  Random random_;
  ByteStream stream_;
  SeqNum first_seq_;
  tcp::Parameters parameters_;
  TestTcb engine_;
  std::unique_ptr<ModelReceiver> model_;
};

TEST_P(Reassembly, EqualsAMapOfBytes) {
  int steps = 0;
  while (!engine_.tcb().fin_received() && ++steps < 5'000) {
    now_ = now_ + Duration::Micros(random_.Below(2'000));
    FeedBoth();
    ExpectEqual();
    for (const WireSegment& segment : engine_.Pull(now_)) {
      ExpectSackTellsTheTruth(segment);
    }
    if (random_.Chance(1, 4)) ReadBoth();
    if (HasFatalFailure()) return;
  }
  ASSERT_TRUE(engine_.tcb().fin_received());
  while (model_->readable() > 0) ReadBoth();
  EXPECT_EQ(model_->read_offset(), kStreamBytes);
  engine_.Discard();
  EXPECT_EQ(engine_.store().Leftovers(), "");
}

INSTANTIATE_TEST_SUITE_P(Seeds, Reassembly, ::testing::Range<uint64_t>(1, 41));

}  // namespace
}  // namespace chimney::testing
