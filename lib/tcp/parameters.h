// SPDX-License-Identifier: BSD-3-Clause
// Numbers the engine works with (design D11): one immutable set per worker.
#ifndef CHIMNEY_TCP_PARAMETERS_H_
#define CHIMNEY_TCP_PARAMETERS_H_

#include <cstdint>

#include "base/time.h"

namespace chimney::tcp {

struct Parameters {
  Duration rto_min = Duration::Millis(200);
  Duration rto_max = Duration::Seconds(120);
  Duration rto_initial = Duration::Seconds(1);  // RFC 6298 (2.1)
  Duration delayed_ack = Duration::Millis(40);
  uint8_t ack_frequency_segments = 2;  // RFC 1122 section 4.2.3.2
  uint8_t max_retransmissions = 15;
  uint8_t duplicate_ack_threshold = 3;
  uint8_t initial_window_segments = 10;  // RFC 6928
  uint8_t byte_counting_limit = 2;       // RFC 3465 L
  Duration fin_wait2_timeout = Duration::Seconds(60);
  Duration sws_override = Duration::Millis(200);
  Duration challenge_ack_interval = Duration::Millis(500);
  uint32_t max_reassembly_bytes = 1u << 20;  // per connection
};

// `--profile=linux`: like the kernel, so that a connection behaves the same on
// both sides of a hand-over.
constexpr Parameters LinuxProfile() { return Parameters{}; }

// `--profile=chimney`: the rule book's numbers (R190, R193, R177).
constexpr Parameters ChimneyProfile() {
  Parameters p;
  p.rto_min = Duration::Millis(300);
  p.rto_max = Duration::Seconds(60);
  p.delayed_ack = Duration::Millis(100);
  p.byte_counting_limit = 4;
  p.fin_wait2_timeout = Duration::Seconds(120);
  return p;
}

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_PARAMETERS_H_
