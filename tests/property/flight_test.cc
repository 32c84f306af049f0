// SPDX-License-Identifier: BSD-3-Clause
// The flight equals an array of bytes, each with a history of its own, as long
// as memory lasts; when it does not, the flight knows less, never more.
#include "tcp/flight.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace chimney::tcp {
namespace {

constexpr uint32_t kSpan = 3'000;

struct NaiveByte {
  FlightFate fate = FlightFate::kInFlight;
  Instant sent_at;
  bool resent = false;
  // It was lost, or held by the peer, since it was last sent: ranges of such
  // bytes may be joined, and then have the time of the first or the last.
  bool was_lost = false;
  bool was_sacked = false;

  bool joined() const { return was_lost || was_sacked; }
};

// One entry a byte from `base` on.
class NaiveFlight {
 public:
  explicit NaiveFlight(SeqNum base) : base_(base), bytes_(kSpan) {}

  void Send(uint32_t count, Instant now) {
    for (uint32_t i = max_; i < max_ + count; ++i) {
      bytes_[i] = {FlightFate::kInFlight, now};
    }
    max_ += count;
  }
  void Resend(uint32_t from, uint32_t to, Instant now) {
    for (uint32_t i = from; i < to; ++i) {
      if (bytes_[i].fate == FlightFate::kSacked) continue;
      bytes_[i] = {FlightFate::kInFlight, now, true};
    }
  }
  // Returns the bytes that changed.
  uint32_t Change(uint32_t from, uint32_t to, FlightFate before,
                  FlightFate after) {
    uint32_t changed = 0;
    for (uint32_t i = from; i < to; ++i) {
      if (bytes_[i].fate != before) continue;
      bytes_[i].fate = after;
      bytes_[i].was_lost |= after == FlightFate::kLost;
      bytes_[i].was_sacked |= after == FlightFate::kSacked;
      ++changed;
    }
    return changed;
  }
  uint32_t Count(FlightFate fate) const {
    return static_cast<uint32_t>(
        std::count_if(bytes_.begin() + una_, bytes_.begin() + max_,
                      [fate](const NaiveByte& b) { return b.fate == fate; }));
  }
  void ForgetSacked() {
    for (uint32_t i = una_; i < max_; ++i) {
      if (bytes_[i].fate == FlightFate::kSacked) bytes_[i].resent = true;
    }
    Change(una_, max_, FlightFate::kSacked, FlightFate::kInFlight);
  }
  void Acknowledge(uint32_t una) { una_ = una; }

  const NaiveByte& operator[](uint32_t i) const { return bytes_[i]; }
  SeqNum At(uint32_t i) const { return base_ + i; }
  uint32_t una() const { return una_; }
  uint32_t max() const { return max_; }

