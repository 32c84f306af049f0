// SPDX-License-Identifier: BSD-3-Clause
// Two network namespaces joined by a veth pair, for tests of the kernel room.
// They have no name and vanish with the process, however it ends.
#ifndef CHIMNEY_TESTS_INTEGRATION_KERNEL_NAMESPACE_PAIR_H_
#define CHIMNEY_TESTS_INTEGRATION_KERNEL_NAMESPACE_PAIR_H_

#include <string>

#include "base/inet_address.h"

namespace chimney::kernel {

// True if the tests may run; otherwise the reason is in *why_not.
bool CanMakeNamespaces(std::string* why_not);

class NamespacePair {
 public:
  enum class Side { kHost, kPeer };

  // Leaves the calling thread in the host's namespace. Interface "host0" with
  // 10.99.0.1/24 and fd99::1/64, "peer0" with .2 and ::2. Aborts the test
  // program if the machine cannot do it.
  NamespacePair();
  ~NamespacePair();  // back to the namespace the thread came from
  NamespacePair(const NamespacePair&) = delete;
  NamespacePair& operator=(const NamespacePair&) = delete;

  // Moves the calling thread; sockets opened from now on belong there.
  void Enter(Side side);
  // Runs a shell command in that namespace; true if it exits 0.
  bool Run(Side side, const std::string& command);
  // While on, the peer's kernel drops all TCP that arrives: what the host sends
  // stays unacknowledged, what the peer sends goes through.
  void DropTowardsPeer(bool on);
  // While on, the peer's kernel sends no TCP: as if it were parked, as it is
  // by a daemon. A segment that meets the moment between two connects of a
  // hand-over would find no socket and be answered by a reset.
  void DropFromPeer(bool on);

  int host_interface() const { return host_interface_; }
  int peer_interface() const { return peer_interface_; }
  const MacAddress& host_mac() const { return host_mac_; }
  const MacAddress& peer_mac() const { return peer_mac_; }

 private:
  int NamespaceFd(Side side) const;
  void DropTcpInPeer(const std::string& hook, bool on);

  int original_fd_ = -1;
  int host_fd_ = -1;
  int peer_fd_ = -1;
  int host_interface_ = 0;
  int peer_interface_ = 0;
  MacAddress host_mac_;
  MacAddress peer_mac_;
};

}  // namespace chimney::kernel

#endif  // CHIMNEY_TESTS_INTEGRATION_KERNEL_NAMESPACE_PAIR_H_
