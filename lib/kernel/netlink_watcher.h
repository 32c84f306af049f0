// SPDX-License-Identifier: BSD-3-Clause
// What changes in the kernel's neighbors, links, addresses and routes, as
// values from a pollable descriptor. One thread.
#ifndef CHIMNEY_KERNEL_NETLINK_WATCHER_H_
#define CHIMNEY_KERNEL_NETLINK_WATCHER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/inet_address.h"
#include "kernel/kernel_error.h"
#include "kernel/link.h"
#include "kernel/neighbor.h"

namespace chimney::kernel {

struct NetlinkChange {
  enum class Kind : uint8_t {
    kNeighbor,        // `neighbor`: new or changed
    kNeighborGone,    // `neighbor`: its entry was removed
    kLink,            // `link`: new or changed
    kLinkGone,        // `link`
    kAddressAdded,    // `interface_index`, `address`
    kAddressRemoved,  // the same
    kRoute,           // some route or rule of the main paths changed: ask again
    // The kernel dropped messages because we were slow: everything may have
    // changed.
    kOverrun,
  };
  Kind kind = Kind::kOverrun;
  NeighborInfo neighbor;
  LinkInfo link;
  int interface_index = 0;
  IpAddress address;
};

class NetlinkWatcher {
 public:
  // Watches the calling thread's network namespace.
  static KernelError Open(std::unique_ptr<NetlinkWatcher>* watcher);
  ~NetlinkWatcher();
  NetlinkWatcher(const NetlinkWatcher&) = delete;
  NetlinkWatcher& operator=(const NetlinkWatcher&) = delete;

  // Readable when there are changes.
  int fd() const;

  // Appends what has happened since the last call, oldest first; does not
  // block. Malformed messages are skipped.
  KernelError Read(std::vector<NetlinkChange>* changes);

 private:
  class Socket;
  explicit NetlinkWatcher(std::unique_ptr<Socket> socket);
  std::unique_ptr<Socket> socket_;
};

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_NETLINK_WATCHER_H_
