// SPDX-License-Identifier: BSD-3-Clause
// Segment processing of the model peer, in the order of RFC 9293 section
// 3.10.7.4.
#include "tests/support/model_peer.h"

#include <algorithm>
#include <sstream>

namespace chimney::testing {
namespace {

// The 64-bit offset nearest to `reference` whose sequence number is `seq`.
uint64_t Unwrap(uint32_t seq, uint32_t first_seq, uint64_t reference) {
  const uint32_t reference_seq = first_seq + static_cast<uint32_t>(reference);
  const auto distance = static_cast<int32_t>(seq - reference_seq);
  return reference + static_cast<uint64_t>(static_cast<int64_t>(distance));
}

// Signed, since an old segment may lie before the stream's first byte.
bool IsBefore(uint64_t a, uint64_t b) {
  return static_cast<int64_t>(a - b) < 0;
}

}  // namespace

ModelPeer::ModelPeer(VirtualClock* clock, const Config& config,
                     Transmit transmit)
    : clock_(clock),
      config_(config),
      transmit_(std::move(transmit)),
      sender_(config.sender),
      receiver_(config.receiver, config.initial_window_bytes),
      ts_recent_(config.ts_recent),
      last_ack_sent_(config.first_receive_seq) {}

uint32_t ModelPeer::NowTimestamp() const {
  return config_.first_tsval +
         static_cast<uint32_t>(clock_->now().nanos() /
                               config_.timestamp_unit.nanos());
}

uint64_t ModelPeer::SendOffset(uint32_t ack) const {
  return Unwrap(ack, config_.first_send_seq, sender_.una());
}

uint64_t ModelPeer::ReceiveOffset(uint32_t seq) const {
  return Unwrap(seq, config_.first_receive_seq, receiver_.next());
}

bool ModelPeer::PawsRejects(const WireSegment& segment) const {
  return config_.timestamps && segment.timestamps && !segment.Has(kRst) &&
         static_cast<int32_t>(segment.timestamps->value - ts_recent_) < 0;
}

void ModelPeer::OnSegment(const WireSegment& segment) {
  if (reset_) return;
  const uint64_t offset = ReceiveOffset(segment.seq);
  if (PawsRejects(segment)) {
    ++paws_drops_;
    OweAck(true);
    return;
  }
  const uint64_t end = offset + segment.SequenceLength();
  const bool acceptable =
      !IsBefore(end, receiver_.next()) && !IsBefore(receiver_.edge(), offset);
  if (!acceptable) {
    if (!segment.Has(kRst)) OweAck(true);
    return;
  }
  if (segment.Has(kRst)) {
    if (offset == receiver_.next()) {
      reset_ = true;
      clock_->Cancel(retransmit_timer_);
      clock_->Cancel(ack_timer_);
    } else {
      OweAck(true);
    }
    return;
  }
  if (segment.Has(kSyn)) {
    OweAck(true);
    return;
  }
  if (segment.Has(kAck)) OnAcceptable(segment, offset);
}

void ModelPeer::OnAcceptable(const WireSegment& segment, uint64_t offset) {
  if (IsBefore(sender_.max_sent(), SendOffset(segment.ack))) {
    OweAck(true);
    return;
  }
  if (config_.timestamps && segment.timestamps &&
      static_cast<int32_t>(segment.seq - last_ack_sent_) <= 0) {
    ts_recent_ = segment.timestamps->value;
  }
  TakeAck(segment);
  if (segment.SequenceLength() != 0) {
    // Old bytes before the stream's start are cut off first.
    ByteSpan bytes = segment.payload;
    if (IsBefore(offset, receiver_.next())) {
      const uint64_t old = receiver_.next() - offset;
      bytes = bytes.subspan(std::min<uint64_t>(old, bytes.size()));
      offset += std::min<uint64_t>(old, segment.payload.size());
    }
    const uint64_t before = receiver_.next();
    receiver_.Accept(offset, bytes, segment.Has(kFin));
    const bool in_order = receiver_.next() != before &&
                          receiver_.Runs(1).empty() && !segment.Has(kFin);
    OweAck(!in_order);
  }
  Pump();
}

void ModelPeer::TakeAck(const WireSegment& segment) {
  const uint64_t ack = SendOffset(segment.ack);
  if (IsBefore(ack, sender_.una())) return;
  std::vector<std::pair<uint64_t, uint64_t>> sacked;
  if (config_.sack) {
    for (const WireSegment::Block& block : segment.sack) {
      sacked.emplace_back(SendOffset(block.left), SendOffset(block.right));
    }
  }
  const uint64_t window = uint64_t{segment.raw_window} << config_.peer_shift;
  const uint64_t una_before = sender_.una();
  const uint64_t edge_before = sender_.edge();
  sender_.OnAck(ack, ack + window, segment.SequenceLength() == 0, sacked);
  if (sender_.una() != una_before || sender_.edge() != edge_before) Rearm();
}

void ModelPeer::OweAck(bool at_once) {
  if (at_once || ack_owed_ || config_.delayed_ack == Duration()) {
    SendAck();
    return;
  }
  ack_owed_ = true;
  ack_timer_ = clock_->After(config_.delayed_ack, [this] { SendAck(); });
}

WireSegment ModelPeer::CurrentAck() {
  WireSegment segment;
  segment.flags = kAck;
  // Never beyond the window, or a receiver with a closed one would drop the ACK
  // while a probe is on its way.
  const uint64_t offset = std::min(sender_.max_sent(), sender_.edge());
  segment.seq = config_.first_send_seq + static_cast<uint32_t>(offset);
  segment.ack =
      config_.first_receive_seq + static_cast<uint32_t>(receiver_.next());
  segment.raw_window = receiver_.AdvertiseWindow();
  if (config_.timestamps) {
    segment.timestamps = WireSegment::Timestamps{NowTimestamp(), ts_recent_};
  }
  if (config_.sack) {
    for (const auto& [left, right] : receiver_.Runs(3)) {
      segment.sack.push_back(
          {config_.first_receive_seq + static_cast<uint32_t>(left),
           config_.first_receive_seq + static_cast<uint32_t>(right)});
    }
  }
  return segment;
}

void ModelPeer::SendAck() {
  ack_owed_ = false;
  clock_->Cancel(ack_timer_);
  const WireSegment segment = CurrentAck();
  last_ack_sent_ = segment.ack;
  transmit_(segment);
}

void ModelPeer::Pump() {
  if (reset_) return;
  ModelSender::Piece piece;
  while (sender_.Next(&piece)) {
    WireSegment segment = CurrentAck();
    segment.sack.clear();  // keeps data segments within the MTU
    segment.seq = config_.first_send_seq + static_cast<uint32_t>(piece.offset);
    segment.payload.assign(piece.bytes.begin(), piece.bytes.end());
    segment.flags |= piece.bytes.empty() ? uint8_t{0} : kPsh;
    if (piece.fin) segment.flags |= kFin;
    last_ack_sent_ = segment.ack;
    ack_owed_ = false;
    clock_->Cancel(ack_timer_);
    transmit_(segment);
  }
  if (retransmit_timer_ == VirtualClock::EventId()) Rearm();
}

void ModelPeer::Rearm() {
  clock_->Cancel(retransmit_timer_);
  retransmit_timer_ = {};
  if (reset_ || !sender_.TimerNeeded()) return;
  retransmit_timer_ = clock_->After(sender_.TimerLength(), [this] {
    retransmit_timer_ = {};
    sender_.OnTimeout();
    Pump();
  });
}

void ModelPeer::Write(ByteSpan bytes) {
  sender_.Write(bytes);
  Pump();
}

void ModelPeer::Close() {
  sender_.Close();
  Pump();
}

std::vector<uint8_t> ModelPeer::Read(size_t max) {
  std::vector<uint8_t> bytes = receiver_.Read(max);
  if (!reset_ && receiver_.WindowUpdateDue()) SendAck();
  return bytes;
}

void ModelPeer::Abort() {
  WireSegment segment = CurrentAck();
  segment.sack.clear();
  segment.flags = kRst | kAck;
  reset_ = true;
  clock_->Cancel(retransmit_timer_);
  clock_->Cancel(ack_timer_);
  transmit_(segment);
}

void ModelPeer::SetReceiveBuffer(uint32_t bytes) {
  receiver_.set_buffer_bytes(bytes);
  if (!reset_ && receiver_.WindowUpdateDue()) SendAck();
}

std::string ModelPeer::Status() const {
  std::ostringstream out;
  out << "model: sent " << sender_.written() << " una " << sender_.una()
      << " max " << sender_.max_sent() << " edge " << sender_.edge()
      << (sender_.closed() ? " closed" : "") << ", received "
      << receiver_.next() << " read " << receiver_.read_offset()
      << (receiver_.fin_in_sequence() ? " fin" : "") << ", timeouts "
      << sender_.timeouts() << " retransmissions " << sender_.retransmissions()
      << (reset_ ? " RESET" : "");
  return out.str();
}

}  // namespace chimney::testing
