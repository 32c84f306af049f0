// SPDX-License-Identifier: BSD-3-Clause
// One cell of the matrix.
#include "tests/unit/tcp/matrix_driver.h"

#include <algorithm>
#include <string_view>

namespace chimney::testing {
namespace {

constexpr uint32_t kSndWnd = 1000;
constexpr uint32_t kWriteBytes = 5;  // two of them are in flight
constexpr uint32_t kFar = 1u << 30;
constexpr uint32_t kInside = 5000;
constexpr uint32_t kTextBytes = 100;
// RFC 9293 section 3.8.6.3: an ACK may wait so long.
constexpr Duration kLongestAckDelay = Duration::Millis(500);
constexpr Duration kValidationLimit = Duration::Seconds(300);  // R160

std::string ReasonName(tcp::SegmentReason reason) {
  constexpr std::string_view kNames[] = {
#define CHIMNEY_SEGMENT_REASON(symbol, fate, text) #symbol,
#include "tcp/segment_reason.def"
#undef CHIMNEY_SEGMENT_REASON
  };
  return std::string(kNames[static_cast<size_t>(reason)].substr(1));
}

// The steps up to the urgent bit let it pass: the ACK and the timestamp count.
bool WasProcessed(const std::string& reason) {
  static constexpr std::string_view kProcessed[] = {
      "AckAdvanced",  "AckDuplicate",   "AckUnchanged", "AckOld",
      "DataInOrder",  "DataOutOfOrder", "FinInOrder",   "FinOutOfOrder",
      "DataAfterFin", "ZeroWindowProbe"};
  return std::find(std::begin(kProcessed), std::end(kProcessed), reason) !=
         std::end(kProcessed);
}

tcp::ConnectionState StateNamed(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(tcp::ConnectionState::kTimeWait); ++i) {
    const auto state = static_cast<tcp::ConnectionState>(i);
    if (name == tcp::ConnectionStateName(state)) return state;
  }
  return tcp::ConnectionState::kClosed;
}

uint32_t BytesInFlight(const std::string& state) {
  if (state == "FIN-WAIT-2") return 0;
  const bool fin =
      state == "FIN-WAIT-1" || state == "CLOSING" || state == "LAST-ACK";
  return 2 * kWriteBytes + (fin ? 1 : 0);
}

uint8_t FlagsOf(const MatrixInput& input) {
  const std::string& kind = input.segment;
  if (kind == "SYN") return kSyn;
  if (kind == "SYN-ACK") return kSyn | kAck;
  uint8_t flags = input.ack == "off" ? 0 : kAck;
  if (kind == "RST") flags |= kRst;
  if (kind == "FIN" || kind == "DATA-FIN") flags |= kFin;
  if (kind == "URG") flags |= kUrg;
  return flags;
}

uint32_t SeqOf(const MatrixInput& input, uint32_t length) {
  const uint32_t nxt = input.place.rcv_nxt;
  const std::string& seq = input.seq;
  if (seq == "far-below") return nxt - kFar;
  if (seq == "below") return nxt - std::max(length, 1u);
  if (seq == "overlap") return nxt - 1;
  if (seq == "inside") return nxt + kInside;
  if (seq == "right") return nxt + input.rcv_wnd - 1;
  if (seq == "above") return nxt + input.rcv_wnd;
  if (seq == "next") return nxt + 1;
  if (seq == "far-above") return nxt + kFar;
  return nxt;
}

uint32_t AckOf(const MatrixInput& input, uint32_t snd_max) {
  const uint32_t una = input.place.snd_una;
  const std::string& ack = input.ack;
  if (ack == "too-old") return una - kSndWnd - 1;
  if (ack == "oldest") return una - kSndWnd;
  if (ack == "old") return una - 1;
  if (ack == "part") return snd_max == una ? una : snd_max - 1;
  if (ack == "max") return snd_max;
  if (ack == "unsent") return snd_max + 1;
  return una;
}

std::set<std::string> EventNames(uint32_t events) {
  static constexpr struct {
    uint32_t bit;
    const char* name;
  } kNames[] = {
      {tcp::kEventReceiveReady, "data"},  {tcp::kEventSendAcked, "acked"},
      {tcp::kEventFinReceived, "fin"},    {tcp::kEventAborted, "aborted"},
      {tcp::kEventFinAcked, "fin-acked"}, {tcp::kEventTimeWait, "time-wait"},
      {tcp::kEventStopped, "stopped"},
  };
  std::set<std::string> names;
  for (const auto& known : kNames) {
    if ((events & known.bit) != 0) names.insert(known.name);
  }
  return names;
}

tcp::Parameters WithoutQuickAcks(tcp::Parameters parameters) {
  parameters.quick_ack_segments = 0;
  return parameters;
}

}  // namespace

MatrixDriver::MatrixDriver(const tcp::Parameters& parameters,
                           const MatrixInput& input)
    : input_(input),
      parameters_(WithoutQuickAcks(parameters)),
      host_(parameters_, TestTcb::Memory{512, 16, 16}),
      snd_max_(input.place.snd_una + BytesInFlight(input.state)),
      segment_(Segment()) {}

