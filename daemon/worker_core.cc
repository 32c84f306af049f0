// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/worker_core.h"

#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>

#include "dpdkio/receive.h"

namespace chimney::daemon {

namespace {

using worker::Disposition;
using worker::Frame;
using worker::Side;

// Frames taken from one side in a turn: what the drivers are made for.
constexpr size_t kReceiveBurst = 32;
constexpr size_t kOperationBurst = 32;
// Requests of one session in a turn.
constexpr size_t kLaneBudget = 64;
// An idle core spins this long before it sleeps.
constexpr Duration kSpinBeforeSleep = Duration::Micros(200);
// A sleep misses frames for as long as it lasts, and shorter than the second
// value is not worth the system call.
constexpr Duration kLongestSleep = Duration::Micros(50);
constexpr Duration kShortestSleep = Duration::Micros(5);
constexpr Duration kNumbersInterval = Duration::Millis(5);

constexpr Side Other(Side side) {
  return side == Side::kWire ? Side::kHost : Side::kWire;
}

bool IsGood(const rte_mbuf& mbuf, uint64_t mask, uint64_t good) {
  return (mbuf.ol_flags & mask) == good;
}

Frame FrameOf(rte_mbuf* mbuf) {
  Frame frame;
  frame.bytes = ByteSpan(rte_pktmbuf_mtod(mbuf, const uint8_t*),
                         rte_pktmbuf_data_len(mbuf));
  frame.handle = mbuf;
  frame.ip_checksum_trusted =
      IsGood(*mbuf, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_GOOD);
  frame.l4_checksum_trusted =
      IsGood(*mbuf, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_GOOD);
  frame.contiguous = mbuf->nb_segs == 1;
  return frame;
}

}  // namespace

void WorkerCore::Completions::Complete(worker::Operation* operation) {
  using Kind = worker::Operation::Kind;
  std::vector<OpenLane>& lanes = core_->lanes_;
  if (operation->kind == Kind::kOpenSession &&
      operation->status == offload::Status::kSuccess) {
    lanes.push_back(
        OpenLane{static_cast<SessionLane*>(operation->session_port), false});
  } else if (operation->kind == Kind::kCloseSession) {
    std::erase_if(lanes, [&](const OpenLane& open) {
      return open.lane->session_id() == operation->session_id;
    });
  }
  core_->link_->Complete(operation);
}

bool WorkerCore::Completions::Notify(const worker::ControlNotice& notice) {
  return core_->link_->Notify(notice);
}

WorkerCore::WorkerCore(const WorkerCoreOptions& options, WorkerLink* link)
    : options_(options),
      link_(link),
      frames_(options.frames, &counters_),
      completions_(this),
      worker_(options.worker, &frames_, &completions_) {
  lanes_.reserve(options.worker.max_sessions);
  link_->set_counters(&worker_.counters(), &counters_);
}

WorkerCore::~WorkerCore() {
  link_->set_counters(nullptr, nullptr);
  // What waits may refer to the worker's send records.
  frames_.Drop();
}

void WorkerCore::Run() {
  // Sleeps of 50 us are not to become sleeps of 100 us.
  prctl(PR_SET_TIMERSLACK, 1UL);
  Instant idle_since = clock_.Now();
  while (!stop_.load(std::memory_order_relaxed)) {
    const Instant now = clock_.Now();
    if (Turn(now) != 0) {
      idle_since = now;
    } else {
      counters_.Add(CoreCounter::kIdleTurns);
      Rest(now, idle_since);
    }
  }
}

size_t WorkerCore::Turn(Instant now) {
  size_t work = ReceiveFrom(now, Side::kWire);
  work += ReceiveFrom(now, Side::kHost);
  work += TakeOperations(now);
  work += PollLanes(now);
  work += worker_.Poll(now);
  work += frames_.Flush();
  link_->Flush();
  counters_.Add(CoreCounter::kTurns);
  if (now >= next_numbers_) PublishNumbers(now);
  return work;
}

size_t WorkerCore::ReceiveFrom(Instant now, Side from) {
  std::array<rte_mbuf*, kReceiveBurst> frames;
  const size_t count =
      dpdkio::ReceiveBurst(frames_.side(from).receive, frames, &vlan_lost_);
  if (count == 0) return 0;
  counters_.Add(from == Side::kWire ? CoreCounter::kWireFramesReceived
                                    : CoreCounter::kHostFramesReceived,
                count);
  const std::span<rte_mbuf*> received = std::span(frames).first(count);
  if (worker_.flow_count() == 0) {
    // Nothing is held or offloaded: a wire between the two ports.
    frames_.Forward(Other(from), received);
  } else {
    Sort(now, from, received);
  }
  return count;
}

void WorkerCore::Sort(Instant now, Side from, std::span<rte_mbuf*> received) {
  std::array<Frame, kReceiveBurst> frames;
  std::array<Disposition, kReceiveBurst> dispositions;
  const size_t count = received.size();
  for (rte_mbuf* mbuf : received) {
    rte_prefetch0(rte_pktmbuf_mtod(mbuf, const void*));
  }
  for (size_t i = 0; i < count; ++i) frames[i] = FrameOf(received[i]);
  worker_.ProcessFrames(now, from, std::span(frames).first(count),
                        std::span(dispositions).first(count));
  size_t forwarded = 0;
  for (size_t i = 0; i < count; ++i) {
    if (dispositions[i] == Disposition::kForward) {
      received[forwarded++] = received[i];
    } else if (dispositions[i] == Disposition::kConsumed) {
      rte_pktmbuf_free(received[i]);
    }
  }
  if (forwarded != 0) {
    frames_.Forward(Other(from), received.first(forwarded));
  }
}

size_t WorkerCore::TakeOperations(Instant now) {
  std::array<worker::Operation*, kOperationBurst> operations;
  const size_t count = link_->Take(operations);
  for (size_t i = 0; i < count; ++i) {
    worker::Operation* operation = operations[i];
    // What was posted before the upload was asked for is taken in before the
    // cut: it would come back to a process that may be gone by then. Of a dead
    // one, what finds no room has to wait for the peer.
    if (operation->kind == worker::Operation::Kind::kTerminate &&
        !DrainLane(now, *operation) && operation->include_lent) {
      operation->status = offload::Status::kResources;
      link_->Complete(operation);
      continue;
    }
    worker_.Execute(now, operation);
  }
  return count;
}

bool WorkerCore::DrainLane(Instant now, const worker::Operation& terminate) {
  for (OpenLane& open : lanes_) {
    if (open.lane->session_id() != terminate.session_id) continue;
    if (terminate.include_lent) open.lane->EndSession();
    return open.lane->Drain(now, &worker_);
  }
  return true;
}

size_t WorkerCore::PollLanes(Instant now) {
  const size_t count = lanes_.size();
  if (count == 0) return 0;
  // Requests may be deferred for want of something that all lanes share; so
  // each lane is first in its turn.
  if (++first_lane_ >= count) first_lane_ = 0;
  size_t work = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t at = first_lane_ + i;
    OpenLane& open = lanes_[at < count ? at : at - count];
    work += open.lane->PollRequests(now, &worker_, kLaneBudget);
    if (open.lane->fault() == LaneFault::kNone || open.fault_told) continue;
    open.fault_told =
        link_->NotifyLaneBroken(open.lane->session_id(), open.lane->fault());
    if (open.fault_told) counters_.Add(CoreCounter::kLanesBroken);
  }
  return work;
}

