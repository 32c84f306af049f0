// SPDX-License-Identifier: BSD-3-Clause
// The engine as one end of a connection: does a worker's part of the protocol
// of tcp/engine.h around a Tcb and checks the engine at every step. It can hand
// the connection over to a fresh Tcb at any moment.
#ifndef CHIMNEY_TESTS_SUPPORT_ENGINE_ENDPOINT_H_
#define CHIMNEY_TESTS_SUPPORT_ENGINE_ENDPOINT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "tcp/engine.h"
#include "tests/support/engine_store.h"
#include "tests/support/output_witness.h"
#include "tests/support/send_memory.h"
#include "tests/support/stream_endpoint.h"
#include "tests/support/virtual_clock.h"
#include "tests/support/wire_segment.h"

namespace chimney::testing {

// How a connection changes hands.
struct HandOverStyle {
  // The data is copied into another store and new records, and the clock of
  // the new owner has another origin; otherwise all of it is passed on.
  bool other_store = false;
  // Only what a Linux socket can keep survives: no congestion state, no
  // running timer, SND.NXT = SND.MAX.
  bool kernel_between = false;
  // Segments that arrive in between are parked and fed afterwards.
  Duration away;
};

class EngineEndpoint : public StreamEndpoint {
 public:
  struct Config {
    tcp::TcpState state;
    const tcp::Parameters* parameters = nullptr;
    bool ipv6 = false;
    uint32_t path_mtu_bytes = 1500;
    OutputWitness::Config witness;
    uint32_t chunk_bytes = 4096;
    uint32_t chunk_count = 512;
    uint32_t fragment_count = 8192;
    uint64_t seed = 1;
    // Chances in 1/16 of a worker's whims.
    uint32_t hold_on_wire = 4;  // a driver keeps a reference to the payload
    uint32_t late_consume = 4;  // ReceiveReturn comes later than the read
    uint32_t idle_timer = 1;    // OnTimer although nothing is due
    uint32_t short_room = 2;    // the wire takes only a few segments a turn
    uint32_t pipe_records = 6;  // an NBL comes in two records
  };
  using Transmit = std::function<void(const WireSegment&)>;
  using Fail = std::function<void(const std::string&)>;

  EngineEndpoint(VirtualClock* clock, const Config& config, Transmit transmit,
                 Fail fail);
  ~EngineEndpoint() override;

  void OnSegment(const WireSegment& segment) override;
  void OnPathMtu(uint32_t mtu_bytes) override;
  void Write(std::vector<uint8_t> bytes) override;
  void Close() override;
  std::vector<uint8_t> Read(size_t max) override;
  size_t readable() const override;
  uint64_t backlog() const override;
  bool at_end_of_stream() const override;
  bool finished() const override;
  bool broken() const override { return broken_; }
  std::string Status() const override;
  std::string TearDown() override;
  uint64_t handovers() const override { return handovers_; }

  // From here on the engine may give up (R191): it waits for a hand-over.
  void ExpectStop() { stop_expected_ = true; }
  bool stopped() const { return stop_ != tcp::StopReason::kNone; }
  tcp::StopReason stop_reason() const { return stop_; }
  uint64_t resets_sent() const { return resets_sent_; }

  // Nothing happens while the connection is away or has ended.
  void HandOver(const HandOverStyle& style);
  // A segment that the peer never sent.
  void OnForgery(const WireSegment& segment);
  void Abort();
  void Update(const tcp::TcpCachedState& cached, uint32_t path_mtu_bytes);

  tcp::Tcb& tcb() { return *tcb_; }
  OutputWitness& witness() { return witness_; }
  const tcp::TcpCachedState& cached() const { return config_.state.cached; }
  uint32_t path_mtu_bytes() const { return config_.path_mtu_bytes; }
  // The engine's time: each owner's clock has its own origin.
  Instant EngineNow() const { return clock_->now() + clock_offset_; }

 private:
  // Who answers for the connection.
  enum class Owner : uint8_t { kEngine, kAway, kHostTimeWait, kNobody };
  struct HeldBytes {
    SeqNum seq;
    std::vector<uint8_t> bytes;
  };

  void FeedSegment(const WireSegment& segment);

  // Turns (engine_turn.cc).
  void Handle(const tcp::Outcome& outcome);
  void HandleEnds(const tcp::Outcome& outcome);
  void Turn();
  bool SendOne(const tcp::OutSegment& segment);
  void HoldPayload(const tcp::OutSegment& segment);
  void CheckPublished(const WireSegment& segment);
  void PopCompleted();
  void PopCompletedOf(tcp::Tcb* tcb);
  void ArmTimer();
  void OnTimerFired();
  void CheckAtRest();
  void FireIdleTimer();
  void Violation(const std::string& what);

  // Hand-over (engine_handover.cc).
  void ExportState();
  void CheckExported(const tcp::TcpState& before);
  void MoveData(const HandOverStyle& style);
  void CopySendData(tcp::RecordList* out);
  void ForgetWhatTheKernelForgets();
  void Resume(const HandOverStyle& style);
  void ImportState(const HandOverStyle& style, Duration away);
  void CheckReimported();
  void Replay(const HeldBytes& held);
  void RetireToHost();
  void AnswerFromTimeWait(const WireSegment& segment);
  std::vector<uint8_t> ReadFromHost(size_t max);

  uint64_t OffsetOfAck(SeqNum ack) const;

  VirtualClock* clock_;
  Config config_;
  Transmit transmit_;
  Fail fail_;
  Random random_;
  OutputWitness witness_;
  SendMemory send_memory_;
  // Of tcbs in draining_.
  std::vector<std::unique_ptr<EngineStore>> old_stores_;
  std::unique_ptr<EngineStore> store_;
  std::unique_ptr<tcp::Tcb> tcb_;
  // Exported, but a driver still refers to sends that were acknowledged.
  std::vector<std::unique_ptr<tcp::Tcb>> draining_;
  Owner owner_ = Owner::kEngine;
  uint64_t life_ = 0;  // grows with each hand-over
  uint64_t handovers_ = 0;
  Duration clock_offset_;

  std::unique_ptr<tcp::Exported> exported_;
  std::vector<HeldBytes> out_of_order_;
  std::vector<WireSegment> parked_;
  std::vector<uint8_t> host_receive_queue_;
  Instant exported_at_;  // virtual clock

  uint64_t written_ = 0;
  uint64_t read_ = 0;
  uint64_t next_completion_ = 0;  // stream offset of the next record to pop
  uint64_t acked_ = 0;            // stream offset of the highest SND.UNA
  bool closed_ = false;
  bool stop_expected_ = false;
  tcp::StopReason stop_ = tcp::StopReason::kNone;
  uint64_t resets_sent_ = 0;
  bool fin_received_ = false;
  bool fin_acked_ = false;
  bool broken_ = false;
  bool turn_scheduled_ = false;
  bool output_announced_ = false;
  VirtualClock::EventId timer_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_ENGINE_ENDPOINT_H_
