// SPDX-License-Identifier: BSD-3-Clause
// Memory for the frames that are on the wire, allocated once.
#ifndef CHIMNEY_TESTS_INTEGRATION_WIRE_FRAME_POOL_H_
#define CHIMNEY_TESTS_INTEGRATION_WIRE_FRAME_POOL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace chimney::wire {

class FramePool {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  FramePool(uint32_t frames, uint32_t frame_bytes)
      : frame_bytes_(frame_bytes), memory_(size_t{frames} * frame_bytes) {
    free_.reserve(frames);
    for (uint32_t i = frames; i > 0; --i) free_.push_back(i - 1);
  }

  // kNone if every frame is in use.
  uint32_t Take() {
    if (free_.empty()) return kNone;
    const uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  void Return(uint32_t index) { free_.push_back(index); }

  uint8_t* data(uint32_t index) {
    return memory_.data() + size_t{index} * frame_bytes_;
  }
  MutableByteSpan span(uint32_t index, uint32_t length_bytes) {
    return {data(index), length_bytes};
  }
  uint32_t frame_bytes() const { return frame_bytes_; }

 private:
  const uint32_t frame_bytes_;
  std::vector<uint8_t> memory_;
  std::vector<uint32_t> free_;
};

}  // namespace chimney::wire

#endif  // CHIMNEY_TESTS_INTEGRATION_WIRE_FRAME_POOL_H_
