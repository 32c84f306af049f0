// SPDX-License-Identifier: BSD-3-Clause
// What is known of each byte between SND.UNA and SND.MAX: when it was last
// sent and what became of it (RFC 2018, RFC 6675 and RFC 8985 all need a part
// of this). Adjacent bytes with one history share one range, so that a burst of
// segments is one range and a connection at rest has none.
#ifndef CHIMNEY_TCP_FLIGHT_H_
#define CHIMNEY_TCP_FLIGHT_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/intrusive_list.h"
#include "base/seq.h"
#include "base/slab.h"
#include "base/time.h"

namespace chimney::tcp {

enum class FlightFate : uint8_t {
  kInFlight,  // believed to be in the network
  kSacked,    // the peer holds it out of order
  kLost,      // to be sent again
};

// How often bytes were sent. Karn: an ACK of several copies is no sample.
enum class FlightCopies : uint8_t {
  kOne,
  kSeveral,
  kUnknown,  // by whom had the connection before, before sent_at
};

struct FlightRange : ListNode<> {
  SeqNum start;
  SeqNum end;
  Instant sent_at;  // last transmission
  FlightFate fate = FlightFate::kInFlight;
  FlightCopies copies = FlightCopies::kOne;

  uint32_t bytes() const { return end.BytesFrom(start); }
};

// What one acknowledgement told, in cumulative and selective terms together.
struct Delivery {
  // The last sent of the bytes delivered.
  struct Latest {
    bool any = false;
    Instant sent_at;
    SeqNum end;
  };
  uint32_t acked_bytes = 0;   // newly, that had not been SACKed
  uint32_t sacked_bytes = 0;  // newly
  Latest once;                // of what was sent once
  Latest resent;              // of what was sent again
  Latest imported;            // of what others had sent
  bool any = false;
  SeqNum highest_end;
  bool any_once = false;
  SeqNum lowest_once_end;

  uint32_t bytes() const { return acked_bytes + sacked_bytes; }
};

// Sent earlier, or in the same instant and before (RFC 8985 RACK_sent_after).
inline bool SentAfter(Instant at, SeqNum end, Instant other_at,
                      SeqNum other_end) {
  return at > other_at || (at == other_at && end.After(other_end));
}

// One owner thread. A range that would need memory that is not there is not
// made: then less is known. What the peer reported is forgotten, and a history
// gets the time of a younger one; but what is to be sent again and what was are
// always told apart, for which the ranges that are always there suffice.
class Flight {
 public:
  // A peer that acknowledges single bytes costs no more than this, and no more
  // than there are left for others.
  static constexpr size_t kMaxRanges = 1024;

  Flight() = default;
  ~Flight() { Clear(); }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  // Where further ranges come from: outlives what is in it, or null. Only while
  // the flight is empty.
  void UseStore(Slab<FlightRange>* store) { store_ = store; }

  // [start, end) left for the first time; `start` is where the flight ends, or
  // anything if it is empty.
  void Send(SeqNum start, SeqNum end, Instant now);
  // The same, some time before `now`, and nobody knows how often.
  void Import(SeqNum start, SeqNum end, Instant now);
  // [start, end), part of the flight, left once more.
  void Resend(SeqNum start, SeqNum end, Instant now);
  // Everything below `una` was acknowledged.
  void Acknowledge(SeqNum una, Delivery* delivery);
  // The peer holds [start, end), which lies within the flight.
  void Sack(SeqNum start, SeqNum end, Delivery* delivery);
  // What of [start, end) was in flight is lost. Returns those bytes.
  uint32_t MarkLost(SeqNum start, SeqNum end);
  // Asks `judge` about each range in flight, from SND.UNA on, until it says
  // kEnough.
  enum class Verdict : uint8_t { kSpare, kLost, kEnough };
  template <typename Judge>
  void MarkLostIf(Judge judge) {
    bool changed = false;
    for (FlightRange& range : ranges_) {
      if (range.fate != FlightFate::kInFlight) continue;
      const Verdict verdict = judge(range);
      if (verdict == Verdict::kEnough) break;
      if (verdict == Verdict::kSpare) continue;
      SetFate(&range, FlightFate::kLost);
      changed = true;
    }
    if (changed) Join(ranges_.front(), ranges_.back()->end);
  }
  // Everything that the peer is not known to hold is lost.
  void MarkAllLost();
  // What was thought lost was only late.
  void UnmarkLost();
  // What was SACKed is in flight again (RFC 2018 section 8).
  void ForgetSacked();
  void Clear();

