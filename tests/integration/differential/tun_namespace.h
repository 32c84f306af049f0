// SPDX-License-Identifier: BSD-3-Clause
// A network namespace with a kernel in it and nothing else: whatever its kernel
// sends comes out of a TUN device, and what is written there arrives.
#ifndef CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_TUN_NAMESPACE_H_
#define CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_TUN_NAMESPACE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chimney::differential {

// True if this process may make namespaces; otherwise why not.
bool CanMakeNamespaces(std::string* why_not);

class TunNamespace {
 public:
  TunNamespace() = default;
  ~TunNamespace();
  TunNamespace(const TunNamespace&) = delete;
  TunNamespace& operator=(const TunNamespace&) = delete;

  // Moves the calling thread into a fresh namespace, for good. The kernel has
  // 10.99.0.1/24 and fd99::1/64. Empty, or why it failed.
  std::string Make(uint32_t mtu_bytes);
  // A file below /proc/sys/net/ipv4 of this namespace.
  std::string SetSysctl(std::string_view name, int64_t value);
  // Metrics of the route to the peers, as `ip route` names them.
  std::string SetRouteMetrics(bool ipv6, const std::string& metrics);

  // One packet of the kernel, empty if there is none.
  std::vector<uint8_t> Read();
  // Waits for one, at most so long. False if none came.
  bool Wait(int64_t nanos);
  std::string Write(const std::vector<uint8_t>& packet);

 private:
  int tun_ = -1;
};

}  // namespace chimney::differential

#endif  // CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_TUN_NAMESPACE_H_
