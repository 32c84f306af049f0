// SPDX-License-Identifier: BSD-3-Clause
// One question to the kernel over netlink and its answers. Internal to the
// room.
#ifndef CHIMNEY_KERNEL_NETLINK_H_
#define CHIMNEY_KERNEL_NETLINK_H_

#include <libmnl/libmnl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/inet_address.h"
#include "kernel/kernel_error.h"
#include "kernel/netlink_sockets.h"

namespace chimney::kernel {

// What ends an answer that is no error.
enum class NetlinkAnswer : uint8_t {
  kOneMessage,  // of a lookup
  kDump,        // the kernel says so itself
  kAcknowledgement,
};

// A request under construction: header, one family header, attributes.
class NetlinkRequest {
 public:
  // `flags` besides those that the answer asks for.
  NetlinkRequest(uint16_t type, NetlinkAnswer answer, uint16_t flags = 0);

  // The family header that follows; call once, before any attribute.
  template <typename Header>
  Header* AddHeader() {
    return static_cast<Header*>(
        mnl_nlmsg_put_extra_header(message(), sizeof(Header)));
  }
  void AddAddress(uint16_t type, const IpAddress& address);

  NetlinkAnswer answer() const { return answer_; }
  nlmsghdr* message() { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }

 private:
  const NetlinkAnswer answer_;
  alignas(nlmsghdr) std::array<uint8_t, 1024> buffer_{};
};

using NetlinkVisitor = std::function<void(const nlmsghdr*)>;

// Sends the request and shows every answer to `visitor`. An error that the
// kernel answered with is kNetlink with its errno.
KernelError AskNetlink(NetlinkSockets& sockets, int bus,
                       NetlinkRequest& request, const char* step,
                       const NetlinkVisitor& visitor);

// The attributes of one level by type; types above N-1 are left out. Lengths
// are proved against the message; values still have to be checked for size.
template <size_t N>
using AttributeTable = std::array<const nlattr*, N>;

void CollectAttributes(const nlmsghdr* message, size_t header_bytes,
                       std::span<const nlattr*> table);
void CollectNested(const nlattr* parent, std::span<const nlattr*> table);

// The value, or `fallback` if the attribute is missing or too short.
uint32_t U32Or(const nlattr* attribute, uint32_t fallback);
uint16_t Be16Or(const nlattr* attribute, uint16_t fallback);
uint32_t Be32Or(const nlattr* attribute, uint32_t fallback);
// False if the attribute is missing or is no address of 4 or 16 bytes.
bool ToAddress(const nlattr* attribute, IpAddress* address);
bool ToMac(const nlattr* attribute, MacAddress* mac);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_NETLINK_H_
