// SPDX-License-Identifier: BSD-3-Clause
// The ranges of the flight: cutting, joining and counting them.
#include "tcp/flight.h"

#include <algorithm>

namespace chimney::tcp {
namespace {

// Ranges that cutting a part out of one takes at most.
constexpr size_t kPartsOfACut = 2;

// Of ranges that are not in flight, the time of sending matters no more.
bool HaveOneHistory(const FlightRange& a, const FlightRange& b) {
  if (a.fate != b.fate) return false;
  if (a.fate != FlightFate::kInFlight) return true;
  return a.sent_at == b.sent_at && a.copies == b.copies;
}

void NoteLatest(Delivery::Latest* latest, Instant sent_at, SeqNum end) {
  if (latest->any && !SentAfter(sent_at, end, latest->sent_at, latest->end)) {
    return;
  }
  *latest = {true, sent_at, end};
}

}  // namespace

size_t Flight::Room() const {
  const auto own = static_cast<size_t>(
      std::count(own_used_.begin(), own_used_.end(), false));
  const size_t left =
      store_ == nullptr ? 0 : store_->capacity() - store_->in_use();
  if (count_ >= kMaxRanges || count_ >= left) return own;
  return own + std::min(kMaxRanges - count_, (left - count_ + 1) / 2);
}

void Flight::MakeRoomToCut() {
  while (Room() < kPartsOfACut && Coarsen()) {
  }
}

void Flight::MakeRoomToReport() {
  constexpr size_t kMaxSteps = 32;
  while (Room() < kPartsOfACut && JoinYoungest(kMaxSteps)) {
  }
}

bool Flight::JoinYoungest(size_t max_steps) {
  FlightRange* range = ranges_.back();
  for (size_t i = 0; i < max_steps && range != nullptr; ++i) {
    FlightRange* before = ranges_.Previous(range);
    if (before != nullptr && before->fate == range->fate) {
      JoinInFlight(before, range);
      return true;
    }
    range = before;
  }
  return false;
}

bool Flight::Coarsen() {
  if (JoinYoungest(kMaxRanges)) return true;
  for (FlightRange& range : ranges_) {
    if (range.fate != FlightFate::kSacked) continue;
    FlightRange* before = ranges_.Previous(&range);
    FlightRange* behind = ranges_.Next(&range);
    SetFate(&range, FlightFate::kInFlight);
    range.copies = FlightCopies::kSeveral;
    const size_t count = count_;
    if (behind != nullptr && behind->fate == range.fate) {
      JoinInFlight(&range, behind);
    }
    if (before != nullptr && before->fate == range.fate) {
      JoinInFlight(before, &range);
    }
    if (count_ != count) return true;
  }
  return false;
}

FlightRange* Flight::Allocate() {
  FlightRange* range = nullptr;
  for (size_t i = 0; i < own_.size() && range == nullptr; ++i) {
    if (own_used_[i]) continue;
    own_used_[i] = true;
    range = &own_[i];
  }
  if (range == nullptr && store_ != nullptr && count_ < kMaxRanges &&
      count_ < store_->capacity() - store_->in_use()) {
    range = store_->Allocate();
  }
  if (range != nullptr) ++count_;
  return range;
}

void Flight::Free(FlightRange* range) {
  range->Unlink();
  --count_;
  for (size_t i = 0; i < own_.size(); ++i) {
    if (range != &own_[i]) continue;
    own_used_[i] = false;
    return;
  }
  store_->Free(range);
}

void Flight::SetFate(FlightRange* range, FlightFate fate) {
  if (range->fate == FlightFate::kSacked) sacked_bytes_ -= range->bytes();
  if (range->fate == FlightFate::kLost) lost_bytes_ -= range->bytes();
  range->fate = fate;
  if (fate == FlightFate::kSacked) sacked_bytes_ += range->bytes();
  if (fate == FlightFate::kLost) lost_bytes_ += range->bytes();
}

FlightRange* Flight::Split(FlightRange* range, SeqNum at) {
  FlightRange* behind = Allocate();
  if (behind == nullptr) return nullptr;
  behind->start = at;
  behind->end = range->end;
  behind->sent_at = range->sent_at;
  behind->fate = range->fate;
  behind->copies = range->copies;
  range->end = at;
  FlightRange* next = ranges_.Next(range);
  if (next == nullptr) {
    ranges_.PushBack(behind);
  } else {
    ranges_.InsertBefore(next, behind);
  }
  return behind;
}

FlightRange* Flight::CutOut(FlightRange* range, SeqNum start, SeqNum end,
                            bool* exact) {
  *exact = true;
  if (range->start.Before(start)) {
    FlightRange* behind = Split(range, start);
    *exact = behind != nullptr;
    if (*exact) range = behind;
  }
  if (range->end.After(end)) *exact &= Split(range, end) != nullptr;
  return range;
}

FlightRange* Flight::Find(SeqNum seq) {
  FlightRange* found = nullptr;
  for (FlightRange* range = ranges_.back();
       range != nullptr && range->end.After(seq);
       range = ranges_.Previous(range)) {
    found = range;
  }
  return found;
}

// Lost bytes of several times count as sent when the first of them was, so that
// a late ACK never makes the path seem shorter than it is.
void Flight::JoinWithNext(FlightRange* range, FlightRange* next) {
  range->end = next->end;
  range->sent_at = range->fate == FlightFate::kLost
                       ? std::min(range->sent_at, next->sent_at)
                       : std::max(range->sent_at, next->sent_at);
  if (range->copies != next->copies) range->copies = FlightCopies::kSeveral;
  Free(next);
}

// An ACK of bytes of several times is no sample.
void Flight::JoinInFlight(FlightRange* range, FlightRange* next) {
  if (range->sent_at != next->sent_at) range->copies = FlightCopies::kSeveral;
  JoinWithNext(range, next);
}

void Flight::Join(FlightRange* first, SeqNum end) {
  FlightRange* before = ranges_.Previous(first);
  FlightRange* range = before != nullptr ? before : first;
  while (FlightRange* next = ranges_.Next(range)) {
    if (HaveOneHistory(*range, *next)) {
      JoinWithNext(range, next);
    } else if (next->start.After(end)) {
      return;
    } else {
      range = next;
    }
  }
}

// No memory for a range of its own: the last one takes the new bytes in. Behind
// lost bytes they will go twice.
void Flight::Absorb(SeqNum end, Instant now) {
  FlightRange* last = ranges_.back();
  if (last->fate == FlightFate::kSacked) SetFate(last, FlightFate::kInFlight);
  if (last->fate == FlightFate::kLost) lost_bytes_ += end.BytesFrom(last->end);
  last->end = end;
  last->sent_at = now;
  last->copies = FlightCopies::kSeveral;
}

void Flight::Collapse(SeqNum end, Instant now) {
  const SeqNum flight_end = ranges_.back()->end;
  FlightRange* first = ranges_.front();
  while (FlightRange* next = ranges_.Next(first)) Free(next);
  sacked_bytes_ = lost_bytes_ = 0;
  first->fate = FlightFate::kInFlight;
  first->end = flight_end;
  first->copies = FlightCopies::kSeveral;
  FlightRange* rest = end == flight_end ? nullptr : Split(first, end);
  if (rest != nullptr) SetFate(rest, FlightFate::kLost);
  first->sent_at = now;
}

void Flight::Append(SeqNum start, SeqNum end, Instant now,
                    FlightCopies copies) {
  total_bytes_ += end.BytesFrom(start);
  FlightRange* last = ranges_.back();
  if (last != nullptr && last->fate == FlightFate::kInFlight &&
      last->copies == copies && last->sent_at == now) {
    last->end = end;
    return;
  }
  if (Room() == 0) Coarsen();
  FlightRange* range = Allocate();
  if (range == nullptr) return Absorb(end, now);
  range->start = start;
  range->end = end;
  range->sent_at = now;
  range->fate = FlightFate::kInFlight;
  range->copies = copies;
  ranges_.PushBack(range);
}

void Flight::Send(SeqNum start, SeqNum end, Instant now) {
  Append(start, end, now, FlightCopies::kOne);
}

void Flight::Import(SeqNum start, SeqNum end, Instant now) {
  Append(start, end, now, FlightCopies::kUnknown);
}

void Flight::Resend(SeqNum start, SeqNum end, Instant now) {
  MakeRoomToCut();
  FlightRange* first = nullptr;
  FlightRange* range = Find(start);
  while (range != nullptr && range->start.Before(end)) {
    bool exact;
    FlightRange* part = CutOut(range, start, end, &exact);
    if (!exact) return Collapse(end, now);
    if (first == nullptr) first = part;
    if (part->fate != FlightFate::kSacked) {
      SetFate(part, FlightFate::kInFlight);
      part->sent_at = now;
      part->copies = FlightCopies::kSeveral;
    }
    range = ranges_.Next(part);
  }
  if (first != nullptr) Join(first, end);
}

void Flight::Note(const FlightRange& range, SeqNum end, Delivery* delivery) {
  Delivery::Latest* latest = &delivery->once;
  if (range.copies == FlightCopies::kSeveral) latest = &delivery->resent;
  if (range.copies == FlightCopies::kUnknown) latest = &delivery->imported;
  NoteLatest(latest, range.sent_at, end);
  if (!delivery->any || end.After(delivery->highest_end)) {
    delivery->highest_end = end;
  }
  delivery->any = true;
  if (range.copies != FlightCopies::kOne) return;
  if (!delivery->any_once || end.Before(delivery->lowest_once_end)) {
    delivery->lowest_once_end = end;
  }
  delivery->any_once = true;
}

void Flight::Acknowledge(SeqNum una, Delivery* delivery) {
  while (FlightRange* range = ranges_.front()) {
    if (range->start.AtOrAfter(una)) return;
    const SeqNum end = Earlier(range->end, una);
    const uint32_t bytes = end.BytesFrom(range->start);
    if (range->fate != FlightFate::kSacked) {
      delivery->acked_bytes += bytes;
      Note(*range, end, delivery);
    }
    total_bytes_ -= bytes;
    const FlightFate fate = range->fate;
    SetFate(range, FlightFate::kInFlight);
    range->start = end;
    if (end == range->end) {
      Free(range);
    } else {
      SetFate(range, fate);
    }
  }
}

void Flight::Sack(SeqNum start, SeqNum end, Delivery* delivery) {
  MakeRoomToReport();
  FlightRange* first = nullptr;
  FlightRange* range = Find(start);
  while (range != nullptr && range->start.Before(end)) {
    FlightRange* part = range;
    if (range->fate != FlightFate::kSacked) {
      bool exact;
      part = CutOut(range, start, end, &exact);
      if (!exact) break;
      delivery->sacked_bytes += part->bytes();
      Note(*part, part->end, delivery);
      SetFate(part, FlightFate::kSacked);
    }
    if (first == nullptr) first = part;
    range = ranges_.Next(part);
  }
  if (first != nullptr) Join(first, end);
}

uint32_t Flight::MarkLost(SeqNum start, SeqNum end) {
  const uint32_t before = lost_bytes_;
  MakeRoomToCut();
  FlightRange* first = nullptr;
  FlightRange* range = Find(start);
  while (range != nullptr && range->start.Before(end)) {
    FlightRange* part = range;
    if (range->fate == FlightFate::kInFlight) {
      bool exact;  // if not, too much is sent again
      part = CutOut(range, start, end, &exact);
      SetFate(part, FlightFate::kLost);
    }
    if (first == nullptr) first = part;
    range = ranges_.Next(part);
  }
  if (first != nullptr) Join(first, end);
  return lost_bytes_ - before;
}

void Flight::MarkAllLost() {
  if (empty()) return;
  MarkLost(ranges_.front()->start, ranges_.back()->end);
}

void Flight::UnmarkLost() {
  for (FlightRange& range : ranges_) {
    if (range.fate == FlightFate::kLost) {
      SetFate(&range, FlightFate::kInFlight);
    }
  }
}

void Flight::ForgetSacked() {
  for (FlightRange& range : ranges_) {
    if (range.fate != FlightFate::kSacked) continue;
    SetFate(&range, FlightFate::kInFlight);
    range.copies = FlightCopies::kSeveral;
  }
}

void Flight::Clear() {
  while (FlightRange* range = ranges_.front()) Free(range);
  total_bytes_ = sacked_bytes_ = lost_bytes_ = 0;
}

const FlightRange* Flight::FirstLost() const {
  if (lost_bytes_ == 0) return nullptr;
  const FlightRange* range = front();
  while (range != nullptr && range->fate != FlightFate::kLost) {
    range = Next(range);
  }
  return range;
}

bool Flight::HighestSacked(SeqNum* end) const {
  if (sacked_bytes_ == 0) return false;
  const FlightRange* range = back();
  while (range->fate != FlightFate::kSacked) range = Previous(range);
  *end = range->end;
  return true;
}

}  // namespace chimney::tcp
