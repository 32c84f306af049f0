// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/icmp_policy.h"

#include <algorithm>
#include <array>

namespace chimney::kernel {

namespace {

// RFC 1191 section 7, table 7-1: sizes that real networks have.
uint32_t NextLowerPlateau(uint32_t mtu_bytes) {
  constexpr std::array<uint32_t, 10> kPlateaus = {
      32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
  for (const uint32_t plateau : kPlateaus) {
    if (plateau < mtu_bytes) return plateau;
  }
  return kPlateaus.back();
}

IcmpDecision Ignore(IcmpVerdict verdict) {
  IcmpDecision decision;
  decision.verdict = verdict;
  return decision;
}

}  // namespace

IcmpDecision DecideIcmp(const packet::IcmpError& error, SeqNum snd_una,
                        SeqNum snd_max, uint32_t path_mtu_bytes) {
  if (!error.is_too_big) return Ignore(IcmpVerdict::kNotTooBig);
  // Only who saw a segment that is in flight now can quote it.
  if (!error.quoted_seq.InWindow(snd_una, snd_max.BytesFrom(snd_una))) {
    return Ignore(IcmpVerdict::kOutsideFlight);
  }
  const uint32_t floor = error.family == IpFamily::kIpv4 ? kMinPathMtuIpv4Bytes
                                                         : kMinPathMtuIpv6Bytes;
  const uint32_t told = error.next_hop_mtu_bytes != 0
                            ? error.next_hop_mtu_bytes
                            : NextLowerPlateau(path_mtu_bytes);
  const uint32_t bounded = std::max(told, floor);
  if (bounded >= path_mtu_bytes) return Ignore(IcmpVerdict::kNotSmaller);
  IcmpDecision decision;
  decision.verdict = IcmpVerdict::kPathMtu;
  decision.update_path = true;
  decision.path_mtu_bytes = bounded;
  return decision;
}

}  // namespace chimney::kernel
