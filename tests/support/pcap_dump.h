// SPDX-License-Identifier: BSD-3-Clause
// A capture of a simulated run, for people with Wireshark.
#ifndef CHIMNEY_TESTS_SUPPORT_PCAP_DUMP_H_
#define CHIMNEY_TESTS_SUPPORT_PCAP_DUMP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "tests/support/wire_segment.h"

namespace chimney::testing {

// Kept in memory; a file only appears when WriteTo is called.
class PcapDump {
 public:
  PcapDump();

  // As an IPv4 datagram between 10.77.0.1 (A) and 10.77.0.2 (B). Datagrams
  // beyond 64 MiB of capture are left out.
  void Record(Instant now, bool from_a, const WireSegment& segment);
  // Classic pcap with nanoseconds, raw IP. False if it cannot be written.
  bool WriteTo(const std::string& path) const;

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_PCAP_DUMP_H_
