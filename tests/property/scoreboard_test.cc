// SPDX-License-Identifier: BSD-3-Clause
// The scoreboard equals a set of bytes as long as its ranges fit; when they do
// not, it knows less, never more.
#include "tcp/scoreboard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace chimney::tcp {
namespace {

constexpr uint32_t kSpan = 2'000;

// One flag a byte from `base` on.
class NaiveScoreboard {
 public:
  explicit NaiveScoreboard(SeqNum base) : base_(base), held_(kSpan) {}

  uint32_t Add(uint32_t from, uint32_t to) {
    uint32_t added = 0;
    for (uint32_t i = from; i < to; ++i) {
      added += held_[i] == 0 ? 1 : 0;
      held_[i] = 1;
    }
    return added;
  }
  void Advance(uint32_t to) { std::fill_n(held_.begin(), to, uint8_t{0}); }
  size_t Ranges() const {
    size_t ranges = 0;
    for (uint32_t i = 0; i < kSpan; ++i) {
      if (held_[i] != 0 && (i == 0 || held_[i - 1] == 0)) ++ranges;
    }
    return ranges;
  }
  uint32_t Bytes() const {
    return static_cast<uint32_t>(std::count(held_.begin(), held_.end(), 1));
  }
  uint32_t SkipSacked(uint32_t at) const {
    while (at < kSpan && held_[at] != 0) ++at;
    return at;
  }
  uint32_t NextStart(uint32_t at, uint32_t limit) const {
    for (uint32_t i = at + 1; i < limit; ++i) {
      if (held_[i] != 0 && held_[i - 1] == 0) return i;
    }
    return limit;
  }
  bool Holds(uint32_t at) const { return held_[at] != 0; }
  SeqNum base() const { return base_; }

 private:
  SeqNum base_;
  std::vector<uint8_t> held_;
};

void ExpectEqual(const Scoreboard& scoreboard, const NaiveScoreboard& naive,
                 Random* random) {
  ASSERT_EQ(scoreboard.size(), naive.Ranges());
  ASSERT_EQ(scoreboard.sacked_bytes(), naive.Bytes());
  for (int i = 0; i < 20; ++i) {
    const uint32_t at = random->Below(kSpan - 1);
    ASSERT_EQ(scoreboard.SkipSacked(naive.base() + at),
              naive.base() + naive.SkipSacked(at));
    if (naive.Holds(at)) continue;
    const uint32_t limit = at + 1 + random->Below(kSpan - at - 1);
    ASSERT_EQ(scoreboard.NextSacked(naive.base() + at, naive.base() + limit),
              naive.base() + naive.NextStart(at, limit));
  }
}

class ScoreboardProperty : public ::testing::TestWithParam<uint64_t> {};

TEST_P(ScoreboardProperty, EqualsASetOfBytes) {
  Random random(GetParam());
  // Around a wrap-around of the sequence space.
  const auto base = SeqNum(0u - random.Below(kSpan));
  NaiveScoreboard naive(base);
  Scoreboard scoreboard;
  uint32_t una = 0;
  for (int step = 0; step < 400; ++step) {
    if (random.Chance(1, 8)) {
      una += random.Below(40);
      una = std::min(una, kSpan - 100);
      naive.Advance(una);
      scoreboard.Advance(base + una);
    } else if (scoreboard.size() < Scoreboard::kCapacity) {
      const uint32_t from = una + random.Below(kSpan - una - 1);
      const uint32_t to = std::min(from + 1 + random.Below(60), kSpan);
      ASSERT_EQ(scoreboard.Add(base + from, base + to), naive.Add(from, to));
    }
    ExpectEqual(scoreboard, naive, &random);
    if (HasFatalFailure()) return;
  }
}

TEST_P(ScoreboardProperty, BeyondItsCapacityItNeverInvents) {
  Random random(GetParam());
  const SeqNum base(random.Next32());
  NaiveScoreboard naive(base);
  Scoreboard scoreboard;
  for (int step = 0; step < 300; ++step) {
    const uint32_t from = random.Below(kSpan - 4);
    scoreboard.Add(base + from, base + from + 1 + random.Below(3));
    naive.Add(from, from + 3);
    ASSERT_LE(scoreboard.size(), Scoreboard::kCapacity);
    ASSERT_LE(scoreboard.sacked_bytes(), naive.Bytes());
    for (size_t i = 0; i < scoreboard.size(); ++i) {
      const packet::SackBlock& range = scoreboard.range(i);
      ASSERT_TRUE(range.start.Before(range.end));
      for (SeqNum at = range.start; at != range.end; at += 1) {
        ASSERT_TRUE(naive.Holds(at.BytesFrom(base)));
      }
      if (i == 0) continue;
      ASSERT_TRUE(scoreboard.range(i - 1).end.Before(range.start));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ScoreboardProperty,
                         ::testing::Range<uint64_t>(1, 31));

}  // namespace
}  // namespace chimney::tcp
