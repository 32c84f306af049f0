// SPDX-License-Identifier: BSD-3-Clause
// Both rings of a lane between two real threads: built with ThreadSanitizer,
// this proves that each acquire has its release.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "memory_session.h"
#include "ring/host_consumer.h"
#include "ring/host_producer.h"
#include "ring/in_process_ring.h"
#include "ring/notice_producer.h"
#include "ring/request_consumer.h"

namespace chimney::ring {
namespace {

constexpr uint32_t kEntries = 64;
constexpr uint64_t kMessages = 100000;

// A host that sends numbers, and a daemon that answers each.
TEST(RingThreads, EchoThroughBothRings) {
  MemorySession session(kEntries);
  std::thread daemon([&session] {
    RequestConsumer requests(session.requests(1), kEntries);
    NoticeProducer notices(session.notices(1), session.consumed(1));
    for (uint64_t answered = 0; answered < kMessages;) {
      abi::RequestEntry request;
      if (notices.Room() == 0 ||
          requests.Peek(&request) != RequestRingVerdict::kEntry) {
        ASSERT_FALSE(notices.rules_broken());
        std::this_thread::yield();
        continue;
      }
      requests.Pop();
      // The payload must be visible with the entry that refers to it.
      uint64_t payload = 0;
      std::memcpy(&payload, session.shared() + request.offset, sizeof(payload));
      abi::NoticeEntry notice;
      notice.request_id = request.request_id;
      notice.flow = payload;
      ASSERT_TRUE(notices.Push(notice));
      ++answered;
    }
  });

  HostProducer requests(session.requests(1));
  HostConsumer notices(session.notices(1), kEntries, session.consumed(1));
  uint8_t* arena = session.shared() + session.layout().arena_offset;
  uint64_t sent = 0;
  uint64_t received = 0;
  while (received < kMessages) {
    // As many payload slots as requests can be unanswered.
    if (sent < kMessages && sent - received < kEntries) {
      uint8_t* payload = arena + (sent % kEntries) * 64;
      std::memcpy(payload, &sent, sizeof(sent));
      abi::RequestEntry request;
      request.request_id = sent;
      request.offset = static_cast<uint64_t>(payload - session.shared());
      if (requests.Push(request)) ++sent;
    }
    const abi::NoticeEntry* notice = notices.Peek();
    if (notice == nullptr) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(notice->request_id, received);
    ASSERT_EQ(notice->flow, received);
    notices.Release();
    notices.Publish();
    ++received;
  }
  daemon.join();
}

TEST(RingThreads, SeveralProducersLoseNothing) {
  constexpr uint64_t kPerThread = 20000;
  InProcessRing<uint64_t> ring(32);
  const auto produce = [&ring](uint64_t first) {
    for (uint64_t i = 0; i < kPerThread;) {
      if (ring.EnqueueMp(first + i)) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  };
  std::thread one(produce, 0);
  std::thread two(produce, kPerThread);
  uint64_t sum = 0;
  for (uint64_t taken = 0; taken < 2 * kPerThread;) {
    uint64_t value = 0;
    if (ring.DequeueSc(&value)) {
      sum += value;
      ++taken;
    } else {
      std::this_thread::yield();
    }
  }
  one.join();
  two.join();
  const uint64_t count = 2 * kPerThread;
  EXPECT_EQ(sum, count * (count - 1) / 2);
}

}  // namespace
}  // namespace chimney::ring
