// SPDX-License-Identifier: BSD-3-Clause
// Setting up and emptying a control block.
#include "tcp/tcb.h"

#include "tcp/receive_buffer.h"
#include "tcp/timers.h"

namespace chimney::tcp {

void Prepare(Tcb& tcb, const Parameters* params, const ConnectionStore* store,
             bool ipv6, uint32_t path_mtu_bytes) {
  tcb.params = params;
  tcb.store = store;
  tcb.ipv6 = ipv6;
  tcb.path_mtu_bytes = path_mtu_bytes;
  tcb.flight.UseStore(store->flight_ranges);
}

void Discard(Tcb& tcb) {
  FreeFragments(tcb, tcb.rcv.queue);
  FlushOutOfOrder(tcb);
  ReleaseWriteChunk(tcb);
  StopAllTimers(tcb);
  tcb.flight.Clear();
  tcb.rcv.unread_bytes = 0;
  tcb.rcv.ack_now = false;
  tcb.connection_state = ConnectionState::kClosed;
}

}  // namespace chimney::tcp
