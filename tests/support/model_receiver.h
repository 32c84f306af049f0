// SPDX-License-Identifier: BSD-3-Clause
// The receiving half of the model peer: one entry of a map for each byte of the
// stream, and nothing cleverer than that.
#ifndef CHIMNEY_TESTS_SUPPORT_MODEL_RECEIVER_H_
#define CHIMNEY_TESTS_SUPPORT_MODEL_RECEIVER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace chimney::testing {

// Positions are 64-bit offsets in the stream from the first byte that this
// receiver can get; the FIN has the offset behind the last byte.
class ModelReceiver {
 public:
  struct Config {
    uint32_t buffer_bytes = 65536;
    uint32_t mss_bytes = 1460;
    uint8_t shift = 0;  // of the windows that it advertises
    // Opens the window by whatever became free (no RFC 1122 section 4.2.3.3).
    bool silly_windows = false;
  };

  // `edge`: the right edge that the other side already knows.
  ModelReceiver(const Config& config, uint64_t edge)
      : config_(config), edge_(edge) {}

  // Takes what lies inside the window. A FIN counts once all before it is here.
  void Accept(uint64_t offset, ByteSpan bytes, bool fin);

  // Next offset wanted; behind the FIN once that is in sequence.
  uint64_t next() const { return next_data_ + (fin_in_sequence() ? 1 : 0); }
  bool fin_in_sequence() const { return fin_ && *fin_ == next_data_; }
  // Highest right edge advertised.
  uint64_t edge() const { return edge_; }

  // The window field for a segment sent now; the right edge never moves back.
  uint16_t AdvertiseWindow();
  // True if AdvertiseWindow would move the edge enough to tell the peer.
  bool WindowUpdateDue() const;

  // Runs of bytes held beyond next(), that of the newest segment first
  // (RFC 2018 section 4).
  std::vector<std::pair<uint64_t, uint64_t>> Runs(size_t max_runs) const;

  size_t readable() const { return next_data_ - read_; }
  uint64_t read_offset() const { return read_; }
  // Takes up to `max` bytes off the stream.
  std::vector<uint8_t> Read(size_t max);

  void set_buffer_bytes(uint32_t bytes) { config_.buffer_bytes = bytes; }

 private:
  // The edge it would advertise now.
  uint64_t WantedEdge() const;
  uint64_t RunEnd(uint64_t from) const;

  Config config_;
  std::vector<uint8_t> stream_;
  std::vector<uint8_t> present_;  // 1 for each byte of stream_ that is here
  uint64_t next_data_ = 0;
  uint64_t read_ = 0;
  uint64_t edge_;
  uint64_t newest_ = 0;  // first byte of the newest segment kept
  std::optional<uint64_t> fin_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_MODEL_RECEIVER_H_
