// SPDX-License-Identifier: BSD-3-Clause
// Wire frames of a running flow: plain segments into the engine, everything
// the engine may not process to the host.
#include "packet/checksum.h"
#include "worker/worker_impl.h"

namespace chimney::worker {

using packet::FrameVerdict;

Worker::Impl::Fate Worker::Impl::OnRunningFrame(Instant now, Flow* flow,
                                                const Frame& frame,
                                                const Looked& looked) {
  if (!frame.contiguous) return DivertToHost(flow, Counter::kFlowScattered);
  const packet::FrameView& view = looked.view;
  // With options or extension headers the segment is judged first: a corrupt
  // one is no reason for an upload.
  switch (looked.verdict) {
    case FrameVerdict::kTcp:
      return OnPlainSegment(now, flow, frame, view);
    case FrameVerdict::kFragment:
      return DivertToHost(flow, Counter::kFlowFragment);
    case FrameVerdict::kIpOptions:
      if (!ChecksumsGood(frame, view)) return Fate::kConsume;
      return DivertToHost(flow, Counter::kFlowIpOptions);
    case FrameVerdict::kExtensionHeader:
      // A routing header changes what the checksum covers: the host's to judge.
      return DivertToHost(flow, Counter::kFlowExtensionHeader);
    case FrameVerdict::kBadTcpOptions:
      if (!ChecksumsGood(frame, view)) return Fate::kConsume;
      return DivertToHost(flow, Counter::kFlowBadTcpOptions);
    default:
      // Ports, but no sound TCP header behind them.
      Count(Counter::kFlowBadTcpHeader);
      return Fate::kConsume;
  }
}

// R154, R155: parked with all that follow it, and the connection goes back to
// the host, which gets them in this order.
Worker::Impl::Fate Worker::Impl::DivertToHost(Flow* flow, Counter counter) {
  Count(counter);
  flow->diverted = true;
  flow->stopped = true;
  RaiseRetrieve(flow, offload::UploadReason::kUploadRequested, true);
  Schedule(flow);
  return Fate::kPark;
}

Worker::Impl::Fate Worker::Impl::OnPlainSegment(Instant now, Flow* flow,
                                                const Frame& frame,
                                                const packet::FrameView& view) {
  if (!ChecksumsGood(frame, view)) return Fate::kConsume;
  Count(Counter::kSegmentsIn);
  Count(Counter::kBytesIn, view.segment.payload.size());
  const tcp::Outcome outcome = tcp::OnSegment(flow->tcb, now, view.segment);
  segment_counters_.Add(outcome.reason);
  if ((outcome.events & tcp::kEventReceiveReady) != 0 &&
      view.segment.flags.psh()) {
    flow->push_seen = true;
  }
  Absorb(now, flow, outcome);
  if (tcp::FateOf(outcome.reason) != tcp::SegmentFate::kForHost) {
    return Fate::kConsume;
  }
  flow->diverted = true;
  return Fate::kPark;
}

bool Worker::Impl::ChecksumsGood(const Frame& frame,
                                 const packet::FrameView& view) {
  if (view.family == IpFamily::kIpv4 && !frame.ip_checksum_trusted) {
    const size_t header_bytes = size_t{frame.bytes[view.ip_offset] & 0x0fu} * 4;
    const uint32_t sum =
        packet::PartialSum(frame.bytes.subspan(view.ip_offset, header_bytes));
    if (packet::FinishChecksum(sum) != 0) {
      Count(Counter::kFlowBadIpChecksum);
      return false;
    }
  }
  if (frame.l4_checksum_trusted) return true;
  const ByteSpan segment =
      frame.bytes.subspan(view.tcp_offset, view.frame_bytes - view.tcp_offset);
  const uint32_t sum =
      packet::PseudoHeaderSum(view.src, view.dst, 6,
                              static_cast<uint32_t>(segment.size())) +
      packet::PartialSum(segment);
  if (packet::FinishChecksum(sum) == 0) return true;
  Count(Counter::kFlowBadTcpChecksum);
  return false;
}

}  // namespace chimney::worker
