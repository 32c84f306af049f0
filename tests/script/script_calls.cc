// SPDX-License-Identifier: BSD-3-Clause
// Each call that a script may make.
#include "tests/script/script_calls.h"

#include <vector>

namespace chimney::script {
namespace {

constexpr int64_t kMostBytes = 16 << 20;

struct Choosable {
  std::string_view name;
  SocketChoice choice;
};

constexpr Choosable kChoices[] = {
    {"TCP_NODELAY", SocketChoice::kNoDelay},
    {"SO_KEEPALIVE", SocketChoice::kKeepalive},
    {"TCP_KEEPIDLE", SocketChoice::kKeepaliveIdle},
    {"TCP_KEEPINTVL", SocketChoice::kKeepaliveInterval},
    {"TCP_KEEPCNT", SocketChoice::kKeepaliveProbes},
    {"TCP_USER_TIMEOUT", SocketChoice::kUserTimeout},
};

std::optional<int64_t> NumberAt(const Call& call, size_t index) {
  if (index >= call.arguments.size()) return std::nullopt;
  const Argument& argument = call.arguments[index];
  if (argument.kind != Argument::Kind::kNumber) return std::nullopt;
  return argument.number;
}

std::string_view SymbolAt(const Call& call, size_t index) {
  if (index >= call.arguments.size()) return "";
  const Argument& argument = call.arguments[index];
  if (argument.kind != Argument::Kind::kSymbol) return "";
  return argument.symbol;
}

std::string Unclear(const Call& call) {
  return "the arguments of " + call.name + " are not understood";
}

// Flags that change nothing for a socket that never blocks.
bool IsHarmless(std::string_view flag) {
  return flag == "MSG_DONTWAIT" || flag == "MSG_NOSIGNAL";
}

// The flags of a send: false if one is unknown.
bool ReadSendFlags(std::string_view flags, bool* more) {
  while (!flags.empty()) {
    const size_t bar = std::min(flags.find('|'), flags.size());
    const std::string_view flag = flags.substr(0, bar);
    if (flag == "MSG_MORE") {
      *more = true;
    } else if (!IsHarmless(flag)) {
      return false;
    }
    flags.remove_prefix(std::min(bar + 1, flags.size()));
  }
  return true;
}

}  // namespace

std::string ScriptCalls::Run(const Call& call, CallResult* result) {
  const std::string& name = call.name;
  if (name == "accept") return Accept(call, result);
  const std::optional<int64_t> descriptor = NumberAt(call, 0);
  if (!descriptor) return Unclear(call);
  if (name == "close") return Close(call, result);
  if (*descriptor != connection_) {
    return "descriptor " + std::to_string(*descriptor) +
           " is not the connection's";
  }
  if (name == "write" || name == "send") return Send(call, result);
  if (name == "read" || name == "recv") return Receive(call, result);
  if (name == "shutdown") return Shutdown(call, result);
  if (name == "setsockopt") return SetOption(call);
  if (name == "getsockopt") return GetOption(call);
  if (name == "fcntl") {  // no call of a script blocks for lack of a flag
    result->value = call.result.value_or(0);
    return "";
  }
  return "unknown call \"" + name + "\"";
}

std::string ScriptCalls::Send(const Call& call, CallResult* result) {
  const std::optional<int64_t> bytes = NumberAt(call, 2);
  if (!bytes || *bytes < 0 || *bytes > kMostBytes) return Unclear(call);
  bool more = false;
  if (!ReadSendFlags(SymbolAt(call, 3), &more)) return Unclear(call);
  *result = target_->Write(
      numbering_->OwnBytes(written_, static_cast<size_t>(*bytes)), more);
  if (result->value > 0) written_ += static_cast<uint64_t>(result->value);
  return "";
}

std::string ScriptCalls::Receive(const Call& call, CallResult* result) {
  const std::optional<int64_t> bytes = NumberAt(call, 2);
  if (!bytes || *bytes < 0 || *bytes > kMostBytes) return Unclear(call);
  std::vector<uint8_t> got;
  *result = target_->Read(static_cast<size_t>(*bytes), &got);
  if (!numbering_->ArePeerBytes(read_, got)) {
    return "what was read is not what the peer sent";
  }
  read_ += got.size();
  return "";
}

std::string ScriptCalls::Shutdown(const Call& call, CallResult* result) {
  if (SymbolAt(call, 1) != "SHUT_WR") return Unclear(call);
  *result = target_->ShutdownWrite();
  return "";
}

std::string ScriptCalls::Accept(const Call& call, CallResult* result) {
  if (NumberAt(call, 0) != listener_ || listener_ < 0 || connection_ >= 0) {
    return "nothing can be accepted";
  }
  if (!call.result || *call.result < 0) return Unclear(call);
  connection_ = result->value = *call.result;
  return "";
}

std::string ScriptCalls::Close(const Call& call, CallResult* result) {
  const int64_t descriptor = *NumberAt(call, 0);
  if (descriptor < 0) return Unclear(call);
  if (descriptor == listener_) {
    listener_ = -1;
    return "";
  }
  if (descriptor != connection_) return "nothing to close";
  *result = target_->Close();
  return "";
}

std::string ScriptCalls::SetOption(const Call& call) {
  const std::string_view name = SymbolAt(call, 2);
  const bool has_value = call.arguments.size() > 3 &&
                         call.arguments[3].kind == Argument::Kind::kList &&
                         !call.arguments[3].list.empty();
  if (!has_value) return Unclear(call);
  const std::vector<int64_t>& list = call.arguments[3].list;
  if (name == "SO_REUSEADDR") return "";
  if (name == "SO_LINGER") {
    const bool reset = list.size() == 2 && list[0] == 1 && list[1] == 0;
    if (!reset) return "only SO_LINGER with no time is known";
    return target_->Choose(SocketChoice::kResetOnClose, 1);
  }
  for (const Choosable& choosable : kChoices) {
    if (choosable.name == name)
      return target_->Choose(choosable.choice, list[0]);
  }
  return "unknown socket option \"" + std::string(name) + "\"";
}

std::string ScriptCalls::GetOption(const Call& call) const {
  const bool fine = SymbolAt(call, 2) == "SO_ERROR" &&
                    call.arguments.size() > 3 &&
                    call.arguments[3].list == std::vector<int64_t>{0};
  if (!fine) return "only getsockopt of SO_ERROR [0] is known";
  if (target_->Info("aborted") == 1) return "the connection was reset";
  return "";
}

std::string ScriptCalls::Compare(const Call& call, const CallResult& result) {
  const bool same = !call.result || (*call.result == result.value &&
                                     call.error == result.error);
  if (same) return "";
  return call.name + " returned " + std::to_string(result.value) +
         (result.error.empty() ? "" : " " + result.error) + ", not " +
         std::to_string(*call.result) +
         (call.error.empty() ? "" : " " + call.error);
}

}  // namespace chimney::script