  bool empty() const { return count_ == 0; }
  size_t range_count() const { return count_; }
  uint32_t sacked_bytes() const { return sacked_bytes_; }
  uint32_t lost_bytes() const { return lost_bytes_; }
  uint32_t in_flight_bytes() const {
    return total_bytes_ - sacked_bytes_ - lost_bytes_;
  }
  uint32_t total_bytes() const { return total_bytes_; }

  // In order; nullptr at the end.
  const FlightRange* front() const { return Readable().front(); }
  const FlightRange* back() const { return Readable().back(); }
  const FlightRange* Next(const FlightRange* range) const {
    return Readable().Next(const_cast<FlightRange*>(range));
  }
  const FlightRange* Previous(const FlightRange* range) const {
    return Readable().Previous(const_cast<FlightRange*>(range));
  }
  // The first range that is lost; nullptr if none.
  const FlightRange* FirstLost() const;
  // One past the highest byte that is SACKed; false if none is.
  bool HighestSacked(SeqNum* end) const;

 private:
  using List = IntrusiveList<FlightRange>;
  List& Readable() const { return const_cast<List&>(ranges_); }

  void Append(SeqNum start, SeqNum end, Instant now, FlightCopies copies);
  // Ranges that there is memory for.
  size_t Room() const;
  // Joins what differs little, the youngest first, until a range can be cut.
  void MakeRoomToCut();
  // The same, without long searches: peers report as they like.
  void MakeRoomToReport();
  // Joins the last two neighbours of one fate. False if there are none.
  bool JoinYoungest(size_t max_steps);
  // One range less, at the price of times, and of reports if it must be. False
  // if there is nothing left to give up.
  bool Coarsen();
  FlightRange* Allocate();
  void Free(FlightRange* range);
  void SetFate(FlightRange* range, FlightFate fate);
  // Cuts `range` in front of `at`, inside it: returns the part from `at` on,
  // nullptr if there is no memory.
  FlightRange* Split(FlightRange* range, SeqNum at);
  // The part of `range` within [start, end). Without memory for that it is more
  // than this part, and *exact false.
  FlightRange* CutOut(FlightRange* range, SeqNum start, SeqNum end,
                      bool* exact);
  // The first range that ends behind `seq`, looked for from the end.
  FlightRange* Find(SeqNum seq);
  // Joins neighbours with one history from the one before `first` up to the
  // first that starts behind `end`.
  void Join(FlightRange* first, SeqNum end);
  void JoinWithNext(FlightRange* range, FlightRange* next);
  void JoinInFlight(FlightRange* range, FlightRange* next);
  void Absorb(SeqNum end, Instant now);
  // No memory to tell [start of the flight, end), sent again, from the rest:
  // all else that is known goes.
  void Collapse(SeqNum end, Instant now);
  static void Note(const FlightRange& range, SeqNum end, Delivery* delivery);

  List ranges_;
  uint32_t total_bytes_ = 0;
  uint32_t sacked_bytes_ = 0;
  uint32_t lost_bytes_ = 0;
  uint16_t count_ = 0;
  std::array<bool, 2> own_used_{};
  Slab<FlightRange>* store_ = nullptr;
  // So that a request in flight, and its repair, need no other memory.
  std::array<FlightRange, 2> own_;
};

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_FLIGHT_H_
