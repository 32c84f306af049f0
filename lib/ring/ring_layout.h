// SPDX-License-Identifier: BSD-3-Clause
// Where the fields of struct rte_ring lie in this build. DPDK's LTS releases
// differ, and a session's rings are shared by two programs built apart: the
// hello compares these numbers (design D5).
#ifndef CHIMNEY_RING_RING_LAYOUT_H_
#define CHIMNEY_RING_RING_LAYOUT_H_

#include "abi/hello.h"

namespace chimney::ring {

abi::RingLayout ThisBuildsRingLayout();

}  // namespace chimney::ring

#endif  // CHIMNEY_RING_RING_LAYOUT_H_
