// SPDX-License-Identifier: BSD-3-Clause
// What the daemon was told to be: every flag, parsed and proved, immutable from
// here on. Built once by ReadConfig (flags.h) before anything is touched.
#ifndef CHIMNEY_DAEMON_CONFIG_H_
#define CHIMNEY_DAEMON_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "tcp/parameters.h"

namespace chimney::daemon {

enum class HugeMode : uint8_t { kOff, kOn, kAuto };
// How a worker core spends turns without work.
enum class IdleMode : uint8_t {
  kPoll,      // spins: lowest latency, the core is gone
  kAdaptive,  // spins a while, then short sleeps bounded by the next deadline
};
// How received bytes reach sessions (design D6).
enum class ReceiveMode : uint8_t { kLend, kCopy };
enum class Profile : uint8_t { kLinux, kChimney };

struct Config {
  // Ports, as EAL takes them after --vdev= or -a.
  std::string wire_port;
  std::string host_port;
  // The kernel interface behind the host port.
  std::string host_interface;
  uint32_t mtu_bytes = 1500;  // largest IP datagram on both ports

  // Cores. One worker for each entry, in order.
  std::vector<uint32_t> worker_cores;
  uint32_t control_core = 0;
  IdleMode idle = IdleMode::kAdaptive;

  // Memory.
  HugeMode huge = HugeMode::kAuto;
  uint32_t mbuf_count = 0;
  uint32_t rx_descriptors = 0;
  uint32_t tx_descriptors = 0;
  uint32_t zero_copy_threshold_bytes = 0;

  // Sessions.
  std::string socket_path;
  uint32_t socket_mode = 0666;
  uint32_t max_sessions = 0;
  uint32_t max_sessions_per_uid = 0;
  uint32_t max_connections = 0;  // of all workers together
  uint32_t max_connections_per_uid = 0;
  uint64_t session_arena_bytes = 0;    // default and upper limit of a wish
  uint64_t session_receive_bytes = 0;  // all lanes together
  uint32_t session_ring_entries = 0;   // power of two
  uint32_t chunk_bytes = 0;
  bool allow_raw = false;
  ReceiveMode rx_mode = ReceiveMode::kCopy;

  // Hand-over.
  Duration hold_timeout;
  Duration fence_timeout;
  // How long SIGTERM's upload of everything may take before it is given up.
  Duration drain_timeout;
  uint32_t max_parked_per_flow = 0;
  uint32_t max_parked_frames = 0;

  Profile profile = Profile::kLinux;
  tcp::Parameters parameters;
};

// One "name = value" line each, for the log at start.
std::string ConfigText(const Config& config);

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_CONFIG_H_
