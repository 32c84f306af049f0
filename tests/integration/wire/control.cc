// SPDX-License-Identifier: BSD-3-Clause
#include "control.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace chimney::wire {

std::string CountersJson(Direction& from_a, Direction& from_b) {
  return "{\"from_a\": {" + from_a.Json() + "}, \"from_b\": {" + from_b.Json() +
         "}}";
}

Control::Control(const std::string& path, Direction& from_a, Direction& from_b)
    : path_(path), from_a_(from_a), from_b_(from_b) {
  if (path.empty()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    fprintf(stderr, "integration_wire: %s is too long\n", path.c_str());
    exit(1);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  unlink(path.c_str());
  if (fd_ < 0 ||
      bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    fprintf(stderr, "integration_wire: cannot listen on %s: %s\n", path.c_str(),
            strerror(errno));
    exit(1);
  }
}

Control::~Control() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(path_.c_str());
}

void Control::Serve() {
  for (;;) {
    char text[256];
    sockaddr_un sender{};
    socklen_t sender_bytes = sizeof(sender);
    const ssize_t got =
        recvfrom(fd_, text, sizeof(text), 0,
                 reinterpret_cast<sockaddr*>(&sender), &sender_bytes);
    if (got < 0) return;
    const std::string answer =
        Obey(std::string(text, static_cast<size_t>(got)));
    if (sender_bytes <= sizeof(sender.sun_family)) continue;
    sendto(fd_, answer.data(), answer.size(), 0,
           reinterpret_cast<sockaddr*>(&sender), sender_bytes);
  }
}

std::string Control::Obey(const std::string& order) {
  std::istringstream words(order);
  std::string verb;
  words >> verb;
  if (verb == "counters") return CountersJson(from_a_, from_b_);
  if (verb == "remember") {
    from_a_.router().StartRemembering();
    from_b_.router().StartRemembering();
    return "ok";
  }
  if (verb == "restart") {
    double loss_percent = 0;
    uint64_t seed = 0;
    if (!(words >> loss_percent >> seed) || !(loss_percent >= 0) ||
        loss_percent > 100) {
      return "error: restart takes a percentage and a seed";
    }
    from_a_.Restart(loss_percent, SeedFromA(seed));
    from_b_.Restart(loss_percent, SeedFromB(seed));
    return "ok";
  }
  if (verb == "mtu") {
    uint32_t mtu_bytes = 0;
    if (!(words >> mtu_bytes)) return "error: mtu takes a number";
    from_a_.router().set_mtu_bytes(mtu_bytes);
    from_b_.router().set_mtu_bytes(mtu_bytes);
    return "ok";
  }
  if (verb == "forge") {
    std::string side;
    uint32_t mtu_bytes = 0;
    uint32_t shift = 0;
    if (!(words >> side >> mtu_bytes >> shift) ||
        (side != "a" && side != "b")) {
      return "error: forge takes a or b, an MTU and a shift";
    }
    Direction& direction = side == "a" ? from_a_ : from_b_;
    return direction.Forge(mtu_bytes, shift) ? "ok"
                                             : "error: no segment was seen";
  }
  return "error: unknown order " + verb;
}

}  // namespace chimney::wire
