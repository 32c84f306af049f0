// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/worker_link.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <type_traits>

#include "ring/in_process_ring.h"

namespace chimney::daemon {

namespace {

void SignalEvent(int fd) {
  const uint64_t one = 1;
  // Fails only when the counter is full, that is, already readable.
  (void)!write(fd, &one, sizeof(one));
}

void ClearEvent(int fd) {
  uint64_t count = 0;
  (void)!read(fd, &count, sizeof(count));
}

}  // namespace

const char* LaneFaultText(LaneFault fault) {
  switch (fault) {
    case LaneFault::kNone:
      return "none";
    case LaneFault::kRingIndices:
      return "impossible ring indices";
    case LaneFault::kUnknownOp:
      return "an operation that data lanes do not have";
    case LaneFault::kBadReference:
      return "a reference outside its arena";
    case LaneFault::kBadRequest:
      return "a request that names what it was not given";
  }
  return "unknown";
}

struct WorkerLink::Rings {
  // Control core -> worker.
  ring::InProcessRing<worker::Operation*> operations{kMaxOperations};
  // Worker -> control core. Notices leave room for every operation.
  ring::InProcessRing<WorkerMessage> messages{kMaxOperations + kMaxNotices};
};

WorkerLink::WorkerLink(uint32_t worker_index)
    : worker_index_(worker_index),
      rings_(std::make_unique<Rings>()),
      control_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      worker_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

WorkerLink::~WorkerLink() {
  if (control_event_ >= 0) close(control_event_);
  if (worker_event_ >= 0) close(worker_event_);
}

bool WorkerLink::Submit(worker::Operation* operation) {
  if (outstanding_ == kMaxOperations) return false;
  // The ring's release of its tail pairs with the acquire in Take.
  if (!rings_->operations.EnqueueSp(operation)) return false;
  ++outstanding_;
  // Ring, fence, flag; pairs with flag, fence, ring in SleepUntilSubmit.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (worker_sleeps_.load(std::memory_order_relaxed) != 0 &&
      worker_sleeps_.exchange(0, std::memory_order_relaxed) != 0) {
    SignalEvent(worker_event_);
  }
  return true;
}

size_t WorkerLink::PopMessages(std::span<WorkerMessage> out) {
  const size_t count = rings_->messages.DequeueBurstSc(out);
  for (size_t i = 0; i < count; ++i) {
    if (out[i].kind == WorkerMessage::Kind::kCompleted) --outstanding_;
  }
  return count;
}

bool WorkerLink::PrepareToSleep() {
  control_sleeps_.store(1, std::memory_order_relaxed);
  // Flag, fence, ring; pairs with ring, fence, flag in Flush.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (rings_->messages.Count() == 0) return true;
  Awake();
  return false;
}

void WorkerLink::Awake() {
  // Still set: nobody has signalled. Otherwise the signal is there or about to
  // come; one that comes late makes one wake-up too many.
  if (control_sleeps_.exchange(0, std::memory_order_relaxed) == 0) {
    ClearEvent(control_event_);
  }
}

worker::Worker::Census WorkerLink::census() const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  worker::Worker::Census census;
  census.flows = census_.flows.load(kRelaxed);
  census.send_records = census_.send_records.load(kRelaxed);
  census.fragments = census_.fragments.load(kRelaxed);
  census.flight_ranges = census_.flight_ranges.load(kRelaxed);
  census.posted_receives = census_.posted_receives.load(kRelaxed);
  census.lent_pieces = census_.lent_pieces.load(kRelaxed);
  census.timers = census_.timers.load(kRelaxed);
  census.parked_frames = census_.parked_frames.load(kRelaxed);
  census.parts = census_.parts.load(kRelaxed);
  census.sessions = census_.sessions.load(kRelaxed);
  return census;
}

size_t WorkerLink::Take(std::span<worker::Operation*> out) {
  return rings_->operations.DequeueBurstSc(out);
}

void WorkerLink::Complete(worker::Operation* operation) {
  WorkerMessage message;
  message.kind = WorkerMessage::Kind::kCompleted;
  message.operation = operation;
  // There is room: at most kMaxOperations are between Submit and Drain, and
  // notices stop before they use it up.
  (void)!rings_->messages.EnqueueSp(message);
  said_something_ = true;
}

bool WorkerLink::PushNotice(const WorkerMessage& message) {
  if (rings_->messages.Room() <= kMaxOperations) return false;
  said_something_ = true;
  return rings_->messages.EnqueueSp(message);
}

bool WorkerLink::Notify(const worker::ControlNotice& notice) {
  WorkerMessage message;
  message.kind = WorkerMessage::Kind::kNotice;
  message.session_id = notice.session_id;
  message.notice = notice;
  return PushNotice(message);
}

bool WorkerLink::NotifyLaneBroken(uint32_t session_id, LaneFault fault) {
  WorkerMessage message;
  message.kind = WorkerMessage::Kind::kLaneBroken;
  message.session_id = session_id;
  message.fault = fault;
  return PushNotice(message);
}

void WorkerLink::Flush() {
  if (!said_something_) return;
  said_something_ = false;
  // Ring, fence, flag; pairs with flag, fence, ring in PrepareToSleep.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (control_sleeps_.load(std::memory_order_relaxed) != 0 &&
      control_sleeps_.exchange(0, std::memory_order_relaxed) != 0) {
    SignalEvent(control_event_);
  }
}

void WorkerLink::SleepUntilSubmit(Duration limit) {
  worker_sleeps_.store(1, std::memory_order_relaxed);
  // Flag, fence, ring; pairs with ring, fence, flag in Submit.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (rings_->operations.Count() == 0 && limit.nanos() > 0) {
    pollfd waiting{worker_event_, POLLIN, 0};
    const timespec timeout{limit.nanos() / 1'000'000'000,
                           limit.nanos() % 1'000'000'000};
    ppoll(&waiting, 1, &timeout, nullptr);
  }
  if (worker_sleeps_.exchange(0, std::memory_order_relaxed) == 0) {
    ClearEvent(worker_event_);
  }
}

void WorkerLink::PublishCensus(const worker::Worker::Census& census) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  census_.flows.store(census.flows, kRelaxed);
  census_.send_records.store(census.send_records, kRelaxed);
  census_.fragments.store(census.fragments, kRelaxed);
  census_.flight_ranges.store(census.flight_ranges, kRelaxed);
  census_.posted_receives.store(census.posted_receives, kRelaxed);
  census_.lent_pieces.store(census.lent_pieces, kRelaxed);
  census_.timers.store(census.timers, kRelaxed);
  census_.parked_frames.store(census.parked_frames, kRelaxed);
  census_.parts.store(census.parts, kRelaxed);
  census_.sessions.store(census.sessions, kRelaxed);
}

}  // namespace chimney::daemon
