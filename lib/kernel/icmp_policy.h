// SPDX-License-Identifier: BSD-3-Clause
// Whether an ICMP error may change the path of an offloaded connection, and how
// (RFC 1191, RFC 8201, RFC 5927; design D3). Pure.
#ifndef CHIMNEY_KERNEL_ICMP_POLICY_H_
#define CHIMNEY_KERNEL_ICMP_POLICY_H_

#include <cstdint>

#include "base/seq.h"
#include "packet/icmp.h"

namespace chimney::kernel {

// Linux's floors: net.ipv4.route.min_pmtu and the least MTU of IPv6 (RFC 8200
// section 5).
inline constexpr uint32_t kMinPathMtuIpv4Bytes = 552;
inline constexpr uint32_t kMinPathMtuIpv6Bytes = 1280;

enum class IcmpVerdict : uint8_t {
  kPathMtu,        // take path_mtu_bytes
  kNotTooBig,      // another error: the kernel deals with it
  kOutsideFlight,  // quotes nothing that is in flight: forged or late
  kNotSmaller,     // does not lower the path MTU
};

struct IcmpDecision {
  IcmpVerdict verdict = IcmpVerdict::kNotTooBig;
  bool update_path = false;  // verdict == kPathMtu
  uint32_t path_mtu_bytes = 0;
};

// `snd_una` and `snd_max` are the connection's now, `path_mtu_bytes` what it
// uses now. An error without a next-hop MTU takes the next lower plateau of RFC
// 1191 section 7.
IcmpDecision DecideIcmp(const packet::IcmpError& error, SeqNum snd_una,
                        SeqNum snd_max, uint32_t path_mtu_bytes);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_ICMP_POLICY_H_
