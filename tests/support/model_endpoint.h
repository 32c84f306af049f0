// SPDX-License-Identifier: BSD-3-Clause
// The model peer as one end of a simulated connection.
#ifndef CHIMNEY_TESTS_SUPPORT_MODEL_ENDPOINT_H_
#define CHIMNEY_TESTS_SUPPORT_MODEL_ENDPOINT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/model_peer.h"
#include "tests/support/stream_endpoint.h"

namespace chimney::testing {

class ModelEndpoint : public StreamEndpoint {
 public:
  ModelEndpoint(VirtualClock* clock, const ModelPeer::Config& config,
                ModelPeer::Transmit transmit)
      : peer_(clock, config, std::move(transmit)) {}

  void OnSegment(const WireSegment& segment) override {
    peer_.OnSegment(segment);
  }
  void Write(std::vector<uint8_t> bytes) override { peer_.Write(bytes); }
  void Close() override { peer_.Close(); }
  std::vector<uint8_t> Read(size_t max) override { return peer_.Read(max); }

  size_t readable() const override { return peer_.receiver().readable(); }
  uint64_t backlog() const override {
    const uint64_t acked = peer_.sender().una();
    const uint64_t written = peer_.sender().written();
    return written > acked ? written - acked : 0;
  }
  bool at_end_of_stream() const override {
    return peer_.receiver().fin_in_sequence() && readable() == 0;
  }
  bool finished() const override { return peer_.finished(); }
  bool broken() const override { return peer_.reset(); }
  std::string Status() const override { return peer_.Status(); }

  ModelPeer& peer() { return peer_; }

 private:
  ModelPeer peer_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_MODEL_ENDPOINT_H_
