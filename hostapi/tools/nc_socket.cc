// SPDX-License-Identifier: BSD-3-Clause
// Connecting and accepting with the kernel.
#include "hostapi/tools/nc_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace chimney::tools {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Addresses Resolve(const std::string& host, const std::string& port, int flags,
                  std::string* error) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  const int failed = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  if (failed != 0) {
    *error = host + " port " + port + ": " + gai_strerror(failed);
    return nullptr;
  }
  return Addresses(list);
}

std::string Failure(const std::string& host, const std::string& port,
                    const char* what) {
  return std::string("cannot ") + what + " " + host + " port " + port + ": " +
         std::strerror(errno);
}

int OpenSocket(const addrinfo& address) {
  return socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC,
                address.ai_protocol);
}

}  // namespace

int ConnectTo(const std::string& host, const std::string& port,
              std::string* error) {
  const Addresses addresses = Resolve(host, port, AI_ADDRCONFIG, error);
  for (const addrinfo* one = addresses.get(); one != nullptr;
       one = one->ai_next) {
    const int fd = OpenSocket(*one);
    if (fd >= 0 && connect(fd, one->ai_addr, one->ai_addrlen) == 0) return fd;
    *error = Failure(host, port, "connect to");
    if (fd >= 0) close(fd);
  }
  return -1;
}

int AcceptOne(const std::string& host, const std::string& port,
              std::string* error) {
  const Addresses addresses = Resolve(host, port, AI_PASSIVE, error);
  for (const addrinfo* one = addresses.get(); one != nullptr;
       one = one->ai_next) {
    const int listener = OpenSocket(*one);
    const int on = 1;
    if (listener >= 0 &&
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(listener, one->ai_addr, one->ai_addrlen) == 0 &&
        listen(listener, 1) == 0) {
      const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) *error = Failure(host, port, "accept on");
      close(listener);
      return fd;
    }
    *error = Failure(host, port, "listen on");
    if (listener >= 0) close(listener);
  }
  return -1;
}

}  // namespace chimney::tools
