// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/offload_operation.h"

#include <algorithm>
#include <utility>

#include "daemon/peer_frame.h"
#include "kernel/handover.h"

namespace chimney::daemon {
namespace {

using Kind = worker::Operation::Kind;

// An overrun receive ring can take a few answers in a row.
constexpr uint32_t kMaxFenceAttempts = 6;
constexpr int kMaxFreezeAttempts = 8;
constexpr uint32_t kMaxHoleWaits = 40;
constexpr Duration kHoleWaitInterval = Duration::Millis(5);
// Older than this a TS.Recent tells nothing (RFC 7323 section 5.5).
constexpr Duration kOutdated = Duration::Seconds(25L * 24 * 3600);

kernel::KernelError ErrorOf(kernel::KernelErrorCode code) {
  kernel::KernelError error;
  error.code = code;
  return error;
}

}  // namespace

OffloadOperation::OffloadOperation(HandoverContext& context,
                                   HandoverListener& listener,
                                   Connection& connection, uint32_t session_id,
                                   PublishedRecord* record)
    : context_(context),
      listener_(listener),
      connection_(connection),
      session_id_(session_id),
      record_(record) {
  main_.control_tag = restrict_.control_tag =
      reinterpret_cast<uint64_t>(static_cast<OperationOwner*>(this));
}

OffloadOperation::~OffloadOperation() { context_.timers->Cancel(retry_timer_); }

void OffloadOperation::Start() {
  started_at_ = step_started_at_ = context_.now();
  kernel::EligibilityFacts facts;
  error_ = kernel::CheckEligibility(connection_.fd.get(), context_.eligibility,
                                    &facts);
  if (!error_.ok()) {
    context_.stats->Count(HandoverCount::kOffloadsRefused);
    status_ = offload::Status::kConnectionRejected;
    End();
    return;
  }
  // From here on nobody else touches the socket, also while it waits.
  if (!context_.reserve_tuple(connection_, facts.tuple)) {
    context_.stats->Count(HandoverCount::kOffloadsRefused);
    error_ = ErrorOf(kernel::KernelErrorCode::kAlreadyOffloaded);
    status_ = offload::Status::kConnectionRejected;
    End();
    return;
  }
  if (facts.conntrack.tracked) {
    // While it is away the tracker sees nothing of it (design D15).
    error_ =
        kernel::PrepareConntrack(*context_.eligibility.netlink, facts.tuple,
                                 facts.conntrack, kConntrackTimeoutSeconds);
    if (!error_.ok()) {
      context_.stats->Count(HandoverCount::kOffloadsRefused);
      status_ = offload::Status::kConnectionRejected;
      End();
      return;
    }
    connection_.tracked = true;
  }
  connection_.next_hop = facts.route.next_hop;
  main_.snapshot.tcp.constant.sack_enabled = facts.sack_enabled;
  timestamps_enabled_ = facts.timestamps_enabled;
  connection_.image.snapshot.path.path_mtu_bytes =
      std::min(facts.path_mtu_bytes, context_.port_mtu_bytes);
  RecordStep(HandoverStep::kOffloadCheck);
  Hold();
}

void OffloadOperation::RecordStep(HandoverStep step) {
  const Instant now = context_.now();
  context_.stats->Record(step, now - step_started_at_);
  step_started_at_ = now;
}

void OffloadOperation::SubmitMain(Kind kind) {
  main_.kind = kind;
  main_.status = offload::Status::kSuccess;
  main_.flow = connection_.flow;
  ++outstanding_;
  context_.operations->Submit(connection_.worker_index, &main_);
}

void OffloadOperation::Hold() {
  SeqNum rcv_nxt;
  error_ = kernel::PeekReceiveNext(connection_.fd.get(), &rcv_nxt);
  if (!error_.ok()) {
    Fail(error_, offload::Status::kFailure);
    return;
  }
  main_.tuple = connection_.tuple;
  main_.session_id = session_id_;
  main_.timeout = context_.hold_timeout;
  main_.fence_timeout = context_.fence_timeout;
  main_.fence_frame =
      BuildFenceFrame(connection_.tuple, context_.host_mac, rcv_nxt);
  step_ = Step::kHolding;
  fence_attempts_ = 0;
  SubmitMain(Kind::kHold);
}

void OffloadOperation::OnOperationDone(worker::Operation* operation) {
  --outstanding_;
  if (operation == &main_) {
    switch (step_) {
      case Step::kHolding:
        OnHeld();
        return;
      case Step::kFencing:
        listener_.OnHandoverWaits(connection_, false);
        OnFenced();
        return;
      case Step::kInitiating:
        OnInitiated();
        return;
      case Step::kReleasing:
        End();
        return;
      case Step::kWaitingForHole:
        listener_.OnFlowNamed(connection_, worker::FlowHandle::None());
        listener_.OnHandoverWaits(connection_, true);
        retry_timer_ =
            context_.timers->At(context_.now() + kHoleWaitInterval, [this] {
              listener_.OnHandoverWaits(connection_, false);
              Hold();
            });
        return;
    }
  }
  if (ended_) End();
}

void OffloadOperation::OnHeld() {
  if (main_.flow.IsNone()) {
    Fail(ErrorOf(kernel::KernelErrorCode::kAlreadyOffloaded), main_.status);
    return;
  }
  held_ = true;
  listener_.OnFlowNamed(connection_, main_.flow);
  OnFenced();
}

// Without TS.Recent half of all peers would seem to send old segments (PAWS).
bool OffloadOperation::FenceSucceeded() const {
  return main_.status == offload::Status::kSuccess &&
         (!timestamps_enabled_ || main_.learned.has_timestamps);
}

void OffloadOperation::OnFenced() {
  if (!FenceSucceeded()) {
    context_.stats->Count(HandoverCount::kFenceTimeouts);
    if (++fence_attempts_ < kMaxFenceAttempts) {
      step_ = Step::kFencing;
      listener_.OnHandoverWaits(connection_, true);
      SubmitMain(Kind::kFence);
      return;
    }
    // Nothing answers for this socket on the host port: the kernel does not
    // reach the host interface, so the connection would not either.
    Fail(ErrorOf(kernel::KernelErrorCode::kFenceUnanswered),
         offload::Status::kFailure);
    return;
  }
  RecordStep(HandoverStep::kOffloadHoldAndFence);
  if (main_.learned.holds_out_of_order && hole_waits_ < kMaxHoleWaits) {
    WaitForHole();
    return;
  }
  if (!FreezeSocket()) return;
  if (connection_.image.holds_out_of_order && hole_waits_ < kMaxHoleWaits) {
    WaitForHole();
    return;
  }
  // Known too late it would cost a placeholder and a restore.
  const uint64_t wanted = connection_.image.send_bytes.size() +
                          connection_.image.receive_bytes.size();
  if (wanted > main_.session_room_bytes) {
    Fail(ErrorOf(kernel::KernelErrorCode::kRefusedByTarget),
         offload::Status::kTcpRcvBuffer);
    return;
  }
  RestrictHost();
  error_ = kernel::MakePlaceholder(connection_.fd.get(), connection_.image);
  // Not disconnected it is whole, and only frozen.
  placeholder_ = error_.code != kernel::KernelErrorCode::kNotDisconnected;
  if (kernel::LeavesUnconnected(error_.code)) {
    context_.stats->Count(HandoverCount::kPlaceholderRetries);
    connection_.placeholder_missing = true;
  } else if (!error_.ok()) {
    Fail(error_, offload::Status::kFailure);
    return;
  }
  RecordStep(HandoverStep::kOffloadPlaceholder);
  Initiate();
}

bool OffloadOperation::FreezeSocket() {
  // What the path told stays; the rest is read afresh by each attempt.
  const uint32_t path_mtu = connection_.image.snapshot.path.path_mtu_bytes;
  for (int attempt = 0; attempt < kMaxFreezeAttempts; ++attempt) {
    error_ = kernel::Freeze(connection_.fd.get(), context_.host_limits,
                            &connection_.image);
    if (error_.code != kernel::KernelErrorCode::kChanged) break;
    context_.stats->Count(HandoverCount::kFreezeRetries);
  }
  frozen_ = error_.ok();
  if (!frozen_) {
    Fail(error_, offload::Status::kFailure);
    return false;
  }
  offload::ConnectionSnapshot& snapshot = connection_.image.snapshot;
  snapshot.path.path_mtu_bytes = path_mtu;
  const worker::LearnedPath& learned = main_.learned;
  snapshot.neighbor.source_mac = learned.source_mac;
  snapshot.neighbor.destination_mac = learned.destination_mac;
  snapshot.neighbor.vlan_id = learned.vlan_id;
  snapshot.tcp.cached.user_priority = learned.user_priority;
  snapshot.tcp.cached.ttl_or_hop_limit = learned.ttl_or_hop_limit;
  // The two low bits are ECN's, which a connection here does not use.
  snapshot.tcp.cached.tos_or_traffic_class =
      static_cast<uint8_t>(learned.tos_or_traffic_class & 0xfc);
  snapshot.tcp.cached.flow_label = learned.flow_label;
  if (learned.has_timestamps) {
    // To the kernel 0 means that it has none, for it forgets TS.Recent at every
    // restore; half of all peers would be held to be older than that.
    snapshot.tcp.delegated.ts_recent = learned.tsecr;
    if (learned.tsecr == 0) snapshot.tcp.delegated.ts_recent_age = kOutdated;
    connection_.image.ts_recent_known = true;
  }
  RecordStep(HandoverStep::kOffloadFreeze);
  return true;
}

// Bytes behind a hole would be lost with the placeholder, and a peer that had
// them SACKed needs a timeout to find out. A hole is filled within a round trip
// or two: the kernel keeps the connection until then.
void OffloadOperation::WaitForHole() {
  ++hole_waits_;
  context_.stats->Count(HandoverCount::kHoleWaits);
  if (frozen_) {
    frozen_ = false;
    error_ = kernel::Unfreeze(connection_.fd.get(), connection_.image);
    if (!error_.ok()) {
      placeholder_ = true;  // the longer way back
      Fail(error_, offload::Status::kFailure);
      return;
    }
  }
  step_ = Step::kWaitingForHole;
  held_ = false;
  SubmitMain(Kind::kRelease);
}

void OffloadOperation::RestrictHost() {
  restrict_.kind = Kind::kRestrictHost;
  restrict_.flow = connection_.flow;
  restrict_.snd_una = connection_.image.snapshot.tcp.delegated.snd_una;
  restrict_.snd_nxt = connection_.image.snapshot.tcp.delegated.snd_max;
  ++outstanding_;
  context_.operations->Submit(connection_.worker_index, &restrict_);
}

void OffloadOperation::Initiate() {
  main_.session_id = session_id_;
  main_.cookie = connection_.cookie;
  main_.published = record_;
  main_.snapshot = connection_.image.snapshot;
  // Lent to the worker for the call; both come back if it refuses (R36).
  main_.send_bytes = std::move(connection_.image.send_bytes);
  main_.receive_bytes = std::move(connection_.image.receive_bytes);
  main_.started_at = started_at_;
  step_ = Step::kInitiating;
  SubmitMain(Kind::kInitiate);
}

void OffloadOperation::OnInitiated() {
  connection_.image.send_bytes = std::move(main_.send_bytes);
  connection_.image.receive_bytes = std::move(main_.receive_bytes);
  if (main_.status != offload::Status::kSuccess) {
    Fail(ErrorOf(kernel::KernelErrorCode::kRefusedByTarget), main_.status);
    return;
  }
  // The worker has its own copy; a snapshot of old bytes is of no use to an
  // upload.
  connection_.image.send_bytes.clear();
  connection_.image.receive_bytes.clear();
  RecordStep(HandoverStep::kOffloadInitiate);
  context_.stats->Record(HandoverStep::kOffloadTotal,
                         context_.now() - started_at_);
  context_.stats->Count(HandoverCount::kOffloads);
  held_ = frozen_ = placeholder_ = false;
  error_ = kernel::KernelError();
  End();
}

void OffloadOperation::Fail(kernel::KernelError error, offload::Status status) {
  context_.stats->Count(HandoverCount::kOffloadsFailed);
  error_ = error;
  status_ =
      status == offload::Status::kSuccess ? offload::Status::kFailure : status;
  GiveBack();
}

void OffloadOperation::GiveBack() {
  if (placeholder_) {
    return_ = std::make_unique<SocketReturn>(
        context_, listener_, connection_, /*reset=*/false,
        [this](kernel::KernelError error) { OnReturned(error); });
    return_->Start();
    return;
  }
  if (frozen_) {
    frozen_ = false;
    const kernel::KernelError undone =
        kernel::Unfreeze(connection_.fd.get(), connection_.image);
    // The way back from a socket that will not thaw is the longer one.
    if (!undone.ok()) {
      placeholder_ = true;
      GiveBack();
      return;
    }
  }
  Release();
}

void OffloadOperation::OnReturned(kernel::KernelError error) {
  if (!error.ok()) {
    // The bytes are only here, so there is nothing to do but to try on.
    listener_.OnHandoverWaits(connection_, true);
    retry_timer_ =
        context_.timers->At(context_.now() + give_back_.Next(), [this] {
          listener_.OnHandoverWaits(connection_, false);
          GiveBack();
        });
    return;
  }
  placeholder_ = frozen_ = false;
  Release();
}

void OffloadOperation::Release() {
  if (!held_) {
    End();
    return;
  }
  held_ = false;
  step_ = Step::kReleasing;
  SubmitMain(Kind::kRelease);
}

void OffloadOperation::End() {
  ended_ = true;
  if (outstanding_ > 0) return;  // kRestrictHost is still on its way back
  listener_.OnOffloadDone(connection_, error_, status_);
}

}  // namespace chimney::daemon
