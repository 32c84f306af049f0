// SPDX-License-Identifier: BSD-3-Clause
// Counters with one writer and any readers.
#include "base/counters.h"

#include <gtest/gtest.h>

#include <thread>

namespace chimney {
namespace {

enum class Event { kFirst, kSecond, kCount };
using Events = CounterBlock<Event, static_cast<size_t>(Event::kCount)>;

TEST(CounterBlock, CountsEachEventAlone) {
  Events events;
  EXPECT_EQ(events.Get(Event::kFirst), 0u);
  events.Add(Event::kFirst);
  events.Add(Event::kSecond, 40);
  events.Add(Event::kSecond, 2);
  EXPECT_EQ(events.Get(Event::kFirst), 1u);
  EXPECT_EQ(events.Get(Event::kSecond), 42u);
  EXPECT_EQ(Events::size(), 2u);
}

TEST(CounterBlock, ReaderOnAnotherThreadSeesItGrow) {
  constexpr uint64_t kLast = 200'000;
  Events events;
  bool never_back = true;
  std::thread reader([&] {
    uint64_t seen = 0;
    while (seen < kLast) {
      const uint64_t now = events.Get(Event::kFirst);
      never_back = never_back && now >= seen;
      seen = now;
    }
  });
  for (uint64_t i = 0; i < kLast; ++i) events.Add(Event::kFirst);
  reader.join();
  EXPECT_TRUE(never_back);
}

}  // namespace
}  // namespace chimney
