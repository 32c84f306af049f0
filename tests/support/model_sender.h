// SPDX-License-Identifier: BSD-3-Clause
// The sending half of the model peer: keeps all that was ever written, goes
// back to the first missing byte at a timeout, and fills holes after duplicate
// ACKs. It decides what to send; the peer makes the segments.
#ifndef CHIMNEY_TESTS_SUPPORT_MODEL_SENDER_H_
#define CHIMNEY_TESTS_SUPPORT_MODEL_SENDER_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace chimney::testing {

// Positions are 64-bit offsets from the first byte that it ever sends; the FIN
// has the offset behind the last byte.
class ModelSender {
 public:
  struct Config {
    uint32_t mss_bytes = 1460;  // payload of a full segment
    uint32_t flight_limit_bytes = 1u << 20;
    uint32_t initial_cwnd_bytes = 14600;
    uint64_t peer_edge = 65535;  // right edge that it may use at first
    Duration rto = Duration::Millis(300);
    Duration rto_max = Duration::Seconds(20);
  };
  // Something to put on the wire.
  struct Piece {
    uint64_t offset = 0;
    ByteSpan bytes;
    bool fin = false;
  };

  explicit ModelSender(const Config& config)
      : config_(config),
        edge_(config.peer_edge),
        cwnd_(config.initial_cwnd_bytes) {}

  void Write(ByteSpan bytes);
  void Close() { closed_ = true; }

  // An ACK up to `ack`, which is at most max_sent(). `pure`: no payload, no
  // FIN, window not moved by it, so it may be a duplicate.
  void OnAck(uint64_t ack, uint64_t edge, bool pure,
             const std::vector<std::pair<uint64_t, uint64_t>>& sacked);
  // The retransmission timer fired.
  void OnTimeout();
  // Next thing to send now, if any.
  bool Next(Piece* out);
  // True while the timer has to run; for how long from the last event.
  bool TimerNeeded() const;
  Duration TimerLength() const;

  uint64_t una() const { return una_; }
  uint64_t max_sent() const { return max_; }
  uint64_t edge() const { return edge_; }
  uint64_t written() const { return stream_.size(); }
  bool closed() const { return closed_; }
  bool fin_acked() const { return closed_ && una_ == stream_.size() + 1; }
  bool everything_acked() const { return una_ >= End(); }
  uint64_t retransmissions() const { return retransmissions_; }
  uint64_t timeouts() const { return timeouts_; }

 private:
  // Behind the last offset there is to send.
  uint64_t End() const { return stream_.size() + (closed_ ? 1 : 0); }
  // A piece from `offset` up to `limit`, the MSS and the next SACKed byte.
  bool MakePiece(uint64_t offset, uint64_t limit, Piece* out);
  uint64_t SkipSacked(uint64_t offset) const;
  bool NextHole(Piece* out);
  void EnterRecovery();

  Config config_;
  std::vector<uint8_t> stream_;
  std::vector<uint8_t> sacked_;  // 1 for each byte of stream_ that is SACKed
  bool closed_ = false;
  uint64_t una_ = 0;
  uint64_t nxt_ = 0;
  uint64_t max_ = 0;
  uint64_t edge_;
  uint64_t cwnd_;
  uint32_t duplicate_acks_ = 0;
  bool in_recovery_ = false;
  bool hole_due_ = false;  // one hole may be filled now
  uint64_t recover_ = 0;
  uint64_t hole_ = 0;  // holes before this have been filled once
  uint64_t highest_sacked_ = 0;
  bool probe_due_ = false;
  uint32_t backoff_ = 0;
  uint64_t retransmissions_ = 0;
  uint64_t timeouts_ = 0;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_MODEL_SENDER_H_
