// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/receive.h"

#include <rte_ether.h>

namespace chimney::dpdkio {

uint16_t RestoreVlanTags(std::span<rte_mbuf*> frames) {
  uint16_t kept = 0;
  for (rte_mbuf* frame : frames) {
    if ((frame->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) {
      if (rte_vlan_insert(&frame) != 0) {
        rte_pktmbuf_free(frame);
        continue;
      }
      frame->ol_flags &= ~(RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED);
    }
    frames[kept++] = frame;
  }
  return kept;
}

}  // namespace chimney::dpdkio
