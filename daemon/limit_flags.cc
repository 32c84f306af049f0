// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/limit_flags.h"

#include <gflags/gflags.h>

#include <bit>

#define CHIMNEY_LIMIT(flag, preset, lowest, highest, text) \
  DEFINE_int64(flag, preset, text);
#include "daemon/limit_flags.def"
#undef CHIMNEY_LIMIT

namespace chimney::daemon {

namespace {

bool CheckRanges(std::string* error) {
  struct Limit {
    const char* name;
    int64_t value;
    int64_t lowest;
    int64_t highest;
  };
  const Limit limits[] = {
#define CHIMNEY_LIMIT(flag, preset, lowest, highest, text) \
  {#flag, FLAGS_##flag, lowest, highest},
#include "daemon/limit_flags.def"
#undef CHIMNEY_LIMIT
  };
  for (const Limit& limit : limits) {
    if (limit.value >= limit.lowest && limit.value <= limit.highest) continue;
    *error = std::string("--") + limit.name + ": " +
             std::to_string(limit.value) + " is not between " +
             std::to_string(limit.lowest) + " and " +
             std::to_string(limit.highest);
    return false;
  }
  return true;
}

bool CheckShapes(std::string* error) {
  if (FLAGS_mtu != 0 && FLAGS_mtu < 1280) {
    *error = "--mtu: " + std::to_string(FLAGS_mtu) +
             " is below 1280, which IPv6 needs";
    return false;
  }
  if (FLAGS_mbuf_count != 0 && FLAGS_mbuf_count < 8192) {
    *error = "--mbuf_count: " + std::to_string(FLAGS_mbuf_count) +
             " is below 8192, which the ports' rings need";
    return false;
  }
  if (!std::has_single_bit(static_cast<uint64_t>(FLAGS_session_ring_entries))) {
    *error = "--session_ring_entries: " +
             std::to_string(FLAGS_session_ring_entries) +
             " is not a power of two";
    return false;
  }
  if (FLAGS_chunk_bytes % 64 != 0) {
    *error = "--chunk_bytes: " + std::to_string(FLAGS_chunk_bytes) +
             " is not a multiple of 64";
    return false;
  }
  return true;
}

}  // namespace

bool ReadLimitFlags(Config* config, std::string* error) {
  if (!CheckRanges(error) || !CheckShapes(error)) return false;
  constexpr uint64_t kMebibyte = 1u << 20;
  const auto number = [](int64_t flag) { return static_cast<uint32_t>(flag); };
  config->mtu_bytes = number(FLAGS_mtu);
  config->mbuf_count = number(FLAGS_mbuf_count);
  config->rx_descriptors = number(FLAGS_rx_descriptors);
  config->tx_descriptors = number(FLAGS_tx_descriptors);
  config->zero_copy_threshold_bytes = number(FLAGS_zero_copy_threshold_bytes);
  config->max_sessions = number(FLAGS_max_sessions);
  config->max_sessions_per_uid = number(FLAGS_max_sessions_per_uid);
  config->max_connections = number(FLAGS_max_connections);
  config->max_connections_per_uid = number(FLAGS_max_connections_per_uid);
  config->session_arena_bytes = kMebibyte * number(FLAGS_session_arena_mb);
  config->session_receive_bytes = kMebibyte * number(FLAGS_session_receive_mb);
  config->session_ring_entries = number(FLAGS_session_ring_entries);
  config->chunk_bytes = number(FLAGS_chunk_bytes);
  config->hold_timeout = Duration::Millis(FLAGS_hold_timeout_ms);
  config->fence_timeout = Duration::Micros(FLAGS_fence_timeout_us);
  config->drain_timeout = Duration::Millis(FLAGS_drain_timeout_ms);
  config->max_parked_per_flow = number(FLAGS_max_parked_per_flow);
  config->max_parked_frames = number(FLAGS_max_parked_frames);
  return true;
}

}  // namespace chimney::daemon
