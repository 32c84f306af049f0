// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/config.h"

#include <cstdio>

#include "daemon/cpu_list.h"
#include "daemon/parameter_flags.h"

namespace chimney::daemon {

namespace {

const char* HugeModeName(HugeMode mode) {
  switch (mode) {
    case HugeMode::kOff:
      return "off";
    case HugeMode::kOn:
      return "on";
    case HugeMode::kAuto:
      return "auto";
  }
  return "?";
}

std::string Octal(uint32_t mode) {
  char text[16];
  snprintf(text, sizeof(text), "%04o", mode);
  return text;
}

// Collects "name = value" lines.
class Lines {
 public:
  void Add(const char* name, const std::string& value) {
    text_ += std::string(name) + " = " + value + "\n";
  }
  void Add(const char* name, uint64_t value) {
    Add(name, std::to_string(value));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

std::string ConfigText(const Config& config) {
  constexpr uint64_t kMebibyte = 1u << 20;
  Lines lines;
  lines.Add("wire_port", config.wire_port);
  lines.Add("host_port", config.host_port);
  lines.Add("host_interface", config.host_interface);
  lines.Add("mtu", config.mtu_bytes);
  lines.Add("worker_cores", CpuListText(config.worker_cores));
  lines.Add("control_core", config.control_core);
  lines.Add("idle", config.idle == IdleMode::kPoll ? "poll" : "adaptive");
  lines.Add("huge", HugeModeName(config.huge));
  lines.Add("mbuf_count", config.mbuf_count);
  lines.Add("rx_descriptors", config.rx_descriptors);
  lines.Add("tx_descriptors", config.tx_descriptors);
  lines.Add("zero_copy_threshold_bytes", config.zero_copy_threshold_bytes);
  lines.Add("socket", config.socket_path);
  lines.Add("socket_mode", Octal(config.socket_mode));
  lines.Add("max_sessions", config.max_sessions);
  lines.Add("max_sessions_per_uid", config.max_sessions_per_uid);
  lines.Add("max_connections", config.max_connections);
  lines.Add("max_connections_per_uid", config.max_connections_per_uid);
  lines.Add("session_arena_mb", config.session_arena_bytes / kMebibyte);
  lines.Add("session_receive_mb", config.session_receive_bytes / kMebibyte);
  lines.Add("session_ring_entries", config.session_ring_entries);
  lines.Add("chunk_bytes", config.chunk_bytes);
  lines.Add("allow_raw", config.allow_raw ? "true" : "false");
  lines.Add("rx_mode", config.rx_mode == ReceiveMode::kCopy ? "copy" : "lend");
  lines.Add("hold_timeout_ms",
            static_cast<uint64_t>(config.hold_timeout.millis()));
  lines.Add("fence_timeout_us",
            static_cast<uint64_t>(config.fence_timeout.micros()));
  lines.Add("drain_timeout_ms",
            static_cast<uint64_t>(config.drain_timeout.millis()));
  lines.Add("max_parked_per_flow", config.max_parked_per_flow);
  lines.Add("max_parked_frames", config.max_parked_frames);
  lines.Add("profile", config.profile == Profile::kLinux ? "linux" : "chimney");
  return lines.text() + ParametersText(config.parameters);
}

}  // namespace chimney::daemon