void WorkerCore::PublishNumbers(Instant now) {
  next_numbers_ = now + kNumbersInterval;
  link_->PublishCensus(worker_.TakeCensus());
  const auto count = [this](CoreCounter counter, uint64_t total,
                            uint64_t* counted) {
    if (total == *counted) return;
    counters_.Add(counter, total - *counted);
    *counted = total;
  };
  count(CoreCounter::kWireFramesDropped, frames_.queue(Side::kWire).dropped(),
        &wire_drops_counted_);
  count(CoreCounter::kHostFramesDropped, frames_.queue(Side::kHost).dropped(),
        &host_drops_counted_);
  count(CoreCounter::kVlanRestoreFailed, vlan_lost_, &vlan_lost_counted_);
}

void WorkerCore::Rest(Instant now, Instant idle_since) {
  rte_pause();
  if (options_.idle == IdleMode::kPoll || now - idle_since < kSpinBeforeSleep) {
    return;
  }
  Duration limit = kLongestSleep;
  const Instant deadline = worker_.NextDeadline();
  if (!deadline.IsNever()) limit = std::min(limit, deadline - now);
  if (limit < kShortestSleep) return;
  counters_.Add(CoreCounter::kSleeps);
  link_->SleepUntilSubmit(limit);
}

}  // namespace chimney::daemon
