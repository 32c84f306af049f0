// SPDX-License-Identifier: BSD-3-Clause
// A packet socket on one interface that moves frames in batches. Frames that
// leave through the interface are not seen. VLAN tags are not carried.
#ifndef CHIMNEY_TESTS_INTEGRATION_WIRE_FRAME_SOCKET_H_
#define CHIMNEY_TESTS_INTEGRATION_WIRE_FRAME_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"

namespace chimney::wire {

class FrameSocket {
 public:
  static constexpr size_t kBatch = 64;

  // Ends the program with a message if the interface cannot be used.
  explicit FrameSocket(const std::string& interface_name);
  ~FrameSocket();
  FrameSocket(const FrameSocket&) = delete;
  FrameSocket& operator=(const FrameSocket&) = delete;

  // A buffer to receive into, and then the frame in it.
  struct Slot {
    MutableByteSpan bytes;
    int64_t age_ns = 0;  // time since the frame reached the socket
  };

  // Fills slots from the front, at most kBatch, and shortens the span of each
  // filled one to the frame. Returns how many; does not wait.
  size_t Receive(std::span<Slot> slots);
  // Sends frames from the front, at most kBatch. Returns how many left.
  size_t Send(std::span<const ByteSpan> frames);

  int fd() const { return fd_; }
  // Frames that the socket had no room for since it was made.
  uint64_t Drops();
  // Frames that the interface refused, and which are lost.
  uint64_t refused() const { return refused_; }

 private:
  int fd_ = -1;
  uint64_t drops_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace chimney::wire

#endif  // CHIMNEY_TESTS_INTEGRATION_WIRE_FRAME_SOCKET_H_