 private:
  SeqNum base_;
  std::vector<NaiveByte> bytes_;
  uint32_t una_ = 0;
  uint32_t max_ = 0;
};

class FlightProperty : public ::testing::TestWithParam<uint64_t> {
 protected:
  explicit FlightProperty(uint32_t store_ranges = 4'000)
      : store_(store_ranges),
        random_(GetParam()),
        // Around a wrap-around of the sequence space.
        naive_(SeqNum(0u - random_.Below(kSpan))) {
    flight_.UseStore(&store_);
  }
  ~FlightProperty() override {
    flight_.Clear();
    EXPECT_EQ(store_.in_use(), 0u);
  }

  // [from, to) within the flight, not empty.
  bool PickPart(uint32_t* from, uint32_t* to) {
    if (naive_.una() == naive_.max()) return false;
    const uint32_t length = naive_.max() - naive_.una();
    *from = naive_.una() + random_.Below(length);
    *to = std::min(naive_.max(), *from + 1 + random_.Below(60));
    return true;
  }
  void Send() {
    const uint32_t count =
        std::min(1 + random_.Below(80), kSpan - naive_.max());
    if (count == 0) return;
    flight_.Send(naive_.At(naive_.max()), naive_.At(naive_.max() + count),
                 now_);
    naive_.Send(count, now_);
  }
  void ChangePart() {
    uint32_t from;
    uint32_t to;
    if (!PickPart(&from, &to)) return;
    switch (random_.Below(4)) {
      case 0:
        flight_.Resend(naive_.At(from), naive_.At(to), now_);
        naive_.Resend(from, to, now_);
        break;
      case 1:
        MarkLost(from, to);
        break;
      default:
        Sack(from, to);
        break;
    }
  }
  virtual void MarkLost(uint32_t from, uint32_t to) {
    EXPECT_EQ(
        flight_.MarkLost(naive_.At(from), naive_.At(to)),
        naive_.Change(from, to, FlightFate::kInFlight, FlightFate::kLost));
  }
  virtual void Sack(uint32_t from, uint32_t to) {
    Delivery delivery;
    flight_.Sack(naive_.At(from), naive_.At(to), &delivery);
    uint32_t fresh =
        naive_.Change(from, to, FlightFate::kInFlight, FlightFate::kSacked);
    fresh += naive_.Change(from, to, FlightFate::kLost, FlightFate::kSacked);
    EXPECT_EQ(delivery.sacked_bytes, fresh);
    EXPECT_EQ(delivery.any, fresh != 0);
  }
  void Acknowledge() {
    const uint32_t length = naive_.max() - naive_.una();
    const uint32_t to =
        naive_.una() + random_.Below(std::min(length, 200u) + 1);
    uint32_t sacked = 0;
    for (uint32_t i = naive_.una(); i < to; ++i) {
      sacked += naive_[i].fate == FlightFate::kSacked ? 1 : 0;
    }
    const uint32_t fresh = to - naive_.una() - sacked;
    naive_.Acknowledge(to);
    Delivery delivery;
    flight_.Acknowledge(naive_.At(to), &delivery);
    EXPECT_GE(delivery.acked_bytes, fresh);
    EXPECT_TRUE(!exact_ || delivery.acked_bytes == fresh);
  }
  void ChangeAll() {
    switch (random_.Below(3)) {
      case 0:
        flight_.MarkAllLost();
        naive_.Change(naive_.una(), naive_.max(), FlightFate::kInFlight,
                      FlightFate::kLost);
        break;
      case 1:
        flight_.UnmarkLost();
        naive_.Change(naive_.una(), naive_.max(), FlightFate::kLost,
                      FlightFate::kInFlight);
        break;
      default:
        flight_.ForgetSacked();
        naive_.ForgetSacked();
        break;
    }
  }
  void Step() {
    if (random_.Chance(1, 3)) now_ = now_ + Duration::Micros(5);
    const uint32_t what = random_.Below(20);
    if (what < 8) {
      Send();
    } else if (what < 16) {
      ChangePart();
    } else if (what < 19) {
      Acknowledge();
    } else {
      ChangeAll();
    }
  }
  // Ranges follow each other, cover the flight and sum up.
  void CheckShape() {
    SeqNum next = naive_.At(naive_.una());
    uint32_t sacked = 0;
    uint32_t lost = 0;
    size_t count = 0;
    for (const FlightRange* range = flight_.front(); range != nullptr;
         range = flight_.Next(range)) {
      ASSERT_EQ(range->start, next);
      ASSERT_TRUE(range->start.Before(range->end));
      if (range->fate == FlightFate::kSacked) sacked += range->bytes();
      if (range->fate == FlightFate::kLost) lost += range->bytes();
      next = range->end;
      ++count;
    }
    ASSERT_EQ(next, naive_.At(naive_.max()));
    ASSERT_EQ(flight_.sacked_bytes(), sacked);
    ASSERT_EQ(flight_.lost_bytes(), lost);
    ASSERT_EQ(flight_.total_bytes(), naive_.max() - naive_.una());
    ASSERT_EQ(flight_.range_count(), count);
    ASSERT_LE(count, Flight::kMaxRanges);
  }
  template <typename Check>
  void ForEachByte(Check check) {
    for (const FlightRange* range = flight_.front(); range != nullptr;
         range = flight_.Next(range)) {
      const uint32_t from = range->start.BytesFrom(naive_.At(0));
      for (uint32_t i = from; i < from + range->bytes(); ++i) {
        check(*range, naive_[i]);
        if (HasFatalFailure()) return;
      }
    }
  }

  bool exact_ = true;
  Slab<FlightRange> store_;
  Random random_;
  Instant now_ = Instant::FromNanos(1'000'000);
  NaiveFlight naive_;
  Flight flight_;
};

TEST_P(FlightProperty, EqualsAnArrayOfBytes) {
  for (int step = 0; step < 300; ++step) {
    Step();
    CheckShape();
    ForEachByte([](const FlightRange& range, const NaiveByte& byte) {
      ASSERT_EQ(range.fate, byte.fate);
      if (byte.fate != FlightFate::kInFlight) return;
      // A late ACK must not make the path seem short.
      if (!byte.was_sacked) {
        ASSERT_LE(range.sent_at, byte.sent_at);
      }
      if (byte.joined()) return;
      ASSERT_EQ(range.sent_at, byte.sent_at);
      ASSERT_EQ(range.copies == FlightCopies::kSeveral, byte.resent);
    });
    const FlightRange* lost = flight_.FirstLost();
    ASSERT_EQ(lost != nullptr, naive_.Count(FlightFate::kLost) != 0);
    if (HasFatalFailure()) return;
  }
}

class FlightWithoutMemory : public FlightProperty {
 protected:
  FlightWithoutMemory() : FlightProperty(6) { exact_ = false; }

  // More than what is asked for may be taken for lost, and is then in the model
  // too.
  void MarkLost(uint32_t from, uint32_t to) override {
    EXPECT_GE(flight_.MarkLost(naive_.At(from), naive_.At(to)), 0u);
  }
  void Sack(uint32_t from, uint32_t to) override {
    Delivery delivery;
    flight_.Sack(naive_.At(from), naive_.At(to), &delivery);
    naive_.Change(from, to, FlightFate::kInFlight, FlightFate::kSacked);
    naive_.Change(from, to, FlightFate::kLost, FlightFate::kSacked);
  }
};

TEST_P(FlightWithoutMemory, KnowsLessAndNeverMore) {
  for (int step = 0; step < 300; ++step) {
    Step();
    CheckShape();
    ForEachByte([](const FlightRange& range, const NaiveByte& byte) {
      if (range.fate == FlightFate::kSacked) {
        ASSERT_EQ(byte.fate, FlightFate::kSacked) << "an invented report";
      }
      ASSERT_TRUE(range.copies != FlightCopies::kOne || !byte.resent ||
                  range.fate != FlightFate::kInFlight || byte.joined())
          << "a sample from what was sent twice";
    });
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, FlightProperty,
                         ::testing::Range<uint64_t>(1, 61));
INSTANTIATE_TEST_SUITE_P(Seeds, FlightWithoutMemory,
                         ::testing::Range<uint64_t>(1, 61));

}  // namespace
}  // namespace chimney::tcp
