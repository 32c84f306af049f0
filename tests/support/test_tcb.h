// SPDX-License-Identifier: BSD-3-Clause
// A Tcb with all that it lives on, for tests that talk to the engine directly.
#ifndef CHIMNEY_TESTS_SUPPORT_TEST_TCB_H_
#define CHIMNEY_TESTS_SUPPORT_TEST_TCB_H_

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "tcp/engine.h"
#include "tests/support/engine_store.h"
#include "tests/support/send_memory.h"
#include "tests/support/wire_segment.h"

namespace chimney::testing {

// An ordinary connection at rest: we send from 1000, the peer from 5000, both
// windows are 65,535 bytes, no option is negotiated.
tcp::TcpState StateAtRest();

// What the connection knows of bytes on their way; at rest that is nothing.
const tcp::Outgoing& OutgoingOf(const tcp::Tcb& tcb);
// What it has learned so far.
const tcp::History& HistoryOf(const tcp::Tcb& tcb);

// Discards a connection whose records are left to whoever owns them.
void DiscardAll(tcp::Tcb& tcb);

class TestTcb {
 public:
  struct Memory {
    uint32_t chunk_bytes = 4096;
    uint32_t chunk_count = 256;
    uint32_t fragment_count = 4096;
  };

  explicit TestTcb(const tcp::Parameters& parameters)
      : TestTcb(parameters, Memory{}) {}
  TestTcb(const tcp::Parameters& parameters, const Memory& memory)
      : parameters_(parameters),
        store_(memory.chunk_bytes, memory.chunk_count, memory.fragment_count) {}
  ~TestTcb() { Discard(); }

  // False if the engine refuses the state. `unacked` are the bytes from
  // SND.UNA on, cut into records of at most `record_bytes`; `unread` those that
  // end at RCV.NXT.
  bool Import(Instant now, const tcp::TcpState& state,
              const std::vector<uint8_t>& unacked = {},
              const std::vector<uint8_t>& unread = {},
              uint32_t record_bytes = 1u << 20);
  // Everything that the engine wants to send now.
  std::vector<WireSegment> Pull(Instant now);
  tcp::Outcome Feed(Instant now, const WireSegment& segment);
  // Takes up to `max` bytes off the receive queue and reports them consumed.
  std::vector<uint8_t> Read(Instant now, size_t max);

  // The connection is dropped, and what it was to send.
  void Discard() { DiscardAll(tcb_); }

  tcp::Tcb& tcb() { return tcb_; }
  EngineStore& store() { return store_; }
  SendMemory& send_memory() { return send_memory_; }

 private:
  tcp::Parameters parameters_;
  EngineStore store_;
  SendMemory send_memory_;
  tcp::Tcb tcb_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_TEST_TCB_H_
