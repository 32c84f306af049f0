// SPDX-License-Identifier: BSD-3-Clause
// Variable by variable.
#include "tests/support/state_comparison.h"

#include <sstream>

namespace chimney::testing {
namespace {

class Differ {
 public:
  template <typename T>
  void Number(const char* name, T a, T b) {
    if (a == b) return;
    out_ << " " << name << " " << static_cast<int64_t>(a) << "/"
         << static_cast<int64_t>(b);
  }
  void Seq(const char* name, SeqNum a, SeqNum b) {
    Number(name, a.value(), b.value());
  }
  void Time(const char* name, Duration a, Duration b) {
    Number(name, a.nanos(), b.nanos());
  }
  void Timer(const char* name, const tcp::TimerState& a,
             const tcp::TimerState& b) {
    Number(name, a.running, b.running);
    if (a.running && b.running) Time(name, a.delta, b.delta);
    Number(name, a.count, b.count);
  }
  std::string text() const { return out_.str(); }

 private:
  std::ostringstream out_;
};

void CompareConstant(const tcp::TcpConstState& a, const tcp::TcpConstState& b,
                     Differ* d) {
  d->Number("timestamps", a.timestamps_enabled, b.timestamps_enabled);
  d->Number("sack", a.sack_enabled, b.sack_enabled);
  d->Number("scaling", a.window_scaling_enabled, b.window_scaling_enabled);
  d->Number("snd_wind_scale", a.snd_wind_scale, b.snd_wind_scale);
  d->Number("rcv_wind_scale", a.rcv_wind_scale, b.rcv_wind_scale);
  d->Number("unit", static_cast<int>(a.timestamp_unit),
            static_cast<int>(b.timestamp_unit));
  d->Number("remote_mss", a.remote_mss, b.remote_mss);
  d->Number("local_port", a.local_port, b.local_port);
  d->Number("remote_port", a.remote_port, b.remote_port);
  d->Number("hash_value", a.hash_value, b.hash_value);
}

void CompareCached(const tcp::TcpCachedState& a, const tcp::TcpCachedState& b,
                   Differ* d) {
  d->Number("keepalive", a.keepalive_enabled, b.keepalive_enabled);
  d->Number("nagle", a.nagle_enabled, b.nagle_enabled);
  d->Number("ttl", a.ttl_or_hop_limit, b.ttl_or_hop_limit);
  d->Number("tos", a.tos_or_traffic_class, b.tos_or_traffic_class);
  d->Number("user_priority", a.user_priority, b.user_priority);
  d->Number("flow_label", a.flow_label, b.flow_label);
  d->Number("initial_rcv_wnd", a.initial_rcv_wnd, b.initial_rcv_wnd);
  d->Number("indication", a.rcv_indication_size, b.rcv_indication_size);
  d->Number("ka_probe_count", a.ka_probe_count, b.ka_probe_count);
  d->Time("ka_timeout", a.ka_timeout, b.ka_timeout);
  d->Time("ka_interval", a.ka_interval, b.ka_interval);
  d->Time("max_rt", a.max_rt, b.max_rt);
}

void CompareDelegated(const tcp::TcpDelegatedState& a,
                      const tcp::TcpDelegatedState& b, Differ* d) {
  d->Number("state", static_cast<int>(a.state), static_cast<int>(b.state));
  d->Number("fin_queued", a.fin_queued, b.fin_queued);
  d->Seq("rcv_nxt", a.rcv_nxt, b.rcv_nxt);
  d->Number("rcv_wnd", a.rcv_wnd, b.rcv_wnd);
  d->Seq("snd_una", a.snd_una, b.snd_una);
  d->Seq("snd_nxt", a.snd_nxt, b.snd_nxt);
  d->Seq("snd_max", a.snd_max, b.snd_max);
  d->Number("snd_wnd", a.snd_wnd, b.snd_wnd);
  d->Number("max_snd_wnd", a.max_snd_wnd, b.max_snd_wnd);
  d->Seq("snd_wl1", a.snd_wl1, b.snd_wl1);
  d->Number("cwnd", a.cwnd, b.cwnd);
  d->Number("ssthresh", a.ssthresh, b.ssthresh);
  d->Time("srtt", a.srtt, b.srtt);
  d->Time("rttvar", a.rttvar, b.rttvar);
  d->Number("ts_recent", a.ts_recent, b.ts_recent);
  d->Time("ts_recent_age", a.ts_recent_age, b.ts_recent_age);
  d->Number("ts_time", a.ts_time, b.ts_time);
  d->Time("total_rt", a.total_rt, b.total_rt);
  d->Number("dup_ack_count", a.dup_ack_count, b.dup_ack_count);
  d->Number("probe_count", a.snd_wnd_probe_count, b.snd_wnd_probe_count);
  d->Timer("keepalive", a.keepalive, b.keepalive);
  d->Timer("retransmit", a.retransmit, b.retransmit);
}

}  // namespace

std::string Difference(const tcp::TcpState& a, const tcp::TcpState& b) {
  Differ differ;
  CompareConstant(a.constant, b.constant, &differ);
  CompareCached(a.cached, b.cached, &differ);
  CompareDelegated(a.delegated, b.delegated, &differ);
  return differ.text();
}

}  // namespace chimney::testing
