// SPDX-License-Identifier: BSD-3-Clause
// The wire as the peer's end of the veth pair sees it: what the host sends is
// read from it, synthesized segments of the peer are put onto it.
#ifndef CHIMNEY_TESTS_INTEGRATION_KERNEL_FRAME_TAP_H_
#define CHIMNEY_TESTS_INTEGRATION_KERNEL_FRAME_TAP_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
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

  // Every TCP segment that came from the host since the last call.
  std::vector<SeenSegment> Take();
  // Puts a segment "from the peer" in front of the host.
  void Inject(const SocketImage& image, const PeerSegment& segment,
              ByteSpan payload = {});
  // Sends a segment of the connection past the host's kernel, as whoever runs
  // it in the kernel's place would.
  void SendFromHost(const SocketImage& image, SeqNum seq,
                    packet::TcpFlags flags, ByteSpan payload);

 private:
  NamespacePair& lab_;
  int fd_ = -1;       // at the peer
  int host_fd_ = -1;  // at the host
};

}  // namespace chimney::kernel

#endif  // CHIMNEY_TESTS_INTEGRATION_KERNEL_FRAME_TAP_H_
