// SPDX-License-Identifier: BSD-3-Clause
// Pacing: a window spread over its round trip instead of a burst (RFC 9438
// section 4.10 and RFC 8985 section 6 advise it, RFC 5681 allows it). Off
// unless Parameters::pacing says so; the wire may do it better.
#ifndef CHIMNEY_TCP_PACING_H_
#define CHIMNEY_TCP_PACING_H_

#include <cstdint>

#include "base/time.h"
#include "tcp/tcb.h"

namespace chimney::tcp {

// Bytes a second at which a window leaves; 0 while no round trip is known. For
// a wire that paces by itself.
uint64_t PacingRate(const Tcb& tcb);
// `bytes` of payload left: what comes next waits, if it has to.
void NotePaced(Tcb& tcb, Instant now, uint32_t bytes);

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_PACING_H_
