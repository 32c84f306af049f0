// SPDX-License-Identifier: BSD-3-Clause
// A socket of this machine's kernel as what a script is run against, in real
// time. It is alone in a namespace; the script is its peer. What it sends is
// shown without PSH, and its window probes, which have no data, with the byte
// that is probed for.
#ifndef CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_KERNEL_TARGET_H_
#define CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_KERNEL_TARGET_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/integration/differential/ip_packet.h"
#include "tests/integration/differential/tun_namespace.h"
#include "tests/script/script_target.h"

namespace chimney::differential {

class KernelTarget : public script::ScriptTarget {
 public:
  KernelTarget();
  ~KernelTarget() override;

  bool real_time() const override { return true; }
  std::string SetOption(std::string_view name, std::string_view value) override;
  // Moves the calling thread into a namespace of its own.
  std::string Start(Duration now,
                    const script::ConnectionStart& start) override;
  void AdvanceTo(Duration to) override;
  void AdvanceUntilSent(Duration limit) override;
  Duration now() const override;
  std::optional<script::SentSegment> NextSent() override;
  void Inject(const testing::WireSegment& segment,
              script::EcnMark ecn) override;
  script::CallResult Write(const std::vector<uint8_t>& bytes,
                           bool more) override;
  script::CallResult Read(size_t max, std::vector<uint8_t>* bytes) override;
  script::CallResult ShutdownWrite() override;
  script::CallResult Close() override;
  std::string Choose(script::SocketChoice choice, int64_t value) override;
  std::string Terminate() override;
  std::string Offload() override;
  std::optional<int64_t> Info(std::string_view name) const override;
  std::string Violation() const override { return violation_; }

  // Whether Info() has such a number.
  static bool HasInfo(std::string_view name);

 private:
  std::string Prepare(const script::ConnectionStart& start);
  std::string OpenSocket(const script::ConnectionStart& start);
  // From here on the socket is in TCP_REPAIR, until Release().
  std::string Connect(const script::ConnectionStart& start);
  std::string SetQueueSeq(int queue, uint32_t seq);
  std::string RestoreOptions(const script::ConnectionStart& start);
  std::string RestoreWindow(const script::ConnectionStart& start);
  std::string WarmUp(const script::ConnectionStart& start);
  void Set(int level, int option, int value, const char* what);
  // Takes in what the kernel has sent so far.
  void Drain();
  // Gives a window probe its byte, if `segment` is one.
  void FillProbe(testing::WireSegment* segment) const;
  int64_t StateOfOrphan() const;

  TunNamespace lab_;
  bool ipv6_ = false;
  uint32_t mtu_bytes_ = 1500;
  std::string congestion_control_ = "cubic";
  bool quick_acks_ = true;
  std::map<std::string, int64_t> sysctls_;
  std::vector<std::pair<script::SocketChoice, int64_t>> choices_;
  Path from_peer_;
  int fd_ = -1;
  int64_t epoch_nanos_ = 0;  // of the machine's clock, when scripts have 0
  Duration injected_at_;     // the last of the peer's segments
  uint32_t first_seq_ = 0;   // of the first byte that is written
  std::vector<uint8_t> written_;
  uint32_t peer_ack_ = 0;  // of the peer's last segment
  bool peer_window_closed_ = false;
  std::deque<script::SentSegment> sent_;
  std::string violation_;
};

}  // namespace chimney::differential

#endif  // CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_KERNEL_TARGET_H_
