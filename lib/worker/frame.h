// SPDX-License-Identifier: BSD-3-Clause
// Frames as a worker sees them, and the port it puts them on. The worker never
// learns what a frame is made of (an mbuf under the NIC, a vector in a test).
#ifndef CHIMNEY_WORKER_FRAME_H_
#define CHIMNEY_WORKER_FRAME_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "tcp/engine.h"

namespace chimney::worker {

// The two sides the daemon stands between (design section 2).
enum class Side : uint8_t { kWire, kHost };

// A received frame: one contiguous piece, readable for the length of the call,
// or until it is given back if the disposition is kHeld.
struct Frame {
  ByteSpan bytes;
  void* handle = nullptr;  // the I/O layer's name for it
  bool ip_checksum_trusted = false;
  bool l4_checksum_trusted = false;
  // The frame is whole in `bytes`; false for scattered frames, of which
  // `bytes` is the first piece. Such a frame of an offloaded flow is parked.
  bool contiguous = true;
};

// What the caller must do with each received frame, in order of arrival.
enum class Disposition : uint8_t {
  kForward,   // transmit unchanged on the other side
  kConsumed,  // free it
  kHeld,      // leave it: the worker names it later in ForwardHeld/FreeHeld
};

// A frame made by the worker: headers plus payload in place.
struct OutFrame {
  ByteSpan headers;  // Ethernet to the end of the TCP options
  uint16_t l2_bytes = 0;
  uint16_t l3_bytes = 0;
  uint16_t l4_bytes = 0;
  bool ipv6 = false;
  // The TCP checksum field holds the pseudo-header sum: the port finishes it.
  bool checksum_by_port = false;
  uint32_t payload_bytes = 0;
  uint8_t piece_count = 0;
  std::array<tcp::OutSegment::Piece, tcp::kMaxPayloadPieces> pieces;
};

// Where a worker puts frames. Implemented over DPDK ports by the daemon and
// over vectors by tests. Called on the worker's core only.
class FramePort {
 public:
  virtual ~FramePort() = default;
  // Frames that Transmit() would surely take now on that side.
  virtual size_t TransmitRoom(Side side) const = 0;
  // Sends; copies or references the payload. A port that references raises
  // io_refs of each piece's record now and lowers it when the driver is done.
  // False: dropped for lack of room (counted by the worker).
  virtual bool Transmit(Side side, const OutFrame& frame) = 0;
  // Sends a frame that was held, unchanged; takes it back in any case.
  virtual void ForwardHeld(Side to, void* handle) = 0;
  // Takes back a held frame without sending it.
  virtual void FreeHeld(void* handle) = 0;
  // Whether OutFrame::checksum_by_port may be used on the wire side.
  virtual bool ChecksumByPort() const = 0;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_FRAME_H_
