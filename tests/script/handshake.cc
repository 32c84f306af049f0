// SPDX-License-Identifier: BSD-3-Clause
// What a handshake leaves behind (RFC 9293 section 3.5, RFC 7323 section 2.2).
#include "tests/script/handshake.h"

#include <algorithm>

#include "tests/support/wire_segment.h"

namespace chimney::script {
namespace {

constexpr uint16_t kOrdinaryMss = 1460;
constexpr uint8_t kOrdinaryWscale = 7;
constexpr uint8_t kMaxWscale = 14;  // RFC 7323 section 2.3
constexpr uint16_t kDefaultMss = 536;
// The descriptor of a connection that no call of the script made.
constexpr int64_t kEstablishedDescriptor = 4;

bool Is(const SegmentText& segment, uint8_t flags) {
  const auto kind = static_cast<uint8_t>(testing::kSyn | testing::kAck |
                                         testing::kRst | testing::kFin);
  return (segment.flags & kind) == flags;
}

constexpr uint8_t kSynAck = testing::kSyn | testing::kAck;

std::string Unfit(const std::string& what) {
  return what + " does not belong to a handshake here";
}

// `<...>` of our own SYN: all that Linux offers.
OptionText Spelled(const OptionText& options) {
  if (!options.any) return options;
  OptionText spelled;
  spelled.mss = kOrdinaryMss;
  spelled.wscale = kOrdinaryWscale;
  spelled.sack_permitted = true;
  spelled.timestamps = OptionText::Timestamps{1, 0};
  return spelled;
}

}  // namespace

std::string Handshake::Take(const Statement& statement, Duration at) {
  if (const auto* call = std::get_if<Call>(&statement.action)) {
    return TakeCall(*call);
  }
  if (const auto* arrival = std::get_if<Arrival>(&statement.action)) {
    return TakeArrival(arrival->segment, at);
  }
  if (const auto* expected = std::get_if<Expectation>(&statement.action)) {
    return TakeExpectation(expected->segment, at);
  }
  if (const auto* verb = std::get_if<Verb>(&statement.action)) {
    return TakeVerb(*verb);
  }
  return "nothing can be asserted before there is a connection";
}

std::string Handshake::TakeCall(const Call& call) {
  if (call.name == "socket" && stage_ == Stage::kNothing) {
    listener_ = call.result.value_or(-1);
    return "";
  }
  if (listener_ < 0) return call.name + " before socket";
  if (call.name == "bind" || call.name == "fcntl") return "";
  if (call.name == "setsockopt") {
    choices_.push_back(call);
    return "";
  }
  if (stage_ == Stage::kNothing && call.name == "listen") {
    stage_ = Stage::kListening;
    return "";
  }
  if (stage_ == Stage::kNothing && call.name == "connect") {
    stage_ = Stage::kConnecting;
    connection_ = listener_;
    listener_ = -1;
    return "";
  }
  return Unfit(call.name);
}

void Handshake::TakePeerSyn(const SegmentText& segment) {
  peer_options_ = segment.options;
  start_.rcv_nxt = segment.start + 1;
  start_.snd_wnd_bytes = segment.window.value_or(0);
  if (segment.options.timestamps) {
    start_.ts_recent = segment.options.timestamps->value.value_or(0);
  }
}

void Handshake::TakeOwnSyn(const SegmentText& segment, Duration at) {
  own_options_ = Spelled(segment.options);
  syn_sent_at_ = at;
  start_.snd_nxt = segment.start + 1;
  if (own_options_.timestamps) {
    own_ts_ = own_options_.timestamps->value.value_or(0);
    own_ts_at_ = at;
  }
}

void Handshake::TakeSample(Duration at) {
  start_.rtt = std::max(at - syn_sent_at_, Duration::Micros(1));
}

void Handshake::Negotiate() {
  start_.peer_mss = peer_options_.mss.value_or(kDefaultMss);
  start_.sack = peer_options_.sack_permitted && own_options_.sack_permitted;
  start_.timestamps =
      peer_options_.timestamps.has_value() && own_options_.timestamps;
  start_.window_scaling =
      peer_options_.wscale.has_value() && own_options_.wscale.has_value();
  if (!start_.window_scaling) return;
  start_.peer_wscale = std::min(*peer_options_.wscale, kMaxWscale);
  start_.own_wscale = std::min(*own_options_.wscale, kMaxWscale);
}

void Handshake::SetClock(Duration at) {
  start_.ts_now = own_ts_ + static_cast<uint32_t>((at - own_ts_at_).millis());
}

std::string Handshake::TakeArrival(const SegmentText& segment, Duration at) {
  if (stage_ == Stage::kListening && Is(segment, testing::kSyn)) {
    TakePeerSyn(segment);
    stage_ = Stage::kSynReceived;
    return "";
  }
  if (stage_ == Stage::kSynSent && Is(segment, kSynAck)) {
    if (segment.ack != start_.snd_nxt) return "the SYN is not acknowledged";
    TakePeerSyn(segment);
    TakeSample(at);
    Negotiate();
    stage_ = Stage::kSynAckReceived;
    return "";
  }
  const bool carries_ack = (segment.flags & testing::kAck) != 0;
  const bool refuses = (segment.flags & (testing::kSyn | testing::kRst)) != 0;
  if (stage_ == Stage::kSynAckSent && carries_ack && !refuses) {
    return FinishPassive(segment, at);
  }
  return Unfit("the segment");
}

std::string Handshake::FinishPassive(const SegmentText& segment, Duration at) {
  if (segment.ack != start_.snd_nxt) return "the SYN is not acknowledged";
  TakeSample(at);
  Negotiate();
  SetClock(at);
  const uint8_t shift = start_.window_scaling ? start_.peer_wscale : 0;
  start_.snd_wnd_bytes = uint32_t{segment.window.value_or(0)} << shift;
  if (start_.timestamps && segment.options.timestamps) {
    start_.ts_recent = segment.options.timestamps->value.value_or(0);
  }
  last_is_for_target_ =
      segment.payload_bytes != 0 || (segment.flags & testing::kFin) != 0;
  stage_ = Stage::kDone;
  return "";
}

std::string Handshake::TakeExpectation(const SegmentText& segment,
                                       Duration at) {
  if (stage_ == Stage::kSynReceived && Is(segment, kSynAck)) {
    TakeOwnSyn(segment, at);
    stage_ = Stage::kSynAckSent;
    return "";
  }
  if (stage_ == Stage::kConnecting && Is(segment, testing::kSyn)) {
    TakeOwnSyn(segment, at);
    stage_ = Stage::kSynSent;
    return "";
  }
  if (stage_ == Stage::kSynAckReceived && Is(segment, testing::kAck)) {
    if (segment.options.timestamps) {
      own_ts_ = segment.options.timestamps->value.value_or(own_ts_);
      own_ts_at_ = at;
    }
    SetClock(at);
    stage_ = Stage::kDone;
    return "";
  }
  return Unfit("the expected segment");
}

std::string Handshake::TakeVerb(const Verb& verb) {
  if (verb.name != "established" || stage_ != Stage::kNothing) {
    return Unfit(verb.name);
  }
  ConnectionStart& s = start_;
  s.snd_nxt = s.rcv_nxt = 1;
  s.peer_mss = static_cast<uint16_t>(verb.Get("mss", kOrdinaryMss));
  s.sack = verb.Get("sack", 0) != 0;
  s.timestamps = verb.Has("ts_val");
  s.ts_now = static_cast<uint32_t>(verb.Get("ts_val", 0));
  s.ts_recent = static_cast<uint32_t>(verb.Get("ts_ecr", 0));
  s.ts_recent_age = Duration::Nanos(verb.Get("ts_age", 0));
  s.window_scaling = verb.Has("peer_wscale") || verb.Has("own_wscale");
  s.peer_wscale = static_cast<uint8_t>(verb.Get("peer_wscale", 0));
  s.own_wscale = static_cast<uint8_t>(verb.Get("own_wscale", 0));
  s.snd_wnd_bytes = static_cast<uint32_t>(verb.Get("win", 65535));
  s.receive_buffer_bytes = static_cast<uint32_t>(verb.Get("rcvbuf", 65535));
  s.cwnd_segments = static_cast<uint32_t>(verb.Get("cwnd", 0));
  s.ssthresh_segments = static_cast<uint32_t>(verb.Get("ssthresh", 0));
  s.rtt = Duration::Nanos(verb.Get("rtt", 0));
  s.rttvar = Duration::Nanos(verb.Get("rttvar", 0));
  s.dup_acks = static_cast<uint8_t>(verb.Get("dup_acks", 0));
  s.window_probe_rounds = static_cast<uint8_t>(verb.Get("probe_count", 0));
  s.keepalive_probes = static_cast<uint8_t>(verb.Get("keepalive_probes", 0));
  if (const auto in = verb.Find("retransmit_in")) {
    s.retransmit_in = Duration::Nanos(*in);
  }
  if (const auto in = verb.Find("keepalive_in")) {
    s.keepalive_in = Duration::Nanos(*in);
  }
  connection_ = kEstablishedDescriptor;
  stage_ = Stage::kDone;
  return "";
}

}  // namespace chimney::script
