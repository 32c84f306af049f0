// SPDX-License-Identifier: BSD-3-Clause
// Text forms of addresses, for control code and people: these allocate and must
// not be called on a worker's data path.
#ifndef CHIMNEY_BASE_INET_TEXT_H_
#define CHIMNEY_BASE_INET_TEXT_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/inet_address.h"

namespace chimney {

// "10.77.0.1", "fd77::1" (RFC 5952).
std::string ToString(const IpAddress& address);
// "02:00:00:00:00:01".
std::string ToString(const MacAddress& address);
// "10.77.0.1:5000 > 10.77.0.2:80", "[fd77::1]:5000 > [fd77::2]:80": local
// first.
std::string ToString(const FlowTuple& tuple);

// Only whole, plain addresses: no port, no zone, no blanks.
std::optional<IpAddress> ParseIpAddress(std::string_view text);
// Six two-digit hexadecimal groups separated by colons.
std::optional<MacAddress> ParseMacAddress(std::string_view text);

}  // namespace chimney

#endif  // CHIMNEY_BASE_INET_TEXT_H_
