// SPDX-License-Identifier: BSD-3-Clause
// Addresses to text and back. The C library does IP addresses: it prints IPv6
// the way RFC 5952 wants and rejects what is not an address.
#include "base/inet_text.h"

#include <arpa/inet.h>

namespace chimney {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string EndpointText(const IpAddress& address, uint16_t port) {
  std::string text = ToString(address);
  if (address.IsV6()) text = "[" + text + "]";
  return text + ":" + std::to_string(port);
}

}  // namespace

std::string ToString(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  const int family = address.IsV4() ? AF_INET : AF_INET6;
  if (inet_ntop(family, address.bytes.data(), text, sizeof(text)) == nullptr) {
    return "?";
  }
  return text;
}

std::string ToString(const MacAddress& address) {
  std::string text;
  for (const uint8_t byte : address.bytes) {
    if (!text.empty()) text += ':';
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 0x0f];
  }
  return text;
}

std::string ToString(const FlowTuple& tuple) {
  return EndpointText(tuple.local, tuple.local_port) + " > " +
         EndpointText(tuple.remote, tuple.remote_port);
}

std::optional<IpAddress> ParseIpAddress(std::string_view text) {
  // inet_pton stops at a NUL; one inside the text would hide what follows.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  IpAddress address;
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) {
    return address;
  }
  address = IpAddress{};
  address.family = IpFamily::kIpv6;
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) {
    return address;
  }
  return std::nullopt;
}

std::optional<MacAddress> ParseMacAddress(std::string_view text) {
  MacAddress address;
  if (text.size() != address.bytes.size() * 3 - 1) return std::nullopt;
  for (size_t i = 0; i < address.bytes.size(); ++i) {
    const int high = HexValue(text[3 * i]);
    const int low = HexValue(text[3 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    if (i + 1 < address.bytes.size() && text[3 * i + 2] != ':') {
      return std::nullopt;
    }
    address.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return address;
}

}  // namespace chimney
