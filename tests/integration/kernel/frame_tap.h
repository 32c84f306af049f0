// SPDX-License-Identifier: BSD-3-Clause
// The wire as the peer's end of the veth pair sees it: what the host sends is
// read from it, synthesized segments of the peer are put onto it.
#ifndef CHIMNEY_TESTS_INTEGRATION_KERNEL_FRAME_TAP_H_
#define CHIMNEY_TESTS_INTEGRATION_KERNEL_FRAME_TAP_H_

#include <cstdint>
#include <vector>

#include "kernel/inject_plan.h"
#include "kernel/socket_image.h"
#include "namespace_pair.h"
#include "packet/segment.h"

namespace chimney::kernel {

// A TCP segment that came from the host; `payload` points nowhere.
struct SeenSegment {
  packet::Segment segment;
  uint32_t payload_bytes = 0;
};

class FrameTap {
 public:
  explicit FrameTap(NamespacePair& lab);
  ~FrameTap();
  FrameTap(const FrameTap&) = delete;
  FrameTap& operator=(const FrameTap&) = delete;

  // Everything that came from the host's port since the last call.
  std::vector<SeenSegment> Take(uint16_t host_port);
  // Puts a segment "from the peer" in front of the host.
  void Inject(const SocketImage& image, const PeerSegment& segment);

 private:
  NamespacePair& lab_;
  int fd_ = -1;
};

}  // namespace chimney::kernel

#endif  // CHIMNEY_TESTS_INTEGRATION_KERNEL_FRAME_TAP_H_
