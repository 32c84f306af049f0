// SPDX-License-Identifier: BSD-3-Clause
// The fence (design D2): an old byte sent to the kernel behind everything that
// was forwarded. Its acknowledgement proves that the kernel has seen all that.
#include <algorithm>

#include "worker/worker_impl.h"

namespace chimney::worker {

using offload::Status;

void Worker::Impl::ExecuteFence(Instant now, Operation* operation, Flow* flow) {
  if (flow->phase != FlowPhase::kHeld ||
      flow->hand_over->fence.operation != nullptr) {
    return Complete(operation, Status::kFailure);
  }
  // An answer proves nothing while frames overtake the fence.
  if (flow->wire_open) BeginHold(now, *operation, flow);
  if (!SendFence(now, operation, flow)) Complete(operation, Status::kFailure);
}

// False, and the operation is the caller's, if its frame is no fence. One that
// the host port has no room for is waited for as one that was lost: repeated at
// once it would find no room either.
bool Worker::Impl::SendFence(Instant now, Operation* operation, Flow* flow) {
  packet::FrameView view;
  const packet::ParseOptions trust_all{.ip_checksum_trusted = true,
                                       .l4_checksum_trusted = true};
  if (packet::ParseFrame(operation->fence_frame, trust_all, &view) !=
          packet::FrameVerdict::kTcp ||
      !(view.TupleAsReceiver() == flow->tuple)) {
    return false;
  }
  Fence& fence = flow->hand_over->fence;
  fence = Fence{};
  fence.operation = operation;
  fence.sent = SendToHost(operation->fence_frame);
  Count(fence.sent ? Counter::kFencesSent : Counter::kFencesUnsent);
  fence.start = view.segment.seq;
  fence.end = view.segment.end();
  fence.ack = view.segment.ack;
  fence.deadline = operation->fence_timeout > Duration()
                       ? now + operation->fence_timeout
                       : flow->hand_over->hold_deadline;
  fence.wants_duplicate_report = operation->snapshot.tcp.constant.sack_enabled;
  ArmTimer(flow);
  return true;
}

// With SACK the kernel names the duplicate byte (RFC 2883), which no other
// segment does. Without, the first pure ACK of everything up to the fence is
// taken; should it be an earlier one, a slip costs a retransmission.
bool Worker::Impl::IsFenceAnswer(Flow* flow,
                                 const packet::FrameView& view) const {
  Fence& fence = flow->hand_over->fence;
  const packet::Segment& segment = view.segment;
  if (!fence.sent || !segment.flags.ack() || segment.flags.rst() ||
      segment.flags.syn()) {
    return false;
  }
  const packet::TcpOptions& options = segment.options;
  if (options.sack_count > 0 && options.sack[0].start == fence.start &&
      options.sack[0].end == fence.end && fence.start != fence.end) {
    return true;
  }
  if (segment.length() != 0 || segment.ack.Before(fence.end)) return false;
  if (!fence.wants_duplicate_report) return true;
  fence.plain_ack_seen = true;
  return false;
}

// The socket ended meanwhile and its kernel answers the fence as any segment of
// no connection (RFC 9293 section 3.10.7.1). The peer has not asked.
bool Worker::Impl::IsFenceReset(const Flow& flow,
                                const packet::Segment& segment) const {
  const Fence& fence = flow.hand_over->fence;
  return fence.sent && segment.flags.rst() && !segment.flags.ack() &&
         segment.seq == fence.ack;
}

void Worker::Impl::EndFence(Flow* flow, Status status) {
  HandOver* hand_over = flow->hand_over;
  Operation* operation = hand_over->fence.operation;
  if (operation == nullptr) return;
  hand_over->fence = Fence{};
  if (status == Status::kSuccess) {
    // The control core freezes the socket next. However long reading it takes,
    // a frame that passed meanwhile would meet a frozen socket, or none.
    hand_over->hold_deadline = Instant::Never();
  }
  operation->learned = hand_over->learned;
  Complete(operation, status);
}

void Worker::Impl::ExpireFence(Flow* flow) {
  // A kernel with net.ipv4.tcp_dsack=0 answers without naming the byte.
  const bool answered = flow->hand_over->fence.plain_ack_seen;
  Count(answered ? Counter::kFencesSeen : Counter::kFencesTimedOut);
  EndFence(flow, answered ? Status::kSuccess : Status::kFailure);
}

}  // namespace chimney::worker
