// SPDX-License-Identifier: BSD-3-Clause
// The wire's router: it may drop what is larger than an MTU, and answer. What
// it does is told at run time, through the control socket.
#ifndef CHIMNEY_TESTS_INTEGRATION_WIRE_ROUTER_H_
#define CHIMNEY_TESTS_INTEGRATION_WIRE_ROUTER_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "too_big.h"

namespace chimney::wire {

// One per direction.
class Router {
 public:
  // 0: everything passes.
  void set_mtu_bytes(uint32_t mtu_bytes) { mtu_bytes_ = mtu_bytes; }

  // True if the frame may pass. If not, `*answer` is for its sender.
  bool Passes(ByteSpan frame, std::vector<uint8_t>* answer) {
    if (remember_ && IsPlainTcp(frame)) Remember(frame);
    if (mtu_bytes_ == 0 || UnfragmentableBytes(frame) <= mtu_bytes_) {
      return true;
    }
    *answer = TooBigAnswer(frame, mtu_bytes_);
    ++too_big_;
    return false;
  }

  // Starts to remember the largest TCP segment, for Forge.
  void StartRemembering() { remember_ = true; }

  // A too-big error about the largest TCP segment seen, with its sequence
  // number shifted; empty if none was seen.
  std::vector<uint8_t> Forge(uint32_t mtu_bytes, uint32_t sequence_shift) {
    if (remembered_.empty()) return {};
    std::vector<uint8_t> segment = remembered_;
    ShiftSequence(&segment, sequence_shift);
    return TooBigAnswer(segment, mtu_bytes);
  }

  uint64_t too_big() const { return too_big_; }

 private:
  void Remember(ByteSpan frame) {
    if (frame.size() >= remembered_.size()) {
      remembered_.assign(frame.begin(), frame.end());
    }
  }

  uint32_t mtu_bytes_ = 0;
  bool remember_ = false;
  uint64_t too_big_ = 0;
  std::vector<uint8_t> remembered_;
};

}  // namespace chimney::wire

#endif  // CHIMNEY_TESTS_INTEGRATION_WIRE_ROUTER_H_
