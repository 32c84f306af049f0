// SPDX-License-Identifier: BSD-3-Clause
// The netlink sockets of one network namespace, kept: to open, bind and close
// one costs more than most questions (6 us against 1 to 3).
#ifndef CHIMNEY_KERNEL_NETLINK_SOCKETS_H_
#define CHIMNEY_KERNEL_NETLINK_SOCKETS_H_

#include <array>
#include <cstddef>
#include <cstdint>

struct mnl_socket;

namespace chimney::kernel {

// One thread at a time.
class NetlinkSockets {
 public:
  // Opens one socket for each bus that this room asks, in the namespace of the
  // calling thread: from now on the number of open descriptors stays the same.
  NetlinkSockets();
  ~NetlinkSockets();
  NetlinkSockets(const NetlinkSockets&) = delete;
  NetlinkSockets& operator=(const NetlinkSockets&) = delete;

  // The socket of that bus, opened again if it was dropped, in the namespace
  // that the calling thread is in by then. nullptr with errno if the kernel has
  // no such bus. It stays this object's.
  mnl_socket* Get(int bus);
  // After an answer that was not read to its end.
  void Drop(int bus);
  // A number that no earlier request on these sockets had.
  uint32_t NextSequence() { return ++last_sequence_; }

 private:
  static constexpr size_t kBusCount = 4;
  std::array<mnl_socket*, kBusCount> sockets_{};
  uint32_t last_sequence_ = 0;
};

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_NETLINK_SOCKETS_H_
