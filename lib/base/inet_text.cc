// SPDX-License-Identifier: BSD-3-Clause
// Addresses to text and back (RFC 4291 section 2.2, RFC 5952).
#include "base/inet_text.h"

#include <array>
#include <charconv>
#include <cstddef>

namespace chimney {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr size_t kGroups = 8;

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string Ipv4Text(const uint8_t* bytes) {
  std::string text = std::to_string(bytes[0]);
  for (size_t i = 1; i < 4; ++i) text += "." + std::to_string(bytes[i]);
  return text;
}

// Appends a group in hexadecimal without leading zeros.
void AppendGroup(uint16_t group, std::string* text) {
  std::array<char, 4> digits{};
  const std::to_chars_result result =
      std::to_chars(digits.data(), digits.data() + digits.size(), group, 16);
  text->append(digits.data(), result.ptr);
}

// The run of zero groups that "::" stands for: the longest, the first of equal
// ones, and never a single group (RFC 5952 section 4.2).
struct ZeroRun {
  size_t start = kGroups;
  size_t count = 0;
};

ZeroRun LongestZeroRun(const std::array<uint16_t, kGroups>& groups) {
  ZeroRun longest;
  size_t start = 0;
  for (size_t i = 0; i < kGroups; ++i) {
    if (groups[i] != 0) {
      start = i + 1;
      continue;
    }
    const size_t count = i + 1 - start;
    if (count >= 2 && count > longest.count) longest = {start, count};
  }
  return longest;
}

std::string Ipv6Text(const uint8_t* bytes) {
  std::array<uint16_t, kGroups> groups{};
  for (size_t i = 0; i < kGroups; ++i) groups[i] = LoadBe16(bytes + 2 * i);
  const ZeroRun zeros = LongestZeroRun(groups);
  // An IPv4-mapped address shows its IPv4 part (RFC 5952 section 5).
  if (zeros.start == 0 && zeros.count == 5 && groups[5] == 0xffff) {
    return "::ffff:" + Ipv4Text(bytes + 12);
  }
  std::string text;
  for (size_t i = 0; i < kGroups; ++i) {
    if (i == zeros.start) {
      text += "::";
      i += zeros.count - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    AppendGroup(groups[i], &text);
  }
  return text;
}

// Four decimal numbers without leading zeros. `to` has 4 bytes.
bool ParseIpv4(std::string_view text, uint8_t* to) {
  for (size_t i = 0; i < 4; ++i) {
    const size_t length = i < 3 ? text.find('.') : text.size();
    if (length == std::string_view::npos || length == 0 || length > 3) {
      return false;
    }
    unsigned value = 0;
    for (const char c : text.substr(0, length)) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    if (value > 255 || (length > 1 && text[0] == '0')) return false;
    to[i] = static_cast<uint8_t>(value);
    text.remove_prefix(i < 3 ? length + 1 : length);
  }
  return true;
}

// Groups on one side of "::", or all of them: "fd77:0:1", the last of which may
// be an IPv4 address if `may_end_in_ipv4`. Returns the bytes written to `to`
// (at most 16), or -1.
int ParseGroups(std::string_view text, bool may_end_in_ipv4,
                std::array<uint8_t, 16>* to) {
  size_t written = 0;
  while (!text.empty()) {
    const size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && may_end_in_ipv4 && written <= 12 &&
        group.find('.') != std::string_view::npos) {
      return ParseIpv4(group, to->data() + written)
                 ? static_cast<int>(written + 4)
                 : -1;
    }
    if (group.empty() || group.size() > 4 || written == 16) return -1;
    unsigned value = 0;
    for (const char c : group) {
      const int digit = HexValue(c);
      if (digit < 0) return -1;
      value = value * 16 + static_cast<unsigned>(digit);
    }
    StoreBe16(to->data() + written, static_cast<uint16_t>(value));
    written += 2;
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return -1;  // A single colon at the end.
  }
  return static_cast<int>(written);
}

bool ParseIpv6(std::string_view text, std::array<uint8_t, 16>* to) {
  const size_t gap = text.find("::");
  if (gap == std::string_view::npos) return ParseGroups(text, true, to) == 16;
  std::array<uint8_t, 16> tail{};
  const int before = ParseGroups(text.substr(0, gap), false, to);
  const int after = ParseGroups(text.substr(gap + 2), true, &tail);
  // The gap stands for at least one group.
  if (before < 0 || after < 0 || before + after > 14) return false;
  const auto tail_bytes = static_cast<size_t>(after);
  std::memcpy(to->data() + 16 - tail_bytes, tail.data(), tail_bytes);
  return true;
}

std::string EndpointText(const IpAddress& address, uint16_t port) {
  std::string text = ToString(address);
  if (address.IsV6()) text = "[" + text + "]";
  return text + ":" + std::to_string(port);
}

}  // namespace

std::string ToString(const IpAddress& address) {
  return address.IsV4() ? Ipv4Text(address.bytes.data())
                        : Ipv6Text(address.bytes.data());
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
  IpAddress v4;
  if (ParseIpv4(text, v4.bytes.data())) return v4;
  IpAddress v6;
  v6.family = IpFamily::kIpv6;
  if (ParseIpv6(text, &v6.bytes)) return v6;
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
