// SPDX-License-Identifier: BSD-3-Clause
// The numbers of a connection by name: those of Linux's struct tcp_info, in its
// units (segments, microseconds), and more of our own, in bytes.
#include <iterator>
#include <limits>

#include "tcp/rtt.h"
#include "tests/script/engine_target.h"
#include "tests/script/kernel_names.h"
#include "tests/support/test_tcb.h"

namespace chimney::script {
namespace {

using tcp::ConnectionState;
using tcp::RecoveryPhase;
using tcp::Tcb;
using testing::OutgoingOf;

// TCP_ESTABLISHED and so on, as the kernel numbers them.
int64_t KernelState(ConnectionState state) {
  switch (state) {
    case ConnectionState::kEstablished:
      return 1;
    case ConnectionState::kSynSent:
      return 2;
    case ConnectionState::kSynReceived:
      return 3;
    case ConnectionState::kFinWait1:
      return 4;
    case ConnectionState::kFinWait2:
      return 5;
    case ConnectionState::kTimeWait:
      return 6;
    case ConnectionState::kClosed:
      return 7;
    case ConnectionState::kCloseWait:
      return 8;
    case ConnectionState::kLastAck:
      return 9;
    case ConnectionState::kListen:
      return 10;
    case ConnectionState::kClosing:
      return 11;
  }
  return 0;
}

// TCP_CA_Open, Disorder, Recovery, Loss.
int64_t CaState(const Tcb& tcb) {
  const tcp::Outgoing& outgoing = OutgoingOf(tcb);
  if (outgoing.recovery.phase == RecoveryPhase::kLoss) return 4;
  if (outgoing.recovery.phase == RecoveryPhase::kFastRecovery) return 3;
  const bool disorder = outgoing.flight.sacked_bytes() != 0 ||
                        outgoing.recovery.dup_ack_count != 0;
  return disorder ? 1 : 0;
}

int64_t Segments(const Tcb& tcb, uint64_t bytes) {
  return static_cast<int64_t>((bytes + tcb.snd.mss - 1) / tcb.snd.mss);
}

// In flight, sent more than once.
uint64_t ResentBytes(const Tcb& tcb) {
  uint64_t bytes = 0;
  const tcp::Flight& flight = OutgoingOf(tcb).flight;
  for (const tcp::FlightRange* range = flight.front(); range != nullptr;
       range = flight.Next(range)) {
    const bool resent = range->copies == tcp::FlightCopies::kSeveral &&
                        range->fate == tcp::FlightFate::kInFlight;
    if (resent) bytes += range->bytes();
  }
  return bytes;
}

int64_t Ssthresh(const Tcb& tcb) {
  const bool none = tcb.snd.ssthresh == std::numeric_limits<uint32_t>::max();
  return none ? std::numeric_limits<int32_t>::max()
              : tcb.snd.ssthresh / tcb.snd.mss;
}

uint64_t Unsent(const Tcb& tcb) {
  const uint64_t sent = tcb.snd.max.BytesFrom(tcb.snd.una);
  return tcb.unacked_send_bytes() > sent ? tcb.unacked_send_bytes() - sent : 0;
}

int64_t BackedOffRtoMicros(const Tcb& tcb) {
  Duration rto = RetransmitTimeout(tcb);
  for (unsigned i = 0; i < tcb.timers.backoff; ++i) {
    if (rto < tcb.params().rto_max) rto = rto * 2;
  }
  return std::min(rto, tcb.params().rto_max).micros();
}

struct Entry {
  std::string_view name;
  int64_t (*value)(const Tcb&);
};

// Linux's own names.
constexpr Entry kKernelNames[] = {
    {"tcpi_state", [](const Tcb& t) { return KernelState(t.state()); }},
    {"tcpi_ca_state", CaState},
    {"tcpi_retransmits",
     [](const Tcb& t) { return int64_t{t.timers.retransmit_count}; }},
    {"tcpi_backoff", [](const Tcb& t) { return int64_t{t.timers.backoff}; }},
    {"tcpi_rto", BackedOffRtoMicros},
    {"tcpi_snd_mss", [](const Tcb& t) { return int64_t{t.snd.mss}; }},
    {"tcpi_pmtu", [](const Tcb& t) { return int64_t{t.path_mtu_bytes}; }},
    {"tcpi_unacked",
     [](const Tcb& t) {
       return Segments(t, OutgoingOf(t).flight.total_bytes());
     }},
    {"tcpi_sacked",
     [](const Tcb& t) {
       return Segments(t, OutgoingOf(t).flight.sacked_bytes());
     }},
    {"tcpi_lost",
     [](const Tcb& t) {
       return Segments(t, OutgoingOf(t).flight.lost_bytes());
     }},
    {"tcpi_retrans", [](const Tcb& t) { return Segments(t, ResentBytes(t)); }},
    {"tcpi_total_retrans",
     [](const Tcb& t) {
       return static_cast<int64_t>(t.trouble_counters().segments_retransmitted);
     }},
    {"tcpi_rtt", [](const Tcb& t) { return t.rtt.srtt.micros(); }},
    {"tcpi_rttvar", [](const Tcb& t) { return t.rtt.rttvar.micros(); }},
    {"tcpi_min_rtt", [](const Tcb& t) { return t.rtt.min_rtt.micros(); }},
    {"tcpi_snd_ssthresh", Ssthresh},
    {"tcpi_snd_cwnd",
     [](const Tcb& t) { return int64_t{t.snd.cwnd / t.snd.mss}; }},
    {"tcpi_notsent_bytes",
     [](const Tcb& t) { return static_cast<int64_t>(Unsent(t)); }},
    {"tcpi_snd_wnd", [](const Tcb& t) { return int64_t{t.snd.wnd}; }},
    {"tcpi_probes",
     [](const Tcb& t) { return int64_t{t.timers.keepalive_count}; }},
};

// Ours: RFC names, in bytes and microseconds.
constexpr Entry kOwnNames[] = {
    {"cwnd", [](const Tcb& t) { return int64_t{t.snd.cwnd}; }},
    {"ssthresh", [](const Tcb& t) { return int64_t{t.snd.ssthresh}; }},
    {"in_flight",
     [](const Tcb& t) {
       return int64_t{OutgoingOf(t).flight.in_flight_bytes()};
     }},
    {"sacked",
     [](const Tcb& t) { return int64_t{OutgoingOf(t).flight.sacked_bytes()}; }},
    {"lost",
     [](const Tcb& t) { return int64_t{OutgoingOf(t).flight.lost_bytes()}; }},
    {"dup_acks",
     [](const Tcb& t) {
       return int64_t{OutgoingOf(t).recovery.dup_ack_count};
     }},
    {"probe_rounds",
     [](const Tcb& t) { return int64_t{t.timers.probe_round}; }},
    {"rcv_wnd", [](const Tcb& t) { return int64_t{t.rcv_wnd()}; }},
    {"unread", [](const Tcb& t) { return int64_t{t.unread_bytes()}; }},
    {"out_of_order",
     [](const Tcb& t) { return int64_t{t.out_of_order_bytes()}; }},
    {"queued",
     [](const Tcb& t) { return static_cast<int64_t>(t.unacked_send_bytes()); }},
    {"fin_acked", [](const Tcb& t) { return int64_t{t.fin_acked()}; }},
    {"fin_due", [](const Tcb& t) { return int64_t{t.FinDue()}; }},
    {"stopped", [](const Tcb& t) { return int64_t{t.frozen}; }},
    {"spurious_timeouts",
     [](const Tcb& t) {
       return int64_t{t.trouble_counters().spurious_timeouts};
     }},
    {"timeouts",
     [](const Tcb& t) {
       return int64_t{t.trouble_counters().retransmit_timeouts};
     }},
    {"fast_retransmits",
     [](const Tcb& t) {
       return int64_t{t.trouble_counters().fast_retransmits};
     }},
    {"tail_probes",
     [](const Tcb& t) { return int64_t{t.trouble_counters().tail_probes}; }},
    {"window_probes",
     [](const Tcb& t) { return int64_t{t.trouble_counters().window_probes}; }},
};

constexpr NamedConstant kOwnConstants[] = {
    {"STOP_NONE", static_cast<int64_t>(tcp::StopReason::kNone)},
    {"STOP_URGENT", static_cast<int64_t>(tcp::StopReason::kUrgentData)},
    {"STOP_RETRANSMIT",
     static_cast<int64_t>(tcp::StopReason::kRetransmitTimeout)},
    {"STOP_PERSIST", static_cast<int64_t>(tcp::StopReason::kPersistTimeout)},
    {"STOP_KEEPALIVE",
     static_cast<int64_t>(tcp::StopReason::kKeepaliveTimeout)},
    {"STOP_FIN_WAIT2", static_cast<int64_t>(tcp::StopReason::kFinWait2Timeout)},
    {"STOP_SYN", static_cast<int64_t>(tcp::StopReason::kSynInWindow)},
};

template <size_t kCount>
std::optional<int64_t> FindEntry(const Entry (&entries)[kCount],
                                 std::string_view name, const Tcb& tcb) {
  for (const Entry& entry : entries) {
    if (entry.name == name) return entry.value(tcb);
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> EngineTarget::Info(std::string_view name) const {
  if (const auto constant = KernelConstant(name)) return constant;
  for (const NamedConstant& constant : kOwnConstants) {
    if (constant.name == name) return constant.value;
  }
  if (!tcb_) return std::nullopt;
  if (name == "stop") return static_cast<int64_t>(stop_);
  if (name == "aborted") return (events_ & tcp::kEventAborted) != 0 ? 1 : 0;
  if (const auto value = FindEntry(kKernelNames, name, *tcb_)) return value;
  return FindEntry(kOwnNames, name, *tcb_);
}

}  // namespace chimney::script
