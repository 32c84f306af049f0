// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/netlink.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace chimney::kernel {

namespace {

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using SocketPtr = std::unique_ptr<mnl_socket, CloseSocket>;

int Visit(const nlmsghdr* message, void* visitor) {
  (*static_cast<const NetlinkVisitor*>(visitor))(message);
  return MNL_CB_OK;
}

KernelError Receive(mnl_socket* socket, uint32_t sequence, const char* step,
                    const NetlinkVisitor& visitor) {
  alignas(nlmsghdr) std::array<uint8_t, 32768> buffer;
  const unsigned int port = mnl_socket_get_portid(socket);
  for (;;) {
    const ssize_t got =
        mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
    if (got < 0) return KernelError{KernelErrorCode::kNetlink, errno, step};
    void* context = const_cast<NetlinkVisitor*>(&visitor);
    const int verdict = mnl_cb_run(buffer.data(), static_cast<size_t>(got),
                                   sequence, port, &Visit, context);
    if (verdict < 0) return KernelError{KernelErrorCode::kNetlink, errno, step};
    if (verdict == MNL_CB_STOP) return {};
  }
}

}  // namespace

NetlinkRequest::NetlinkRequest(uint16_t type, uint16_t flags) {
  nlmsghdr* header = mnl_nlmsg_put_header(buffer_.data());
  header->nlmsg_type = type;
  header->nlmsg_flags = static_cast<uint16_t>(
      NLM_F_REQUEST | flags |
      // NLM_F_DUMP is two bits, one of which means something else elsewhere.
      ((flags & NLM_F_DUMP) == NLM_F_DUMP ? 0 : NLM_F_ACK));
  header->nlmsg_seq = 1;
}

void NetlinkRequest::AddAddress(uint16_t type, const IpAddress& address) {
  const ByteSpan bytes = address.WireBytes();
  mnl_attr_put(message(), type, bytes.size(), bytes.data());
}

KernelError AskNetlink(int bus, NetlinkRequest& request, const char* step,
                       const NetlinkVisitor& visitor) {
  const SocketPtr socket(mnl_socket_open2(bus, SOCK_CLOEXEC));
  if (socket == nullptr ||
      mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0) {
    return KernelError{KernelErrorCode::kNetlink, errno, step};
  }
  // The kernel answers at once; should it ever not, the caller must not hang.
  const timeval patience = {1, 0};
  setsockopt(mnl_socket_get_fd(socket.get()), SOL_SOCKET, SO_RCVTIMEO,
             &patience, sizeof(patience));
  const nlmsghdr* message = request.message();
  if (mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) {
    return KernelError{KernelErrorCode::kNetlink, errno, step};
  }
  return Receive(socket.get(), message->nlmsg_seq, step, visitor);
}

namespace {

int Note(const nlattr* attribute, void* data) {
  auto& table = *static_cast<std::span<const nlattr*>*>(data);
  const uint16_t type = mnl_attr_get_type(attribute);
  if (type < table.size()) table[type] = attribute;
  return MNL_CB_OK;
}

}  // namespace

void CollectAttributes(const nlmsghdr* message, size_t header_bytes,
                       std::span<const nlattr*> table) {
  std::fill(table.begin(), table.end(), nullptr);
  if (mnl_nlmsg_get_payload_len(message) < header_bytes) return;
  mnl_attr_parse(message, static_cast<unsigned int>(header_bytes), &Note,
                 &table);
}

void CollectNested(const nlattr* parent, std::span<const nlattr*> table) {
  std::fill(table.begin(), table.end(), nullptr);
  if (parent == nullptr) return;
  mnl_attr_parse_nested(parent, &Note, &table);
}

uint32_t U32Or(const nlattr* attribute, uint32_t fallback) {
  if (attribute == nullptr ||
      mnl_attr_get_payload_len(attribute) < sizeof(uint32_t)) {
    return fallback;
  }
  return mnl_attr_get_u32(attribute);
}

uint16_t Be16Or(const nlattr* attribute, uint16_t fallback) {
  if (attribute == nullptr ||
      mnl_attr_get_payload_len(attribute) < sizeof(uint16_t)) {
    return fallback;
  }
  return LoadBe16(static_cast<const uint8_t*>(mnl_attr_get_payload(attribute)));
}

uint32_t Be32Or(const nlattr* attribute, uint32_t fallback) {
  if (attribute == nullptr ||
      mnl_attr_get_payload_len(attribute) < sizeof(uint32_t)) {
    return fallback;
  }
  return LoadBe32(static_cast<const uint8_t*>(mnl_attr_get_payload(attribute)));
}

bool ToAddress(const nlattr* attribute, IpAddress* address) {
  if (attribute == nullptr) return false;
  const auto* bytes =
      static_cast<const uint8_t*>(mnl_attr_get_payload(attribute));
  switch (mnl_attr_get_payload_len(attribute)) {
    case 4:
      *address = IpAddress::FromV4Bytes(std::span<const uint8_t, 4>(bytes, 4));
      return true;
    case 16:
      *address =
          IpAddress::FromV6Bytes(std::span<const uint8_t, 16>(bytes, 16));
      return true;
    default:
      return false;
  }
}

bool ToMac(const nlattr* attribute, MacAddress* mac) {
  if (attribute == nullptr ||
      mnl_attr_get_payload_len(attribute) != mac->bytes.size()) {
    return false;
  }
  std::memcpy(mac->bytes.data(), mnl_attr_get_payload(attribute),
              mac->bytes.size());
  return true;
}

}  // namespace chimney::kernel
