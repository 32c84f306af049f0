// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/netlink.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace chimney::kernel {

namespace {

int Visit(const nlmsghdr* message, void* visitor) {
  (*static_cast<const NetlinkVisitor*>(visitor))(message);
  return MNL_CB_OK;
}

// Reads until the answer ends. False: it did not, so the socket is of no use.
bool Receive(mnl_socket* socket, NetlinkRequest& request, const char* step,
             const NetlinkVisitor& visitor, KernelError* error) {
  alignas(nlmsghdr) std::array<uint8_t, 32768> buffer;
  const uint32_t sequence = request.message()->nlmsg_seq;
  const unsigned int port = mnl_socket_get_portid(socket);
  for (;;) {
    const ssize_t got =
        mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
    if (got < 0) {
      *error = KernelError{KernelErrorCode::kNetlink, errno, step};
      return false;
    }
    void* context = const_cast<NetlinkVisitor*>(&visitor);
    const int verdict = mnl_cb_run(buffer.data(), static_cast<size_t>(got),
                                   sequence, port, &Visit, context);
    if (verdict == MNL_CB_STOP) return true;
    if (verdict > MNL_CB_STOP) {
      if (request.answer() == NetlinkAnswer::kOneMessage) return true;
      continue;
    }
    *error = KernelError{KernelErrorCode::kNetlink, errno, step};
    // An error message ends the answer; anything else was not ours to read.
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
    return message->nlmsg_type == NLMSG_ERROR && message->nlmsg_seq == sequence;
  }
}

}  // namespace

NetlinkRequest::NetlinkRequest(uint16_t type, NetlinkAnswer answer,
                               uint16_t flags)
    : answer_(answer) {
  nlmsghdr* header = mnl_nlmsg_put_header(buffer_.data());
  header->nlmsg_type = type;
  header->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  if (answer == NetlinkAnswer::kDump) header->nlmsg_flags |= NLM_F_DUMP;
  if (answer == NetlinkAnswer::kAcknowledgement) {
    header->nlmsg_flags |= NLM_F_ACK;
  }
}

void NetlinkRequest::AddAddress(uint16_t type, const IpAddress& address) {
  const ByteSpan bytes = address.WireBytes();
  mnl_attr_put(message(), type, bytes.size(), bytes.data());
}

KernelError AskNetlink(NetlinkSockets& sockets, int bus,
                       NetlinkRequest& request, const char* step,
                       const NetlinkVisitor& visitor) {
  mnl_socket* socket = sockets.Get(bus);
  if (socket == nullptr) {
    return KernelError{KernelErrorCode::kNetlink, errno, step};
  }
  nlmsghdr* message = request.message();
  message->nlmsg_seq = sockets.NextSequence();
  KernelError error;
  if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0) {
    error = KernelError{KernelErrorCode::kNetlink, errno, step};
    sockets.Drop(bus);
  } else if (!Receive(socket, request, step, visitor, &error)) {
    sockets.Drop(bus);
  }
  return error;
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
