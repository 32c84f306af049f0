// SPDX-License-Identifier: BSD-3-Clause
// Go-back-N sender with fast retransmit and optional SACK.
#include "tests/support/model_sender.h"

#include <algorithm>

namespace chimney::testing {

void ModelSender::Write(ByteSpan bytes) {
  stream_.insert(stream_.end(), bytes.begin(), bytes.end());
  sacked_.resize(stream_.size());
}

void ModelSender::OnAck(
    uint64_t ack, uint64_t edge, bool pure,
    const std::vector<std::pair<uint64_t, uint64_t>>& sacked) {
  for (const auto& [left, right] : sacked) {
    const uint64_t end = std::min<uint64_t>(right, sacked_.size());
    for (uint64_t i = std::max(left, una_); i < end; ++i) sacked_[i] = 1;
    highest_sacked_ = std::max(highest_sacked_, end);
  }
  const bool edge_moved = edge > edge_;
  edge_ = std::max(edge_, edge);
  if (ack > una_) {
    cwnd_ += std::min<uint64_t>(ack - una_, config_.mss_bytes);
    cwnd_ = std::min<uint64_t>(cwnd_, config_.flight_limit_bytes);
    una_ = ack;
    nxt_ = std::max(nxt_, una_);
    hole_ = std::max(hole_, una_);
    backoff_ = 0;
    duplicate_acks_ = 0;
    in_recovery_ = in_recovery_ && una_ < recover_;
    hole_due_ = in_recovery_;
    return;
  }
  if (edge_moved) backoff_ = 0;
  if (!pure || edge_moved || una_ == max_) return;
  ++duplicate_acks_;
  if (in_recovery_) hole_due_ = true;
  if (duplicate_acks_ == 3 && !in_recovery_) EnterRecovery();
}

void ModelSender::EnterRecovery() {
  in_recovery_ = true;
  hole_due_ = true;
  hole_ = una_;
  recover_ = max_;
  cwnd_ = std::max<uint64_t>(cwnd_ / 2, 2 * uint64_t{config_.mss_bytes});
}

void ModelSender::OnTimeout() {
  ++timeouts_;
  backoff_ = std::min(backoff_ + 1, 12u);
  in_recovery_ = false;
  duplicate_acks_ = 0;
  if (edge_ <= una_) {
    probe_due_ = true;
    return;
  }
  // The receiver may have forgotten what it SACKed (RFC 2018 section 8).
  std::fill(sacked_.begin(), sacked_.end(), uint8_t{0});
  highest_sacked_ = una_;
  nxt_ = una_;
  cwnd_ = config_.mss_bytes;
}

uint64_t ModelSender::SkipSacked(uint64_t offset) const {
  while (offset < sacked_.size() && sacked_[offset] != 0) ++offset;
  return offset;
}

bool ModelSender::MakePiece(uint64_t offset, uint64_t limit, Piece* out) {
  uint64_t end = std::min({offset + config_.mss_bytes, limit,
                           static_cast<uint64_t>(stream_.size())});
  end = std::max(end, offset);
  for (uint64_t i = offset; i < end; ++i) {
    if (sacked_[i] != 0) end = i;
  }
  out->offset = offset;
  out->bytes = ByteSpan(stream_).subspan(offset, end - offset);
  out->fin = closed_ && end == stream_.size() && end < limit;
  const uint64_t length = out->bytes.size() + (out->fin ? 1 : 0);
  if (length == 0) return false;
  if (offset < max_) ++retransmissions_;
  max_ = std::max(max_, offset + length);
  return true;
}

bool ModelSender::NextHole(Piece* out) {
  if (!hole_due_) return false;
  hole_due_ = false;
  const uint64_t offset = SkipSacked(std::max(hole_, una_));
  // Beyond the first hole only SACK proves that something is missing.
  if (offset != una_ && offset >= highest_sacked_) return false;
  if (!MakePiece(offset, max_, out)) return false;
  hole_ = offset + out->bytes.size() + (out->fin ? 1 : 0);
  return true;
}

bool ModelSender::Next(Piece* out) {
  if (probe_due_) {
    probe_due_ = false;
    return MakePiece(una_, una_ + 1, out);
  }
  if (NextHole(out)) return true;
  const uint64_t window = std::min<uint64_t>(cwnd_, config_.flight_limit_bytes);
  const uint64_t limit = std::min(edge_, una_ + window);
  const uint64_t offset = SkipSacked(nxt_);
  if (offset >= limit || offset >= End()) return false;
  if (!MakePiece(offset, limit, out)) return false;
  nxt_ = offset + out->bytes.size() + (out->fin ? 1 : 0);
  return true;
}

bool ModelSender::TimerNeeded() const { return una_ < End(); }

Duration ModelSender::TimerLength() const {
  return std::min(config_.rto * (int64_t{1} << backoff_), config_.rto_max);
}

}  // namespace chimney::testing