WireSegment MatrixDriver::Segment() const {
  WireSegment segment;
  const std::string& kind = input_.segment;
  if (kind == "DATA" || kind == "DATA-FIN" || kind == "URG") {
    segment.payload.assign(kTextBytes, 'x');
  }
  segment.flags = FlagsOf(input_);
  segment.urgent_pointer = kind == "URG" ? kTextBytes : 0;
  segment.seq = SeqOf(input_, segment.SequenceLength());
  segment.ack = AckOf(input_, snd_max_);
  segment.raw_window = kSndWnd;
  // TS.Recent is the number of RCV.NXT, so that it is astride the wrap as well.
  const uint32_t recent = input_.place.rcv_nxt;
  if (input_.ts == "fresh") segment.timestamps = {recent + 1, 0};
  if (input_.ts == "same") segment.timestamps = {recent, 0};
  if (input_.ts == "old") segment.timestamps = {recent - 1, 0};
  return segment;
}

bool MatrixDriver::Start() {
  tcp::TcpState state = StateAtRest();
  state.constant.timestamps_enabled = input_.ts != "off";
  state.cached.initial_rcv_wnd = input_.rcv_wnd;
  tcp::TcpDelegatedState& d = state.delegated;
  d.state = StateNamed(input_.state);
  d.rcv_nxt = d.snd_wl1 = SeqNum(input_.place.rcv_nxt);
  d.rcv_wnd = input_.rcv_wnd;
  d.snd_una = SeqNum(input_.place.snd_una);
  d.snd_nxt = d.snd_max = SeqNum(snd_max_);
  d.snd_wnd = d.max_snd_wnd = kSndWnd;
  d.ts_recent = input_.place.rcv_nxt;
  const bool in_flight = snd_max_ != input_.place.snd_una;
  const std::vector<uint8_t> unacked(in_flight ? 2 * kWriteBytes : 0, 'y');
  if (!host_.Import(now_, state, unacked, {}, kWriteBytes)) return false;
  tcp::FlushOwedAck(host_.tcb());
  host_.Pull(now_);
  return host_.tcb().state() == d.state;
}

bool MatrixDriver::IsAck(const WireSegment& segment) {
  return segment.flags == kAck && segment.payload.empty() &&
         segment.seq == snd_max_ &&
         segment.ack == host_.tcb().rcv_nxt().value() &&
         segment.timestamps.has_value() == (input_.ts != "off");
}

std::string MatrixDriver::ClassifyAnswer(
    const std::vector<WireSegment>& answer) {
  if (answer.size() == 1 && IsAck(answer[0])) {
    const tcp::TimerState keepalive =
        tcp::Query(host_.tcb(), now_).delegated.keepalive;
    const bool validates =
        keepalive.running && keepalive.delta == kValidationLimit;
    return validates ? "challenge" : "ack";
  }
  std::string text;
  for (const WireSegment& segment : answer) {
    text += (text.empty() ? "" : "; ") + testing::Describe(segment);
  }
  if (!answer.empty()) return text;
  now_ = now_ + kLongestAckDelay;
  tcp::OnTimer(host_.tcb(), now_);
  const std::vector<WireSegment> later = host_.Pull(now_);
  if (later.empty()) return "nothing";
  return later.size() == 1 && IsAck(later[0]) ? "later"
                                              : testing::Describe(later[0]);
}

std::string MatrixDriver::RcvNxt() {
  const uint32_t nxt = host_.tcb().rcv_nxt().value();
  if (nxt == input_.place.rcv_nxt) return "kept";
  return nxt == segment_.EndSeq() ? "end" : std::to_string(nxt);
}

// RFC 9293 "SND.UNA", RFC 7323 section 4.3, R205: of every cell.
std::string MatrixDriver::Broken(const tcp::Outcome& outcome,
                                 const MatrixSeen& seen) {
  tcp::Tcb& tcb = host_.tcb();
  const bool processed = WasProcessed(seen.reason);
  const bool advances =
      processed && (input_.ack == "part" || input_.ack == "max");
  if (tcb.snd_una().value() !=
      (advances ? segment_.ack : input_.place.snd_una)) {
    return "SND.UNA is " + std::to_string(tcb.snd_una().value());
  }
  const bool at_last_ack =
      static_cast<int32_t>(segment_.seq - input_.place.rcv_nxt) <= 0;
  const bool newer = processed && at_last_ack && input_.ts == "fresh";
  if (tcb.ts.recent != input_.place.rcv_nxt + (newer ? 1 : 0)) {
    return "TS.Recent is " + std::to_string(tcb.ts.recent);
  }
  const bool progress = seen.events.contains("data") ||
                        tcb.snd_una().value() != input_.place.snd_una;
  if (((outcome.events & tcp::kEventForwardProgress) != 0) != progress) {
    return "forward progress";
  }
  const bool output = seen.sends != "nothing" && seen.sends != "later";
  if (((outcome.events & tcp::kEventOutput) != 0) != output) {
    return "kEventOutput is not what is sent";
  }
  const char* contradiction = tcp::CheckInvariants(tcb);
  return contradiction == nullptr ? "" : contradiction;
}

MatrixSeen MatrixDriver::Run() {
  MatrixSeen seen;
  if (!Start()) {
    seen.broken = "the state was not imported";
    return seen;
  }
  const tcp::Outcome outcome = host_.Feed(now_, segment_);
  seen.reason = ReasonName(outcome.reason);
  seen.after = tcp::ConnectionStateName(host_.tcb().state());
  seen.rcv_nxt = RcvNxt();
  seen.events = EventNames(outcome.events);
  seen.sends = ClassifyAnswer(host_.Pull(now_));
  seen.broken = Broken(outcome, seen);
  return seen;
}

}  // namespace chimney::testing
