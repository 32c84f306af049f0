// SPDX-License-Identifier: BSD-3-Clause
// Fifth step, the acknowledgement: SND.UNA, the send window, duplicates.
#include <algorithm>

#include "tcp/input.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/send_queue.h"
#include "tcp/timers.h"

namespace chimney::tcp {
namespace {

// True if the window changed.
bool UpdateSendWindow(InputContext& in, bool tells_window) {
  if (!tells_window) return false;
  SendState& snd = in.tcb.snd;
  const uint32_t window = WindowOf(in);
  const bool changed = window != snd.wnd;
  snd.wnd = window;
  snd.wl1 = in.segment.seq;
  snd.wl2 = in.segment.ack;
  snd.max_wnd = std::max(snd.max_wnd, window);
  if (window == 0) {
    OnZeroWindowAck(in.tcb, in.now);
  } else {
    LeavePersist(in.tcb, in.now);
  }
  return changed;
}

// RFC 5681 section 2, or news of SACKed bytes (RFC 6675 section 2).
bool IsDuplicateAck(const InputContext& in, SeqNum una_before,
                    bool window_changed, uint32_t newly_sacked) {
  const Tcb& tcb = in.tcb;
  if (in.segment.ack != una_before || tcb.snd.una == tcb.snd.max) return false;
  if (tcb.snd.wnd == 0 ||
      tcb.timers.retransmit_use == RetransmitUse::kPersist) {
    return false;
  }
  if (tcb.constant.sack_enabled && in.segment.options.sack_count != 0) {
    return newly_sacked != 0;
  }
  return in.segment.length() == 0 && !window_changed;
}

// Our FIN is acknowledged: the state diagram of RFC 9293 section 3.3.2.
void OnFinAcked(InputContext& in) {
  Tcb& tcb = in.tcb;
  in.outcome.events |= kEventFinAcked;
  switch (tcb.connection_state) {
    case ConnectionState::kFinWait1:
      tcb.connection_state = ConnectionState::kFinWait2;
      ArmFinWait2(tcb, in.now);
      break;
    case ConnectionState::kClosing:
      tcb.connection_state = ConnectionState::kTimeWait;
      in.outcome.events |= kEventTimeWait;
      StopAllTimers(tcb);
      break;
    case ConnectionState::kLastAck:
      tcb.connection_state = ConnectionState::kClosed;
      tcb.rcv.ack_now = false;
      StopAllTimers(tcb);
      break;
    default:
      break;
  }
}

}  // namespace

bool TellsWindow(const InputContext& in) {
  const SendState& snd = in.tcb.snd;
  const packet::Segment& segment = in.segment;
  return segment.ack.After(snd.una) || snd.wl1.Before(segment.seq) ||
         (snd.wl1 == segment.seq && snd.wl2.AtOrBefore(segment.ack));
}

uint32_t WindowOf(const InputContext& in) {
  const TcpConstState& constant = in.tcb.constant;
  const uint32_t shift =
      constant.window_scaling_enabled ? constant.snd_wind_scale : 0;
  return static_cast<uint32_t>(in.segment.raw_window) << shift;
}

void AdvanceUna(InputContext& in, AckNews* news) {
  Tcb& tcb = in.tcb;
  SendState& snd = tcb.snd;
  news->acked = in.segment.ack.BytesFrom(snd.una);
  const auto data = static_cast<uint32_t>(
      std::min<uint64_t>(news->acked, tcb.outgoing->queued_bytes));
  SampleRtt(tcb, in.now, in.segment);
  if (ReleaseAcked(tcb, data)) in.outcome.events |= kEventSendAcked;
  snd.una = in.segment.ack;
  tcb.outgoing->flight.Acknowledge(snd.una, &news->delivery);
  in.outcome.events |= kEventForwardProgress;
}

void FinishAck(InputContext& in, const AckNews& news) {
  Tcb& tcb = in.tcb;
  OnAckRecovery(tcb, in.now, in.segment, news);
  if (news.acked == 0) return;
  const bool fin_acked =
      tcb.snd.fin_sent && !tcb.snd.fin_acked && tcb.snd.una == tcb.snd.max;
  // Before the timers: with nothing left to probe for, a persist round ends.
  if (fin_acked) tcb.snd.fin_acked = true;
  OnAckProgressTimers(tcb, in.now);
  if (fin_acked) OnFinAcked(in);
}

SegmentReason ProcessAck(InputContext& in) {
  Tcb& tcb = in.tcb;
  const SeqNum una_before = tcb.snd.una;
  const SeqNum ack = in.segment.ack;
  if (ack.Before(una_before)) return SegmentReason::kAckOld;
  tcb.snd.probe_taken = false;
  const bool tells_window = TellsWindow(in);
  AckNews news;
  if (ack.After(una_before)) AdvanceUna(in, &news);
  NoteSackBlocks(tcb, in.segment, &news);
  const bool window_changed = UpdateSendWindow(in, tells_window);
  news.duplicate = IsDuplicateAck(in, una_before, window_changed,
                                  news.delivery.sacked_bytes);
  FinishAck(in, news);
  if (ack.After(una_before)) return SegmentReason::kAckAdvanced;
  if (news.duplicate) return SegmentReason::kAckDuplicate;
  return window_changed ? SegmentReason::kAckWindowUpdate
                        : SegmentReason::kAckUnchanged;
}

}  // namespace chimney::tcp
