// SPDX-License-Identifier: BSD-3-Clause
// One DPDK port from its device arguments to its closing. Opened, configured
// and closed by the main thread; its queues belong to the workers in between.
#ifndef CHIMNEY_DPDKIO_PORT_H_
#define CHIMNEY_DPDKIO_PORT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "dpdkio/port_capabilities.h"
#include "dpdkio/tap_writer.h"
#include "dpdkio/transmit_queue.h"

struct rte_mempool;

namespace chimney::dpdkio {

struct PortQueueOptions {
  // One receive and one transmit queue for each pool.
  std::span<rte_mempool* const> pools;
  uint16_t rx_descriptors = 2048;
  uint16_t tx_descriptors = 2048;
};

// What a port has counted since it was opened.
struct PortStatistics {
  uint64_t frames_in = 0;
  uint64_t frames_out = 0;
  uint64_t missed_in = 0;  // arrived when the receive queues were full
  uint64_t errors_in = 0;
  uint64_t errors_out = 0;
  uint64_t mbufs_empty = 0;  // arrived when no mbuf was left
};

class Port {
 public:
  // The port that EAL made of these arguments, for frames of that MTU. nullptr
  // and a message if there is none, or its limit is lower. Also refused: a
  // kernel interface behind the port whose MTU lets longer frames arrive than
  // the port can take whole.
  static std::unique_ptr<Port> Open(const std::string& device_args,
                                    uint32_t mtu_bytes, std::string* error);
  // Stops and closes. No queue is in use any more.
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  uint16_t id() const { return id_; }
  const PortCapabilities& capabilities() const { return capabilities_; }

  // Sets the queues up and starts. False with a message on failure.
  bool Start(const PortQueueOptions& options, std::string* error);
  bool LinkIsUp() const;
  // Any thread; all zeros where the driver does not count.
  PortStatistics Statistics() const;

  // Once started: of a queue of this port.
  TransmitQueueOptions TransmitOptions(uint16_t queue) const;

 private:
  Port(std::string device_args, uint16_t id, uint32_t mtu_bytes)
      : device_args_(std::move(device_args)), id_(id), mtu_bytes_(mtu_bytes) {}

  bool CheckMtu(std::string* error) const;
  bool Configure(uint16_t queues, std::string* error);
  bool ReceiveEverything(std::string* error);
  bool SetUpTap(std::string* error);
  bool SetUpQueues(const PortQueueOptions& options, std::string* error);
  // "wire port net_tap0: <what>: <why>".
  std::string Failure(const std::string& what, int result) const;

  const std::string device_args_;
  const uint16_t id_;
  const uint32_t mtu_bytes_;
  PortCapabilities capabilities_;
  bool started_ = false;
  std::unique_ptr<TapWriter> tap_;  // of a tap port with a large MTU
};

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_PORT_H_
