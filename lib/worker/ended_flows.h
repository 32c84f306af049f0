// SPDX-License-Identifier: BSD-3-Clause
// Connections that both sides had closed when the kernel got them back. An
// answer of the peer that is still on its way then (it answers every copy of
// our FIN) finds no socket any more, and the kernel would reset a peer that has
// done nothing but wait for the end of TIME_WAIT.
#ifndef CHIMNEY_WORKER_ENDED_FLOWS_H_
#define CHIMNEY_WORKER_ENDED_FLOWS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/inet_address.h"
#include "base/seq.h"
#include "base/time.h"
#include "packet/segment.h"

namespace chimney::worker {

// The most recent ones: a place for each hash, so that a look costs the same
// whatever ends. One owner thread.
class EndedFlows {
 public:
  // The longest that an answer may be late.
  static constexpr Duration kLifetime = Duration::Seconds(10);

  EndedFlows() : places_(kPlaces) {}

  // `end` is what the peer's last answers acknowledge: SND.MAX, FIN included.
  void Add(Instant now, uint64_t hash, const FlowTuple& tuple, SeqNum end) {
    places_[hash % kPlaces] = {tuple, end, now + kLifetime};
    last_until_ = now + kLifetime;
  }
  bool empty(Instant now) const { return now >= last_until_; }

  // Whether a frame of the host is the reset that such an answer is given when
  // it finds no socket: it has the number that was acknowledged (RFC 9293
  // section 3.10.7.1).
  bool IsLateReset(Instant now, uint64_t hash, const FlowTuple& tuple,
                   const packet::Segment& segment) const {
    if (!segment.flags.rst() || segment.flags.ack()) return false;
    const Place& place = places_[hash % kPlaces];
    return now < place.until && place.tuple == tuple &&
           segment.seq == place.end;
  }

 private:
  static constexpr size_t kPlaces = 1024;
  struct Place {
    FlowTuple tuple;
    SeqNum end;
    Instant until;
  };
  std::vector<Place> places_;
  Instant last_until_;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_ENDED_FLOWS_H_
