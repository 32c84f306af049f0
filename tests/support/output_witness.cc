// SPDX-License-Identifier: BSD-3-Clause
// The checks, one for each thing that a segment tells the peer.
#include "tests/support/output_witness.h"

#include <algorithm>

namespace chimney::testing {
namespace {

uint64_t Unwrap(uint32_t seq, uint32_t first_seq, uint64_t reference) {
  const uint32_t reference_seq = first_seq + static_cast<uint32_t>(reference);
  const auto distance = static_cast<int32_t>(seq - reference_seq);
  return reference + static_cast<uint64_t>(static_cast<int64_t>(distance));
}

bool IsNegative(uint64_t offset) { return static_cast<int64_t>(offset) < 0; }

}  // namespace

void OutputWitness::OnReceived(const WireSegment& segment) {
  uint64_t from = Unwrap(segment.seq, config_.first_receive_seq, contiguous());
  const uint64_t to = from + segment.payload.size();
  if (segment.Has(kFin)) fin_ = to;
  if (IsNegative(from)) from = 0;
  if (!IsNegative(to) && from < to) {
    arrived_.Add(from, to);
  }
  const uint64_t ack = Unwrap(segment.ack, config_.first_send_seq, max_sent_);
  if (segment.Has(kAck) && ack <= max_sent_) {
    const uint64_t window = uint64_t{segment.raw_window} << config_.peer_shift;
    peer_edge_ = std::max(peer_edge_, ack + window);
  }
  if (segment.timestamps &&
      static_cast<int32_t>(segment.timestamps->value - newest_tsval_in_) > 0) {
    newest_tsval_in_ = segment.timestamps->value;
  }
}

uint64_t OutputWitness::contiguous() const {
  const uint64_t data = arrived_.FirstHole();
  return data + (fin_ == data ? 1 : 0);
}

bool OutputWitness::HasArrived(uint64_t from, uint64_t to) const {
  const uint64_t data_to = fin_ && to == *fin_ + 1 ? *fin_ : to;
  return from <= data_to && arrived_.Contains(from, data_to);
}

std::string OutputWitness::OnSent(Instant now, const WireSegment& segment) {
  if (segment.Has(kRst)) {
    return reset_allowed_ ? "" : "RST although nobody aborted (R162)";
  }
  if (segment.Has(kSyn) || segment.Has(kUrg)) return "SYN or URG (R115)";
  if (!segment.Has(kAck)) return "no ACK flag";
  const uint64_t offset =
      Unwrap(segment.seq, config_.first_send_seq, max_sent_);
  for (const std::string& problem :
       {CheckPayload(segment, offset), CheckSequence(segment, offset),
        CheckAck(segment), CheckTimestamps(now, segment), CheckSack(segment)}) {
    if (!problem.empty()) return problem;
  }
  return "";
}

std::string OutputWitness::CheckPayload(const WireSegment& segment,
                                        uint64_t offset) const {
  if (IsNegative(offset) && segment.payload.size() > 1) {
    return "data before the start of the stream";
  }
  if (IsNegative(offset)) return "";
  const uint64_t end = offset + segment.payload.size();
  if (!segment.payload.empty() && end > written_) return "data never written";
  if (const auto at = stream_.FirstMismatch(offset, segment.payload)) {
    return "wrong byte at stream offset " + std::to_string(*at);
  }
  if (segment.Has(kFin) && !(closed_ && end == written_)) {
    return "FIN that is not at the end of the stream (R170)";
  }
  const uint32_t options = segment.TcpHeaderBytes() - 20;
  if (segment.payload.size() + options > config_.mss_bytes) {
    return "segment larger than the MSS allows (R123)";
  }
  return "";
}

std::string OutputWitness::CheckSequence(const WireSegment& segment,
                                         uint64_t offset) {
  const uint64_t length = segment.SequenceLength();
  if (!IsNegative(offset) && offset > max_sent_) {
    return "sequence number beyond SND.MAX";
  }
  const uint64_t end = offset + length;
  if (!IsNegative(end)) {
    // One byte beyond the window is a zero-window probe (R197).
    const uint64_t limit = peer_edge_ + (length == 1 ? 1 : 0);
    if (end > limit) {
      return length == 0 ? "ACK whose SEQ is beyond the peer's window"
                         : "data beyond the peer's window";
    }
    max_sent_ = std::max(max_sent_, end);
  }
  return "";
}

std::string OutputWitness::CheckAck(const WireSegment& segment) {
  const uint64_t ack =
      Unwrap(segment.ack, config_.first_receive_seq, last_ack_);
  if (IsNegative(ack) || ack < last_ack_) return "ACK goes back";
  if (ack > contiguous()) return "ACK of what never arrived";
  last_ack_ = ack;
  const uint64_t edge =
      ack + (uint64_t{segment.raw_window} << config_.own_shift);
  const uint64_t unit = uint64_t{1} << config_.own_shift;
  const uint64_t slack = rounding_allowed_ ? unit - 1 : 0;
  if (edge + slack < own_edge_) {
    return "right window edge shrinks by " + std::to_string(own_edge_ - edge);
  }
  own_edge_ = std::max(own_edge_, edge);
  return "";
}

std::string OutputWitness::CheckTimestamps(Instant now,
                                           const WireSegment& segment) {
  if (segment.timestamps.has_value() != config_.timestamps) {
    return "timestamp option missing or not negotiated (R122)";
  }
  if (!segment.timestamps) return "";
  const uint32_t value = segment.timestamps->value;
  const uint32_t echo = segment.timestamps->echo;
  if (!first_tsval_) {
    first_tsval_ = last_tsval_ = value;
    first_tsval_at_ = now;
  }
  if (static_cast<int32_t>(value - last_tsval_) < 0) {
    return "TSval goes back (R102)";
  }
  last_tsval_ = value;
  const auto elapsed = static_cast<uint32_t>((now - first_tsval_at_).nanos() /
                                             config_.timestamp_unit.nanos());
  const auto drift = static_cast<int32_t>(value - *first_tsval_ - elapsed);
  const auto slack = static_cast<int32_t>(timestamp_slack_);
  if (drift < -slack || drift > slack) {
    return "TSval clock is off by " + std::to_string(drift) + " ticks (R199)";
  }
  if (static_cast<int32_t>(echo - last_echo_) < 0) return "TSecr goes back";
  if (static_cast<int32_t>(echo - newest_tsval_in_) > 0) {
    return "TSecr that the peer never sent";
  }
  last_echo_ = echo;
  return "";
}

std::string OutputWitness::CheckSack(const WireSegment& segment) const {
  if (!config_.sack && !segment.sack.empty()) return "SACK not negotiated";
  for (const WireSegment::Block& block : segment.sack) {
    const uint64_t left =
        Unwrap(block.left, config_.first_receive_seq, last_ack_);
    const uint64_t right =
        Unwrap(block.right, config_.first_receive_seq, last_ack_);
    if (IsNegative(left) || left >= right) return "empty SACK block";
    if (!HasArrived(left, right)) return "SACK of what never arrived";
  }
  return "";
}

}  // namespace chimney::testing
