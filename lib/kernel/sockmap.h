// SPDX-License-Identifier: BSD-3-Clause
// Whether a socket is in a BPF sockmap or sockhash, whose programs would go on
// redirecting its data behind our back.
#ifndef CHIMNEY_KERNEL_SOCKMAP_H_
#define CHIMNEY_KERNEL_SOCKMAP_H_

#include <cstdint>
#include <vector>

#include "kernel/kernel_error.h"

namespace chimney::kernel {

// The kernel does not say it of a socket, so the maps are asked. One thread at
// a time.
class SockmapSearch {
 public:
  // kSockmap if any map of the system holds the socket. Costs a system call for
  // each map of another kind and a few for each that was not there the last
  // time. Without the right to enumerate BPF maps (CAP_SYS_ADMIN) nothing is
  // found.
  KernelError Check(int fd);

 private:
  // Maps of other kinds that were there the last time, in ascending order. The
  // kernel gives an id again only after two billion others.
  std::vector<uint32_t> other_maps_;
};

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_SOCKMAP_H_
