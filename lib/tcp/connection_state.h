// SPDX-License-Identifier: BSD-3-Clause
// The state of one established connection as it crosses a hand-over: constant,
// cached and delegated variables of the chimney contract (R17-R19), in host
// byte order and in real units. The engine imports and exports these values;
// the kernel room reads them from and writes them to a socket.
//
// Decisions where the contract is silent (spec section 0.2):
//  * Sequence numbers count FINs: a sent FIN is inside [snd_una, snd_max), a
//    received one is below rcv_nxt. So snd_max - snd_una may exceed the bytes
//    of the send queue that were sent by one.
//  * snd_wnd, rcv_wnd and max_snd_wnd are bytes, after scaling.
//  * A graceful disconnect that has not sent its FIN yet crosses as
//    `fin_queued`.
#ifndef CHIMNEY_TCP_CONNECTION_STATE_H_
#define CHIMNEY_TCP_CONNECTION_STATE_H_

#include <cstdint>

#include "base/seq.h"
#include "base/time.h"

namespace chimney::tcp {

// RFC 9293 section 3.3.2, in the order of the contract's
// TCP_OFFLOAD_CONNECTION_STATE.
enum class ConnectionState : uint8_t {
  kClosed,
  kListen,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};

const char* ConnectionStateName(ConnectionState state);

// The unit of the timestamp option's clock (RFC 7323 section 4.1). It belongs
// to the connection and never changes during its life.
enum class TimestampUnit : uint8_t { kMillisecond, kMicrosecond };

// Constant variables (R17): fixed for the whole offload, never handed back.
struct TcpConstState {
  bool timestamps_enabled = false;      // TCP_FLAG_TIMESTAMP_ENABLED
  bool sack_enabled = false;            // TCP_FLAG_SACK_ENABLED
  bool window_scaling_enabled = false;  // TCP_FLAG_WINDOW_SCALING_ENABLED
  uint8_t snd_wind_scale = 0;           // shift of windows the peer sends
  uint8_t rcv_wind_scale = 0;           // shift of windows we send
  TimestampUnit timestamp_unit = TimestampUnit::kMillisecond;
  uint16_t remote_mss = 536;  // from the peer's SYN (R123), without options
  uint16_t local_port = 0;
  uint16_t remote_port = 0;
  uint32_t hash_value = 0;  // RSS hash (R146)
};

// Cached variables (R18): owned by the host, changed only by an update.
struct TcpCachedState {
  bool keepalive_enabled = false;
  bool nagle_enabled = true;
  uint8_t ttl_or_hop_limit = 64;
  uint8_t tos_or_traffic_class = 0;  // ECN bits are zero
  uint8_t user_priority = 0;         // 802.1p
  uint32_t flow_label = 0;           // IPv6, 20 bits
  // Upper bound of the receive window in bytes: what the kernel's receive
  // buffer could hold if the connection came back now.
  uint32_t initial_rcv_wnd = 65535;
  uint32_t rcv_indication_size = 0;  // R144; 0 = as much as possible
  uint8_t ka_probe_count = 9;
  Duration ka_timeout = Duration::Seconds(7200);
  Duration ka_interval = Duration::Seconds(75);
  // 0 = the retransmission count decides; Never-like values are clamped.
  Duration max_rt = Duration::Nanos(0);
};

// A timer that crosses a hand-over (R53, R101).
struct TimerState {
  bool running = false;
  Duration delta;  // until expiry; zero = due now
  uint8_t count = 0;
};

// Delegated variables (R19): owned by whoever runs the connection.
struct TcpDelegatedState {
  ConnectionState state = ConnectionState::kEstablished;
  // FIN bookkeeping: `fin_queued` = the application closed its send half and
  // the FIN has not been sent; a sent FIN shows in `state` and snd_max.
  bool fin_queued = false;

  SeqNum rcv_nxt;
  uint32_t rcv_wnd = 0;  // bytes; rcv_nxt + rcv_wnd is the advertised edge
  SeqNum snd_una;
  SeqNum snd_nxt;
  SeqNum snd_max;
  uint32_t snd_wnd = 0;
  uint32_t max_snd_wnd = 0;
  SeqNum snd_wl1;
  uint32_t cwnd = 0;               // bytes; 0 = unknown, use the initial
  uint32_t ssthresh = 0xFFFFFFFF;  // bytes
  Duration srtt;                   // zero = no sample yet
  Duration rttvar;
  uint32_t ts_recent = 0;  // TS.Recent
  Duration ts_recent_age;  // since it was received
  // The giver's timestamp clock now, in `timestamp_unit`s (R102, R199).
  uint32_t ts_time = 0;
  // In: the last TSval may have been a few ticks ahead of ts_time; none is sent
  // below it. Of no meaning where it is not just above ts_time.
  uint32_t ts_floor = 0;
  // In: when ts_time was so, if that was not at the import.
  Instant ts_time_at;
  Duration total_rt;  // retransmitting the current segment
  uint8_t dup_ack_count = 0;
  uint8_t snd_wnd_probe_count = 0;
  TimerState keepalive;
  TimerState retransmit;  // or persist, or FIN_WAIT_2: `state` and snd_wnd say
};

// All three classes together.
struct TcpState {
  TcpConstState constant;
  TcpCachedState cached;
  TcpDelegatedState delegated;
};

}  // namespace chimney::tcp

#endif  // CHIMNEY_TCP_CONNECTION_STATE_H_
