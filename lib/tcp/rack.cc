// SPDX-License-Identifier: BSD-3-Clause
// RFC 8985, step by step.
#include "tcp/rack.h"

#include <algorithm>

#include "tcp/rtt.h"

namespace chimney::tcp {
namespace {

constexpr uint8_t kRecoveriesToPersist = 16;

// Step 2: an ACK of what was sent again may be that of the first transmission.
bool IsAmbiguous(const Tcb& tcb, Instant now, const packet::Segment& segment,
                 const Delivery::Latest& resent) {
  if (tcb.constant.timestamps_enabled && segment.options.has_timestamps) {
    const auto echoed = static_cast<int32_t>(segment.options.tsecr -
                                             TimestampAt(tcb, resent.sent_at));
    if (echoed < 0) return true;
  }
  return tcb.rtt.min_rtt == Duration() ||
         now - resent.sent_at < tcb.rtt.min_rtt;
}

void TakeLatest(RackState& rack, Instant now, const Delivery::Latest& latest) {
  if (!latest.any) return;
  if (rack.any &&
      !SentAfter(latest.sent_at, latest.end, rack.xmit_ts, rack.end_seq)) {
    return;
  }
  rack.any = true;
  rack.xmit_ts = latest.sent_at;
  rack.end_seq = latest.end;
  rack.rtt = now - latest.sent_at;
}

// Step 3.
void DetectReordering(Tcb& tcb, const Delivery& delivery) {
  if (!delivery.any) return;
  RackState& rack = tcb.outgoing->recovery.rack;
  if (delivery.any_once && delivery.lowest_once_end.Before(rack.fack)) {
    tcb.snd.reordering.seen = true;
  }
  rack.fack = Later(rack.fack, delivery.highest_end);
}

// Step 4: duplicates mean that the window was too short.
void NoteReportedDuplicate(Tcb& tcb, const AckNews& news) {
  RackState& rack = tcb.outgoing->recovery.rack;
  if (rack.in_dsack_round && tcb.snd.una.AtOrAfter(rack.dsack_round)) {
    rack.in_dsack_round = false;
  }
  // A tail probe that was not needed says nothing about reordering.
  if (!news.reports_duplicate || rack.in_dsack_round ||
      tcb.outgoing->recovery.probe_outstanding) {
    return;
  }
  rack.in_dsack_round = true;
  rack.dsack_round = tcb.snd.max;
  ReorderState& reordering = tcb.snd.reordering;
  if (reordering.reo_wnd_mult != UINT8_MAX) ++reordering.reo_wnd_mult;
  reordering.reo_wnd_persist = kRecoveriesToPersist;
}

Duration ReorderWindow(const Tcb& tcb) {
  const RecoveryState& recovery = tcb.outgoing->recovery;
  if (!tcb.snd.reordering.seen) {
    const uint32_t sacked_segments =
        std::max<uint32_t>(recovery.dup_ack_count,
                           tcb.outgoing->flight.sacked_bytes() / tcb.snd.mss);
    if (recovery.phase != RecoveryPhase::kOpen ||
        sacked_segments >= tcb.params().duplicate_ack_threshold) {
      return Duration();
    }
  }
  Duration round_trip = tcb.rtt.min_rtt;
  // After a hand-over there is the giver's average, if that.
  if (round_trip == Duration()) round_trip = tcb.rtt.srtt;
  if (round_trip == Duration()) round_trip = RetransmitTimeout(tcb);
  const Duration window = round_trip / 4 * tcb.snd.reordering.reo_wnd_mult;
  return tcb.rtt.srtt == Duration() ? window : std::min(window, tcb.rtt.srtt);
}

}  // namespace

void NoteDeliveryRack(Tcb& tcb, Instant now, const packet::Segment& segment,
                      const AckNews& news) {
  if (!tcb.params().rack || !tcb.constant.sack_enabled) return;
  RackState& rack = tcb.outgoing->recovery.rack;
  TakeLatest(rack, now, news.delivery.once);
  TakeLatest(rack, now, news.delivery.imported);
  const Delivery::Latest& resent = news.delivery.resent;
  if (resent.any && !IsAmbiguous(tcb, now, segment, resent)) {
    TakeLatest(rack, now, resent);
  }
  DetectReordering(tcb, news.delivery);
  NoteReportedDuplicate(tcb, news);
}

void MarkLostByTime(Tcb& tcb, Instant now) {
  const RackState& rack = tcb.outgoing->recovery.rack;
  OutgoingTimers& timers = tcb.outgoing->timers;
  if (timers.early_use == EarlyUse::kReorder) timers.early = Instant::Never();
  if (!rack.any) return;
  const Duration patience = rack.rtt + ReorderWindow(tcb);
  Instant next = Instant::Never();
  tcb.outgoing->flight.MarkLostIf([&](const FlightRange& range) {
    if (!SentAfter(rack.xmit_ts, rack.end_seq, range.sent_at, range.end)) {
      // Behind what was sent once and later, everything was sent later still.
      return range.copies == FlightCopies::kSeveral ? Flight::Verdict::kSpare
                                                    : Flight::Verdict::kEnough;
    }
    const Instant lost_at = range.sent_at + patience;
    if (lost_at <= now) return Flight::Verdict::kLost;
    next = std::min(next, lost_at);
    return Flight::Verdict::kSpare;
  });
  if (next.IsNever()) return;
  timers.early = next;
  timers.early_use = EarlyUse::kReorder;
}

void OnRecoveryEndRack(Tcb& tcb) {
  ReorderState& reordering = tcb.snd.reordering;
  if (reordering.reo_wnd_persist == 0) return;
  if (--reordering.reo_wnd_persist == 0) reordering.reo_wnd_mult = 1;
}

}  // namespace chimney::tcp
