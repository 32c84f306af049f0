// SPDX-License-Identifier: BSD-3-Clause
// Byte-map receiver.
#include "tests/support/model_receiver.h"

#include <algorithm>
#include <cstring>

namespace chimney::testing {

void ModelReceiver::Accept(uint64_t offset, ByteSpan bytes, bool fin) {
  const uint64_t end = offset + bytes.size();
  const uint64_t from = std::max(offset, next_data_);
  // Nothing is kept behind a FIN that is known, nor beyond the window.
  uint64_t to = std::min(end, edge_);
  if (fin_) to = std::min(to, *fin_);
  if (from < to) {
    if (stream_.size() < to) {
      stream_.resize(to);
      present_.resize(to);
    }
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(from - offset),
                to - from, stream_.begin() + static_cast<std::ptrdiff_t>(from));
    std::fill_n(present_.begin() + static_cast<std::ptrdiff_t>(from), to - from,
                uint8_t{1});
    newest_ = from;
  }
  if (fin && end >= next_data_ && end <= edge_ && !fin_) fin_ = end;
  next_data_ = RunEnd(next_data_);
}

uint64_t ModelReceiver::RunEnd(uint64_t from) const {
  if (from >= present_.size() || present_[from] == 0) return from;
  const void* hole =
      std::memchr(present_.data() + from, 0, present_.size() - from);
  if (hole == nullptr) return present_.size();
  return static_cast<uint64_t>(static_cast<const uint8_t*>(hole) -
                               present_.data());
}

uint64_t ModelReceiver::WantedEdge() const {
  const uint64_t used = next_data_ - read_;
  const uint64_t free =
      config_.buffer_bytes > used ? config_.buffer_bytes - used : 0;
  // Room is offered in whole units of the window field.
  const uint64_t offered = (free >> config_.shift) << config_.shift;
  const uint64_t wanted = std::max(edge_, next() + offered);
  const uint64_t step =
      std::min<uint64_t>(config_.buffer_bytes / 2, uint64_t{config_.mss_bytes});
  if (!config_.silly_windows && wanted - edge_ < step) return edge_;
  return wanted;
}

bool ModelReceiver::WindowUpdateDue() const {
  const uint64_t gain = WantedEdge() - edge_;
  return gain > 0 && (edge_ <= next() || gain >= config_.buffer_bytes / 2);
}

uint16_t ModelReceiver::AdvertiseWindow() {
  const uint64_t unit = uint64_t{1} << config_.shift;
  const uint64_t start = next();
  const uint64_t wanted = WantedEdge();
  // What was promised is rounded up, so that the edge never moves back.
  const uint64_t ahead = wanted > start ? wanted - start : 0;
  const uint64_t raw = std::min<uint64_t>((ahead + unit - 1) / unit, 65535);
  edge_ = std::max(edge_, start + raw * unit);
  return static_cast<uint16_t>(raw);
}

std::vector<std::pair<uint64_t, uint64_t>> ModelReceiver::Runs(
    size_t max_runs) const {
  std::vector<std::pair<uint64_t, uint64_t>> runs;
  uint64_t at = next_data_;
  while (at < present_.size()) {
    const void* held =
        std::memchr(present_.data() + at, 1, present_.size() - at);
    if (held == nullptr) break;
    at = static_cast<uint64_t>(static_cast<const uint8_t*>(held) -
                               present_.data());
    const uint64_t end = RunEnd(at);
    const bool is_newest = at <= newest_ && newest_ < end;
    runs.insert(is_newest ? runs.begin() : runs.end(), {at, end});
    at = end;
  }
  if (runs.size() > max_runs) runs.resize(max_runs);
  return runs;
}

std::vector<uint8_t> ModelReceiver::Read(size_t max) {
  const size_t count = std::min(max, readable());
  const auto first = stream_.begin() + static_cast<std::ptrdiff_t>(read_);
  read_ += count;
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace chimney::testing
