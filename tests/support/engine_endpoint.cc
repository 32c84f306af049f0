// SPDX-License-Identifier: BSD-3-Clause
// Entries of the engine's end: from the wire and from the application.
#include "tests/support/engine_endpoint.h"

#include <algorithm>
#include <sstream>

#include "tests/support/segment_conversion.h"

namespace chimney::testing {

EngineEndpoint::EngineEndpoint(VirtualClock* clock, const Config& config,
                               Transmit transmit, Fail fail)
    : clock_(clock),
      config_(config),
      transmit_(std::move(transmit)),
      fail_(std::move(fail)),
      random_(config.seed),
      witness_(config.witness),
      store_(std::make_unique<EngineStore>(
          config.chunk_bytes, config.chunk_count, config.fragment_count)),
      tcb_(std::make_unique<tcp::Tcb>()) {
  tcp::Prepare(*tcb_, store_->view(config_.parameters), config_.ipv6,
               config_.path_mtu_bytes);
  tcp::RecordList send_data;
  tcp::FragmentList receive_data;
  if (!tcp::Import(*tcb_, EngineNow(), config_.state, send_data,
                   receive_data)) {
    Violation("the first import was refused");
    owner_ = Owner::kNobody;
    return;
  }
  ArmTimer();
}

EngineEndpoint::~EngineEndpoint() {
  clock_->Cancel(timer_);
  TearDown();
}

void EngineEndpoint::Violation(const std::string& what) { fail_(what); }

void EngineEndpoint::OnSegment(const WireSegment& segment) {
  if (broken_) return;
  witness_.OnReceived(segment);
  switch (owner_) {
    case Owner::kNobody:
      return;
    case Owner::kAway:
      parked_.push_back(segment);
      return;
    case Owner::kHostTimeWait:
      AnswerFromTimeWait(segment);
      return;
    case Owner::kEngine:
      FeedSegment(segment);
      return;
  }
}

void EngineEndpoint::OnForgery(const WireSegment& segment) {
  if (owner_ == Owner::kEngine) FeedSegment(segment);
}

void EngineEndpoint::FeedSegment(const WireSegment& segment) {
  if (broken_) return;
  FireIdleTimer();
  const tcp::Outcome outcome =
      tcp::OnSegment(*tcb_, EngineNow(), ToEngine(segment));
  if (outcome.reason == tcp::SegmentReason::kNone) {
    Violation("a segment was processed without a reason");
  }
  // What the engine leaves to the host is parked until it is uploaded.
  if (tcp::FateOf(outcome.reason) == tcp::SegmentFate::kForHost) {
    parked_.push_back(segment);
  }
  Handle(outcome);
}

void EngineEndpoint::Write(std::vector<uint8_t> bytes) {
  if (broken_ || bytes.empty()) return;
  const uint64_t offset = written_;
  written_ += bytes.size();
  witness_.SetWritten(written_);
  if (owner_ == Owner::kAway) {
    // The session keeps it until the connection is back.
    tcp::SendRecord* record = send_memory_.Make(std::move(bytes), offset, true);
    exported_->send_data.PushBack(record);
    return;
  }
  const bool in_two =
      bytes.size() > 1 && random_.Chance(config_.pipe_records, 16);
  const size_t first = in_two ? bytes.size() / 2 : bytes.size();
  std::vector<uint8_t> rest(bytes.begin() + static_cast<std::ptrdiff_t>(first),
                            bytes.end());
  bytes.resize(first);
  Handle(tcp::OnSend(*tcb_, EngineNow(),
                     send_memory_.Make(std::move(bytes), offset, !in_two)));
  if (rest.empty() || broken_) return;
  Handle(tcp::OnSend(*tcb_, EngineNow(),
                     send_memory_.Make(std::move(rest), offset + first, true)));
}

void EngineEndpoint::Close() {
  if (broken_ || closed_) return;
  closed_ = true;
  witness_.SetClosed();
  if (owner_ == Owner::kAway) {
    exported_->state.delegated.fin_queued = true;
    return;
  }
  Handle(tcp::OnDisconnect(*tcb_, EngineNow(), false));
}

void EngineEndpoint::Abort() {
  if (owner_ != Owner::kEngine || broken_) return;
  witness_.AllowReset();
  Handle(tcp::OnDisconnect(*tcb_, EngineNow(), true));
}

void EngineEndpoint::Update(const tcp::TcpCachedState& cached,
                            uint32_t path_mtu_bytes) {
  config_.path_mtu_bytes = path_mtu_bytes;
  config_.state.cached = cached;
  if (owner_ == Owner::kAway) exported_->state.cached = cached;
  if (owner_ != Owner::kEngine || broken_) return;
  Handle(tcp::OnUpdate(*tcb_, EngineNow(), cached, path_mtu_bytes));
}

void EngineEndpoint::OnPathMtu(uint32_t mtu_bytes) {
  // The tests' wire measures IPv4 datagrams.
  const uint32_t path_mtu = mtu_bytes + (config_.ipv6 ? 20 : 0);
  if (path_mtu >= config_.path_mtu_bytes) return;
  witness_.SetMss(mtu_bytes - 40);
  Update(config_.state.cached, path_mtu);
}

std::vector<uint8_t> EngineEndpoint::Read(size_t max) {
  if (owner_ == Owner::kAway || broken_) return {};
  if (owner_ != Owner::kEngine) return ReadFromHost(max);
  std::vector<uint8_t> bytes;
  tcp::FragmentList& queue = tcb_->receive_queue();
  const auto first_seq = SeqNum(config_.witness.first_receive_seq);
  while (tcp::Fragment* fragment = queue.front()) {
    if (bytes.size() == max) break;
    if (fragment->seq != first_seq + static_cast<uint32_t>(read_)) {
      Violation("a fragment of the receive queue has the wrong SEQ");
      return {};
    }
    const auto count = static_cast<uint32_t>(
        std::min<size_t>(fragment->length, max - bytes.size()));
    const ByteSpan span = store_->Bytes(*fragment).first(count);
    bytes.insert(bytes.end(), span.begin(), span.end());
    read_ += count;
    if (count == fragment->length) {
      store_->Free(queue.PopFront());
    } else {
      fragment->seq += count;
      fragment->length -= count;
      fragment->offset_in_chunk += count;
    }
  }
  const auto count = static_cast<uint32_t>(bytes.size());
  if (count == 0) return bytes;
  if (!random_.Chance(config_.late_consume, 16)) {
    Handle(tcp::OnReceiveConsumed(*tcb_, EngineNow(), count));
    return bytes;
  }
  const Duration late = Duration::Micros(random_.Below(10'000));
  clock_->After(late, [this, count, life = life_] {
    if (life != life_ || owner_ != Owner::kEngine || broken_) return;
    Handle(tcp::OnReceiveConsumed(*tcb_, EngineNow(), count));
  });
  return bytes;
}

size_t EngineEndpoint::readable() const {
  if (owner_ != Owner::kEngine) return host_receive_queue_.size();
  size_t total = 0;
  for (const tcp::Fragment& fragment : tcb_->receive_queue()) {
    total += fragment.length;
  }
  return total;
}

uint64_t EngineEndpoint::OffsetOfAck(SeqNum ack) const {
  const auto first = SeqNum(config_.witness.first_send_seq);
  const uint64_t max = witness_.max_sent();
  const SeqNum max_seq = first + static_cast<uint32_t>(max);
  return max - static_cast<uint64_t>(int64_t{max_seq.DistanceFrom(ack)});
}

uint64_t EngineEndpoint::backlog() const {
  switch (owner_) {
    case Owner::kEngine:
      return tcb_->unacked_send_bytes();
    case Owner::kAway:
      return written_ - next_completion_;
    case Owner::kHostTimeWait:
    case Owner::kNobody:
      break;
  }
  return 0;
}

bool EngineEndpoint::at_end_of_stream() const {
  return fin_received_ && owner_ != Owner::kAway && readable() == 0;
}

bool EngineEndpoint::finished() const {
  return fin_acked_ && fin_received_ &&
         (owner_ == Owner::kHostTimeWait || owner_ == Owner::kNobody);
}

std::string EngineEndpoint::Status() const {
  std::ostringstream out;
  out << "engine: " << tcp::ConnectionStateName(tcb_->state()) << " una "
      << tcb_->snd_una().value() << " nxt " << tcb_->snd_nxt().value()
      << " max " << tcb_->snd_max().value() << " wnd " << tcb_->snd_wnd()
      << " queued " << tcb_->unacked_send_bytes() << " rcv_nxt "
      << tcb_->rcv_nxt().value() << " rcv_wnd " << tcb_->rcv_wnd() << " unread "
      << tcb_->unread_bytes() << " out of order " << tcb_->out_of_order_bytes()
      << (fin_received_ ? " fin received" : "")
      << (fin_acked_ ? " fin acked" : "") << ", owner "
      << static_cast<int>(owner_) << ", hand-overs " << handovers_;
  return out.str();
}

}  // namespace chimney::testing
