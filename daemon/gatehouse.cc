// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/gatehouse.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/gatekeeper.h"

namespace chimney::daemon {

std::unique_ptr<Gatehouse> Gatehouse::Start(const Limits& limits,
                                            std::string* error) {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    *error =
        std::string("no sockets for the gatehouse: ") + std::strerror(errno);
    return nullptr;
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t process = fork();
  if (process < 0) {
    *error =
        std::string("no process for the gatehouse: ") + std::strerror(errno);
    return nullptr;
  }
  if (process == 0) {
    ours.Reset();
    RunGatekeeper(std::move(theirs), limits.porters_per_user, limits.porters);
    _exit(0);
  }
  return std::unique_ptr<Gatehouse>(new Gatehouse(std::move(ours), process));
}

Gatehouse::~Gatehouse() {
  constexpr int kMillis = 1000;
  channel_.Reset();
  for (int i = 0; i < kMillis; ++i) {
    if (waitpid(process_, nullptr, WNOHANG) != 0) return;
    poll(nullptr, 0, 1);
  }
}

Gatehouse::Limits PorterLimits(const Config& config) {
  constexpr uint32_t kKindsOfSession = 2;
  constexpr uint32_t kOthersOfAUser = 128;
  constexpr uint32_t kOthers = 1024;
  return {kKindsOfSession * config.max_sessions_per_uid + kOthersOfAUser,
          kKindsOfSession * config.max_sessions + kOthers};
}

bool Gatehouse::Listen(UniqueFd listener) {
  const GateMessage message{GateMessage::Kind::kListen, 0, 0};
  return SendGateMessage(channel_.get(), message, listener.get());
}

Gatehouse::Arrival Gatehouse::Accept(Client* client) {
  GateMessage message;
  UniqueFd socket;
  switch (ReceiveGateMessage(channel_.get(), MSG_DONTWAIT, &message, &socket)) {
    case GateReceived::kMessage:
      break;
    case GateReceived::kNothing:
      return Arrival::kNobody;
    case GateReceived::kGone:
      return Arrival::kGatehouseGone;
  }
  // Without a descriptor left here it is turned away: its porter sees that.
  if (!socket.valid()) return Arrival::kNobody;
  client->socket = std::move(socket);
  client->uid = message.uid;
  client->pid = message.pid;
  return Arrival::kClient;
}

}  // namespace chimney::daemon
