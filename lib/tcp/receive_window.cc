// SPDX-License-Identifier: BSD-3-Clause
// The window we advertise: never takes back what was offered, opens in steps
// worth a segment (RFC 9293 sections 3.8.6 and 3.8.6.2.2).
#include <algorithm>
#include <cstdint>

#include "tcp/congestion.h"
#include "tcp/output.h"

namespace chimney::tcp {
namespace {

uint32_t Shift(const Tcb& tcb) {
  return tcb.constant.window_scaling_enabled ? tcb.constant.rcv_wind_scale : 0;
}

// What the peer may use of the memory that is left. Connections share it, so
// that each is offered a part of the rest and the rest never runs out at once:
// what was offered and finds no memory would be lost.
uint32_t MemoryShare(const Tcb& tcb) {
  const ChunkPool& chunks = *tcb.store->chunks;
  const uint64_t left = uint64_t{chunks.free_count()} * chunks.chunk_bytes();
  return static_cast<uint32_t>(std::min<uint64_t>(left / 2, UINT32_MAX));
}

// The window that memory allows, in whole units of the scale.
uint32_t FreeBytes(const Tcb& tcb) {
  const uint32_t limit = tcb.cached.initial_rcv_wnd;
  const uint32_t unread = tcb.rcv.unread_bytes;
  const uint32_t free =
      limit > unread ? std::min(limit - unread, MemoryShare(tcb)) : 0;
  return std::min(free >> Shift(tcb), 0xFFFFu) << Shift(tcb);
}

// Below this an opening is not worth telling.
uint32_t WorthTelling(const Tcb& tcb) {
  return std::max(1u, std::min(tcb.cached.initial_rcv_wnd / 2, BaseMss(tcb)));
}

}  // namespace

uint16_t AdvertiseWindow(Tcb& tcb) {
  ReceiveState& rcv = tcb.rcv;
  const uint32_t shift = Shift(tcb);
  const uint32_t offered = rcv.edge.BytesFrom(rcv.nxt);
  const uint32_t free = FreeBytes(tcb);
  if (free >= offered + WorthTelling(tcb)) {
    rcv.edge = rcv.nxt + free;
    return static_cast<uint16_t>(free >> shift);
  }
  // Scaling would cut off up to a unit of what was offered: round up, so that
  // the edge stays where the peer saw it (RFC 7323 section 2.4). But while the
  // application reads nothing, rounding up again and again must not admit
  // more than memory allows.
  const bool round_up = rcv.unread_bytes < tcb.cached.initial_rcv_wnd;
  const uint32_t unit = (1u << shift) - 1;
  const uint32_t raw =
      std::min((offered + (round_up ? unit : 0)) >> shift, 0xFFFFu);
  rcv.edge = Later(rcv.edge, rcv.nxt + (raw << shift));
  return static_cast<uint16_t>(raw);
}

bool WindowUpdateDue(const Tcb& tcb) {
  if (tcb.rcv.fin_received) return false;
  const uint32_t offered = tcb.rcv.edge.BytesFrom(tcb.rcv.nxt);
  const uint32_t free = FreeBytes(tcb);
  // While the peer has half the window left, the next ACK tells it in time.
  return free >= offered + WorthTelling(tcb) && free / 2 >= offered &&
         offered < tcb.cached.initial_rcv_wnd / 2;
}

}  // namespace chimney::tcp
