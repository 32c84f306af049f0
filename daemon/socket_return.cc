// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/socket_return.h"

#include <algorithm>
#include <utility>

#include "daemon/peer_frame.h"

namespace chimney::daemon {
namespace {

using Kind = worker::Operation::Kind;
using kernel::KernelErrorCode;

// How long a taken tuple is waited for before the owner is told.
constexpr Duration kRestorePatience = Duration::Millis(50);
constexpr Duration kRetryInterval = Duration::Micros(200);
constexpr Duration kRoomInterval = Duration::Millis(1);
// A frame that the host port had no room for is given to it again.
constexpr uint32_t kMaxRepeats = 5;
// How long the socket may take to see the injected FIN of the peer. The frame
// may be lost on its way into the kernel, and the peer repeats it to nobody:
// the worker has acknowledged it.
constexpr Duration kPeerFinPatience = Duration::Seconds(1);
constexpr Duration kInjectInterval = Duration::Millis(2);

packet::SegmentHeader HeaderOf(const kernel::PeerSegment& segment) {
  packet::SegmentHeader header;
  header.seq = segment.seq;
  header.ack = segment.ack;
  header.flags = packet::kTcpAck;
  if (segment.fin) header.flags |= packet::kTcpFin;
  if (segment.rst) header.flags |= packet::kTcpRst;
  header.window_raw = segment.window_raw;
  header.options.has_timestamps = segment.has_timestamps;
  header.options.tsval = segment.tsval;
  header.options.tsecr = segment.tsecr;
  return header;
}

}  // namespace

SocketReturn::SocketReturn(HandoverContext& context, HandoverListener& listener,
                           Connection& connection, bool reset, Done done)
    : context_(context),
      listener_(listener),
      connection_(connection),
      reset_(reset),
      done_(std::move(done)) {
  open_.control_tag =
      reinterpret_cast<uint64_t>(static_cast<OperationOwner*>(this));
}

SocketReturn::~SocketReturn() { context_.timers->Cancel(timer_); }

void SocketReturn::Start() {
  started_at_ = step_started_at_ = context_.now();
  plan_ = kernel::PlanInjection(connection_.image);
  // The placeholder emits nothing until it is thawed, so host->wire may open
  // while the socket is being restored.
  open_.kind = Kind::kOpenHost;
  open_.flow = connection_.flow;
  ++outstanding_;
  context_.operations->Submit(connection_.worker_index, &open_);
  TryRestore();
}

void SocketReturn::RecordStep(HandoverStep step) {
  const Instant now = context_.now();
  context_.stats->Record(step, now - step_started_at_);
  step_started_at_ = now;
}

void SocketReturn::OnOperationDone(worker::Operation* operation) {
  --outstanding_;
  refused_ |= operation->kind == Kind::kInjectHost &&
              operation->status != offload::Status::kSuccess;
  if (outstanding_ > 0) return;
  if (ended_) {
    done_(error_);
    return;
  }
  if (thawed_) {
    Complete();
  } else if (restored_) {
    ThawWhenOpen();
  }
}

void SocketReturn::TryRestore() {
  timer_ = 0;
  error_ = kernel::Restore(connection_.fd.get(), &connection_.image);
  const Instant now = context_.now();
  if (error_.code == KernelErrorCode::kTupleTaken &&
      now - started_at_ < kRestorePatience) {
    context_.stats->Count(HandoverCount::kRestoreRetries);
    const Duration next = std::max(kRetryInterval, (now - started_at_) / 4);
    WaitUntil(now + next, [this] { TryRestore(); });
    return;
  }
  EndWait();
  if (!error_.ok()) {
    End(error_);
    return;
  }
  restored_ = true;
  RecordStep(HandoverStep::kUploadRestore);
  if (outstanding_ == 0) ThawWhenOpen();
}

void SocketReturn::ThawWhenOpen() {
  kernel::KernelError leftover;
  error_ = kernel::Thaw(connection_.fd.get(), connection_.image, &leftover);
  if (!error_.ok()) {
    End(error_);
    return;
  }
  if (!leftover.ok()) context_.stats->Count(HandoverCount::kOptionsLost);
  thawed_ = true;
  thawed_at_ = context_.now();
  RecordStep(HandoverStep::kUploadThaw);
  Inject();
}

void SocketReturn::Inject() {
  injected_at_ = context_.now();
  for (size_t i = 0; i < plan_.count; ++i) InjectSegment(plan_.segments[i]);
  if (reset_) InjectSegment(kernel::PlanReset(connection_.image));
  for (const auto& operation : injections_) {
    ++outstanding_;
    context_.operations->Submit(connection_.worker_index, operation.get());
  }
  if (injections_.empty()) Complete();
}

void SocketReturn::InjectSegment(const kernel::PeerSegment& segment) {
  auto operation = std::make_unique<worker::Operation>();
  operation->kind = Kind::kInjectHost;
  operation->flow = connection_.flow;
  operation->control_tag = open_.control_tag;
  operation->fence_frame =
      BuildPeerFrame(connection_.image.snapshot, HeaderOf(segment));
  injections_.push_back(std::move(operation));
}

void SocketReturn::InjectAgain() {
  context_.stats->Count(HandoverCount::kInjectionsRepeated);
  injections_.clear();
  refused_ = false;
  Inject();
}

void SocketReturn::Complete() {
  timer_ = 0;
  const Instant now = context_.now();
  if (refused_ && repeats_ < kMaxRepeats) {
    ++repeats_;
    WaitUntil(now + kRetryInterval, [this] { InjectAgain(); });
    return;
  }
  if (reset_) {
    End(kernel::KernelError());
    return;
  }
  const bool await_peer_fin =
      plan_.await_peer_fin && now - thawed_at_ < kPeerFinPatience;
  const kernel::KernelError error = kernel::CompleteUpload(
      connection_.fd.get(), connection_.image, await_peer_fin, &progress_);
  if (error.code == KernelErrorCode::kQueueTooLarge) {
    if (wire_opened_) {
      WaitForRoom(now);
    } else {
      OpenWire();
    }
    return;
  }
  if (error.code == KernelErrorCode::kNotYet &&
      now - injected_at_ >= kInjectInterval) {
    InjectAgain();
    return;
  }
  if (error.code == KernelErrorCode::kNotYet) {
    WaitUntil(now + kRetryInterval, [this] { Complete(); });
    return;
  }
  // From the thaw on the kernel owns the connection. A socket that the peer has
  // reset meanwhile takes no more bytes, and that is its own answer.
  End(kernel::KernelError());
}

// What keeps the kernel from taking more is what it has sent and not seen
// acknowledged, and the acknowledgements may be among what is parked. The
// worker completes this and Complete has another try.
void SocketReturn::OpenWire() {
  wire_opened_ = true;
  context_.stats->Count(HandoverCount::kWireOpenedEarly);
  open_.kind = Kind::kOpenWire;
  ++outstanding_;
  context_.operations->Submit(connection_.worker_index, &open_);
}

// The kernel runs the connection by now and nothing of it is kept back; only
// the last bytes wait, for as long as the kernel has no memory.
void SocketReturn::WaitForRoom(Instant now) {
  WaitUntil(now + kRoomInterval, [this] { Complete(); });
}

// Others have this one's place until it goes on.
void SocketReturn::WaitUntil(Instant when, std::function<void()> action) {
  if (!waits_) listener_.OnHandoverWaits(connection_, true);
  waits_ = true;
  timer_ = context_.timers->At(when, std::move(action));
}

void SocketReturn::EndWait() {
  if (waits_) listener_.OnHandoverWaits(connection_, false);
  waits_ = false;
}

void SocketReturn::End(kernel::KernelError error) {
  EndWait();
  error_ = error;
  ended_ = true;
  if (outstanding_ == 0) done_(error_);
}

}  // namespace chimney::daemon
