// SPDX-License-Identifier: BSD-3-Clause
// What an image means in the kernel's own counting, checked before anything is
// touched. Pure. Internal to the room.
#ifndef CHIMNEY_KERNEL_RESTORE_PLAN_H_
#define CHIMNEY_KERNEL_RESTORE_PLAN_H_

#include <cstddef>

#include "base/seq.h"
#include "kernel/inject_plan.h"
#include "kernel/kernel_error.h"
#include "kernel/socket_image.h"

namespace chimney::kernel {

struct RestorePlan {
  InjectPlan inject;
  // Where the kernel's send queue begins: SND.UNA, but below our FIN even if it
  // was acknowledged, since the kernel has to queue it.
  SeqNum snd_una;
  // The kernel's RCV.NXT: below the peer's FIN, which is injected.
  SeqNum rcv_nxt;
  size_t sent_bytes = 0;  // of send_bytes: these count as sent
};

// kBadImage if the numbers of the image contradict each other or its state
// cannot be restored.
KernelError PlanRestore(const SocketImage& image, RestorePlan* plan);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_RESTORE_PLAN_H_
