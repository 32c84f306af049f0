// SPDX-License-Identifier: BSD-3-Clause
// DPDK and the two ports, from the configuration to frames that can flow.
#ifndef CHIMNEY_DAEMON_PORT_PAIR_H_
#define CHIMNEY_DAEMON_PORT_PAIR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/frame_port.h"
#include "daemon/host_interface.h"
#include "dpdkio/eal.h"
#include "dpdkio/mempools.h"
#include "dpdkio/port.h"

namespace chimney::daemon {

class PortPair {
 public:
  // nullptr and a sentence for people on failure. The calling thread is pinned
  // to the control core's CPU.
  static std::unique_ptr<PortPair> Start(const Config& config,
                                         std::string* error);

  // The queues of one worker on both ports.
  PortSide WireSide(uint32_t worker) const;
  PortSide HostSide(uint32_t worker) const;
  HostInterfaceInfo host_interface() const;
  uint32_t mtu_bytes() const { return mtu_bytes_; }
  uint32_t mbuf_count() const { return mbuf_count_; }

 private:
  explicit PortPair(const Config& config) : config_(config) {}

  void DecideSizes();
  PortNumbers Numbers() const;
  bool StartEal(std::string* error);
  bool CreatePools(std::string* error);
  bool StartPorts(std::string* error);
  PortSide SideOf(const dpdkio::Port& port,
                  const std::vector<rte_mempool*>& pools,
                  uint32_t worker) const;
  uint64_t PoolBytes() const;
  bool SharesPools() const;

  const Config& config_;
  std::string wire_device_;
  std::string host_device_;
  uint32_t mtu_bytes_ = 0;
  uint32_t mbuf_count_ = 0;  // of each pool
  uint32_t wire_room_bytes_ = 0;
  uint32_t host_room_bytes_ = 0;

  std::unique_ptr<dpdkio::Eal> eal_;
  std::vector<dpdkio::Mempool> pools_;
  // By worker; the same ones where both ports can receive into them.
  std::vector<rte_mempool*> wire_pools_;
  std::vector<rte_mempool*> host_pools_;
  std::unique_ptr<dpdkio::Port> wire_;
  std::unique_ptr<dpdkio::Port> host_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_PORT_PAIR_H_
