// SPDX-License-Identifier: BSD-3-Clause
// Numbers the engine works with (design D11): one immutable set per worker.
#ifndef CHIMNEY_TCP_PARAMETERS_H_
#define CHIMNEY_TCP_PARAMETERS_H_

#include <cstdint>

#include "base/time.h"

namespace chimney::tcp {

enum class CongestionControl : uint8_t { kNewReno, kCubic };

struct Parameters {
  Duration rto_min = Duration::Millis(200);
  Duration rto_max = Duration::Seconds(120);
  Duration rto_initial = Duration::Seconds(1);  // RFC 6298 (2.1)
  Duration delayed_ack = Duration::Millis(40);
  uint8_t ack_frequency_segments = 2;  // RFC 1122 section 4.2.3.2
  uint8_t max_retransmissions = 15;
  uint8_t duplicate_ack_threshold = 3;
  uint8_t initial_window_segments = 10;  // RFC 6928
  // RFC 3465 L; with an early end of slow start it may be more (RFC 9406
  // section 4.2).
  uint8_t byte_counting_limit = 8;
  // Zero: none. Linux limits FIN_WAIT2 only once the process has let go of the
  // socket, and then the kernel has the connection.
  Duration fin_wait2_timeout;
  Duration sws_override = Duration::Millis(200);
  Duration challenge_ack_interval = Duration::Millis(500);
  uint32_t max_reassembly_bytes = 8u << 20;  // per connection
  // Segments acknowledged at once after an import, when the peer may be short
  // of ACKs to clock its sending.
  uint8_t quick_ack_segments = 4;
  // RTO = srtt + max(4 * rttvar, this): the kernel adds its minimum to srtt.
  Duration rttvar_floor = Duration::Millis(200);
  // Nagle after Minshall: only a small segment in flight holds another back.
  bool minshall_nagle = true;
  // cwnd grows only while it is what limits sending (RFC 7661).
  bool cwnd_validation = true;
  CongestionControl congestion_control = CongestionControl::kCubic;
  bool hystart = true;          // RFC 9406
  bool rack = true;             // RFC 8985; false = RFC 6675
  bool tail_loss_probe = true;  // RFC 8985 section 7; needs rack
  bool f_rto = true;            // RFC 5682
  bool pacing = false;          // pacing.h
  // R158: an RST in the window is challenged once until the peer was heard of.
  bool one_challenge_per_validation = false;
};

// `--profile=linux`: like the kernel, so that a connection behaves the same on
// both sides of a hand-over.
constexpr Parameters LinuxProfile() { return Parameters{}; }

// `--profile=chimney`: the rule book's numbers (R158, R159,
// R177, R190, R193).
constexpr Parameters ChimneyProfile() {
  Parameters p;
  p.rto_min = Duration::Millis(300);
  p.rto_max = Duration::Seconds(60);
  p.delayed_ack = Duration::Millis(100);
  p.byte_counting_limit = 4;
  p.fin_wait2_timeout = Duration::Seconds(120);
  p.challenge_ack_interval = Duration::Seconds(3);
  p.rttvar_floor = Duration::Nanos(0);
  p.minshall_nagle = false;
  p.cwnd_validation = false;
  p.congestion_control = CongestionControl::kNewReno;
  p.hystart = false;
  p.rack = false;
  p.tail_loss_probe = false;
  p.f_rto = false;
  p.one_challenge_per_validation = true;
  return p;
}

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_PARAMETERS_H_
