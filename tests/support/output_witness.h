// SPDX-License-Identifier: BSD-3-Clause
// Watches what one end receives and sends and holds every segment sent against
// what a correct TCP may say at that moment. It keeps its own books and looks
// into nobody's control block.
#ifndef CHIMNEY_TESTS_SUPPORT_OUTPUT_WITNESS_H_
#define CHIMNEY_TESTS_SUPPORT_OUTPUT_WITNESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "tests/support/byte_ranges.h"
#include "tests/support/byte_stream.h"
#include "tests/support/wire_segment.h"

namespace chimney::testing {

class OutputWitness {
 public:
  struct Config {
    uint32_t first_send_seq = 0;  // of stream byte 0
    uint32_t first_receive_seq = 0;
    uint64_t stream_seed = 1;          // of what this end sends
    uint32_t peer_edge_bytes = 65535;  // windows known at the start
    uint32_t own_edge_bytes = 65535;
    uint8_t own_shift = 0;
    uint8_t peer_shift = 0;
    bool timestamps = true;
    bool sack = true;
    uint32_t ts_recent = 0;
    Duration timestamp_unit = Duration::Millis(1);
    uint32_t mss_bytes = 1460;  // without options
  };

  explicit OutputWitness(const Config& config)
      : config_(config),
        stream_(config.stream_seed),
        peer_edge_(config.peer_edge_bytes),
        own_edge_(config.own_edge_bytes),
        last_echo_(config.ts_recent),
        newest_tsval_in_(config.ts_recent) {}

  // The application has written this many bytes so far; has closed.
  void SetWritten(uint64_t bytes) { written_ = bytes; }
  void SetClosed() { closed_ = true; }
  // From here on a RST is what is expected.
  void AllowReset() { reset_allowed_ = true; }
  // Rounding at a hand-over may shift TSval by this much more.
  void AllowTimestampSlack(uint32_t ticks) { timestamp_slack_ += ticks; }
  // While the application reads nothing, rounding the window down by less than
  // a unit of its scale is the lesser evil (RFC 7323 section 2.4).
  void AllowWindowRounding(bool allowed) { rounding_allowed_ = allowed; }
  void SetMss(uint32_t bytes) { config_.mss_bytes = bytes; }

  void OnReceived(const WireSegment& segment);
  // What is wrong with the segment, empty if nothing.
  std::string OnSent(Instant now, const WireSegment& segment);

  uint64_t max_sent() const { return max_sent_; }
  // Of the peer's stream: bytes that arrived without a gap, with the FIN.
  uint64_t contiguous() const;

 private:
  std::string CheckSequence(const WireSegment& segment, uint64_t offset);
  std::string CheckPayload(const WireSegment& segment, uint64_t offset) const;
  std::string CheckAck(const WireSegment& segment);
  std::string CheckTimestamps(Instant now, const WireSegment& segment);
  std::string CheckSack(const WireSegment& segment) const;
  bool HasArrived(uint64_t from, uint64_t to) const;

  Config config_;
  ByteStream stream_;
  uint64_t written_ = 0;
  bool closed_ = false;
  bool reset_allowed_ = false;
  bool rounding_allowed_ = false;
  uint64_t max_sent_ = 0;
  uint64_t peer_edge_;
  uint64_t own_edge_;
  uint64_t last_ack_ = 0;
  ByteRanges arrived_;  // of the peer's stream
  std::optional<uint64_t> fin_;
  uint32_t last_echo_;
  uint32_t newest_tsval_in_;
  std::optional<uint32_t> first_tsval_;
  Instant first_tsval_at_;
  uint32_t last_tsval_ = 0;
  uint32_t timestamp_slack_ = 1;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_OUTPUT_WITNESS_H_
