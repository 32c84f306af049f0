// SPDX-License-Identifier: BSD-3-Clause
// What an application and its host ask of the engine under a script.
#include <algorithm>

#include "tests/script/engine_target.h"

namespace chimney::script {
namespace {

using tcp::ConnectionState;

constexpr uint32_t kMinMtuBytes = 68;  // RFC 791

// One name and value of an option that is a number of `parameters`.
bool SetParameter(tcp::Parameters* parameters, std::string_view name,
                  int64_t value) {
  const bool on = value != 0;
  if (name == "quick_ack_segments") {
    parameters->quick_ack_segments = static_cast<uint8_t>(value);
  } else if (name == "max_retransmissions") {
    parameters->max_retransmissions = static_cast<uint8_t>(value);
  } else if (name == "rack") {
    parameters->rack = on;
  } else if (name == "tail_loss_probe") {
    parameters->tail_loss_probe = on;
  } else if (name == "f_rto") {
    parameters->f_rto = on;
  } else if (name == "hystart") {
    parameters->hystart = on;
  } else {
    return false;
  }
  return true;
}

// Digits only, at most `most`.
std::optional<int64_t> ParseNumber(std::string_view text, int64_t most) {
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || value > most) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (text.empty() || value > most) return std::nullopt;
  return value;
}

}  // namespace

std::string EngineTarget::SetOption(std::string_view name,
                                    std::string_view value) {
  const std::string fault =
      "--" + std::string(name) + "=" + std::string(value) + " is not known";
  if (name == "profile") {
    if (value == "linux") {
      parameters_ = tcp::LinuxProfile();
    } else if (value == "chimney") {
      parameters_ = tcp::ChimneyProfile();
    } else {
      return fault;
    }
    return "";
  }
  if (name == "ip_version") {
    ipv6_ = value == "ipv6";
    return ipv6_ || value == "ipv4" ? "" : fault;
  }
  if (name == "congestion_control") {
    const bool reno = value == "reno";
    parameters_.congestion_control = reno ? tcp::CongestionControl::kNewReno
                                          : tcp::CongestionControl::kCubic;
    return reno || value == "cubic" ? "" : fault;
  }
  if (name == "mtu") {
    const std::optional<int64_t> mtu = ParseNumber(value, 65535);
    if (!mtu || *mtu < kMinMtuBytes) return fault;
    mtu_bytes_ = static_cast<uint32_t>(*mtu);
    return "";
  }
  const std::optional<int64_t> number = ParseNumber(value, UINT8_MAX);
  return number && SetParameter(&parameters_, name, *number) ? "" : fault;
}

// After a reset, and after a stop: no call goes through any more.
std::optional<CallResult> EngineTarget::Ended() const {
  if (!tcb_) return CallResult{-1, "ENOTCONN"};
  if (away()) return CallResult{-1, "EBUSY"};
  if (reset_by_peer_) return CallResult{-1, "ECONNRESET"};
  return std::nullopt;
}

CallResult EngineTarget::Write(const std::vector<uint8_t>& bytes, bool more) {
  if (const auto ended = Ended()) return *ended;
  if (write_shut_) return {-1, "EPIPE"};
  tcp::SendRecord* record = send_memory_.Make(bytes, written_, !more);
  record->push = !more;
  written_ += bytes.size();
  Handle(tcp::OnSend(*tcb_, EngineNow(), record));
  return {static_cast<int64_t>(bytes.size()), ""};
}

CallResult EngineTarget::Read(size_t max, std::vector<uint8_t>* bytes) {
  if (away() || !tcb_) return *Ended();
  tcp::FragmentList& queue = tcb_->receive_queue();
  while (!queue.empty() && bytes->size() < max) {
    tcp::Fragment* fragment = queue.front();
    const auto count = static_cast<uint32_t>(
        std::min<size_t>(fragment->length, max - bytes->size()));
    const ByteSpan span = store_.Bytes(*fragment).first(count);
    bytes->insert(bytes->end(), span.begin(), span.end());
    fragment->seq += count;
    fragment->length -= count;
    fragment->offset_in_chunk += count;
    if (fragment->length == 0) store_.Free(queue.PopFront());
  }
  if (!bytes->empty()) {
    Handle(tcp::OnReceiveConsumed(*tcb_, EngineNow(),
                                  static_cast<uint32_t>(bytes->size())));
    return {static_cast<int64_t>(bytes->size()), ""};
  }
  if (const auto ended = Ended()) return *ended;
  if (tcb_->FinDue()) return {0, ""};
  return {-1, "EAGAIN"};
}

CallResult EngineTarget::ShutdownWrite() {
  if (const auto ended = Ended()) return *ended;
  write_shut_ = true;
  Handle(tcp::OnDisconnect(*tcb_, EngineNow(), false));
  return {0, ""};
}

// A process that closes with unread data loses it, and the peer is told by a
// reset (RFC 1122 section 4.2.2.13); the engine leaves that to its caller
// (R162).
CallResult EngineTarget::Close() {
  if (away() || !tcb_) return *Ended();
  if (reset_by_peer_) return {0, ""};
  write_shut_ = true;
  const bool abortive = reset_on_close_ || tcb_->unread_bytes() != 0;
  Handle(tcp::OnDisconnect(*tcb_, EngineNow(), abortive));
  return {0, ""};
}

std::string EngineTarget::Choose(SocketChoice choice, int64_t value) {
  if (away()) return "the connection is away";
  const bool on = value != 0;
  switch (choice) {
    case SocketChoice::kNoDelay:
      cached_.nagle_enabled = !on;
      break;
    case SocketChoice::kKeepalive:
      cached_.keepalive_enabled = on;
      break;
    case SocketChoice::kKeepaliveIdle:
      cached_.ka_timeout = Duration::Seconds(value);
      break;
    case SocketChoice::kKeepaliveInterval:
      cached_.ka_interval = Duration::Seconds(value);
      break;
    case SocketChoice::kKeepaliveProbes:
      cached_.ka_probe_count = static_cast<uint8_t>(value);
      break;
    case SocketChoice::kUserTimeout:
      cached_.max_rt = Duration::Millis(value);
      break;
    case SocketChoice::kReceiveBuffer:
      cached_.initial_rcv_wnd = static_cast<uint32_t>(value);
      break;
    case SocketChoice::kPathMtu:
      if (value < kMinMtuBytes) return "the MTU is too small";
      mtu_bytes_ = static_cast<uint32_t>(value);
      break;
    case SocketChoice::kResetOnClose:
      reset_on_close_ = on;
      return "";
  }
  if (tcb_) Handle(tcp::OnUpdate(*tcb_, EngineNow(), cached_, mtu_bytes_));
  return "";
}

}  // namespace chimney::script
