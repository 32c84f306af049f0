// SPDX-License-Identifier: BSD-3-Clause
// An independent TCP peer for established connections: slow, simple, and
// obviously correct. It shares no code with lib/tcp, so that the two can judge
// each other. RFC 9293, 7323, 2018 and 5961 as far as a peer needs them.
#ifndef CHIMNEY_TESTS_SUPPORT_MODEL_PEER_H_
#define CHIMNEY_TESTS_SUPPORT_MODEL_PEER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "tests/support/model_receiver.h"
#include "tests/support/model_sender.h"
#include "tests/support/virtual_clock.h"
#include "tests/support/wire_segment.h"

namespace chimney::testing {

class ModelPeer {
 public:
  struct Config {
    uint32_t first_send_seq = 1000;
    uint32_t first_receive_seq = 5000;
    ModelSender::Config sender;
    ModelReceiver::Config receiver;
    uint8_t peer_shift = 0;  // of the windows that it receives
    bool timestamps = true;
    bool sack = true;
    Duration timestamp_unit = Duration::Millis(1);
    uint32_t first_tsval = 77'000;
    uint32_t ts_recent = 0;
    // The right edge that the other side was told before the first segment,
    // from first_receive_seq.
    uint32_t initial_window_bytes = 65535;
    Duration delayed_ack;  // zero = every segment at once
  };
  using Transmit = std::function<void(const WireSegment&)>;

  ModelPeer(VirtualClock* clock, const Config& config, Transmit transmit);

  void OnSegment(const WireSegment& segment);

  // The application.
  void Write(ByteSpan bytes);
  void Close();  // FIN after all that was written
  std::vector<uint8_t> Read(size_t max);
  void Abort();  // RST
  // Window games: what is promised stays promised.
  void SetReceiveBuffer(uint32_t bytes);

  // A pure ACK as it would be sent now; alter it and Send it to misbehave.
  WireSegment CurrentAck();
  void Send(const WireSegment& segment) { transmit_(segment); }

  const ModelSender& sender() const { return sender_; }
  const ModelReceiver& receiver() const { return receiver_; }
  // Both FINs are there, and ours is acknowledged.
  bool finished() const {
    return sender_.fin_acked() && receiver_.fin_in_sequence();
  }
  bool reset() const { return reset_; }
  uint64_t paws_drops() const { return paws_drops_; }
  std::string Status() const;

 private:
  uint32_t NowTimestamp() const;
  uint64_t SendOffset(uint32_t ack) const;
  uint64_t ReceiveOffset(uint32_t seq) const;
  bool PawsRejects(const WireSegment& segment) const;
  void OnAcceptable(const WireSegment& segment, uint64_t offset);
  void TakeAck(const WireSegment& segment);
  void OweAck(bool at_once);
  void SendAck();
  void Pump();
  void Rearm();

  VirtualClock* clock_;
  Config config_;
  Transmit transmit_;
  ModelSender sender_;
  ModelReceiver receiver_;
  uint32_t ts_recent_;
  uint32_t last_ack_sent_;
  bool reset_ = false;
  bool ack_owed_ = false;
  uint64_t paws_drops_ = 0;
  VirtualClock::EventId retransmit_timer_;
  VirtualClock::EventId ack_timer_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_MODEL_PEER_H_
