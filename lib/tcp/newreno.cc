// SPDX-License-Identifier: BSD-3-Clause
// RFC 5681 section 3.1 with the byte counting of RFC 3465.
#include <algorithm>

#include "tcp/congestion_control.h"

namespace chimney::tcp {

uint32_t CutNewReno(const Tcb& tcb) {
  return std::min(tcb.snd.cwnd, tcb.snd.wnd) / 2;
}

void GrowNewReno(Tcb& tcb, uint32_t acked) {
  SendState& snd = tcb.snd;
  const uint32_t counted =
      std::min(acked, tcb.params().byte_counting_limit * snd.mss);
  const uint64_t step = static_cast<uint64_t>(snd.mss) * counted / snd.cwnd;
  snd.cwnd += static_cast<uint32_t>(std::max<uint64_t>(step, 1));
}

}  // namespace chimney::tcp
