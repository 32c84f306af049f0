// SPDX-License-Identifier: BSD-3-Clause
// Random writers and readers.
#include "tests/support/stream_app.h"

#include <algorithm>
#include <utility>

namespace chimney::testing {
namespace {

// How soon to look again when there was nothing to do `times` times in a row:
// 1 ms at first, 64 ms in the end.
Duration PollGap(uint32_t times) {
  return Duration::Millis(int64_t{1} << std::min(times, 6u));
}

}  // namespace

StreamApp::StreamApp(VirtualClock* clock, StreamEndpoint* endpoint,
                     const Plan& plan, uint64_t seed)
    : clock_(clock),
      endpoint_(endpoint),
      plan_(plan),
      random_(seed),
      out_(plan.write_seed),
      in_(plan.read_seed) {}

void StreamApp::Start() {
  clock_->After(Gap(plan_.max_write_gap), [this] { WriteSome(); });
  clock_->After(Gap(plan_.max_read_gap), [this] { ReadSome(); });
}

void StreamApp::WriteSome() {
  if (closed_ || endpoint_->broken()) return;
  Duration gap = Gap(plan_.max_write_gap) + Duration::Micros(1);
  if (written_ < plan_.bytes_to_write) {
    if (endpoint_->backlog() < plan_.max_backlog_bytes) {
      const uint64_t left = plan_.bytes_to_write - written_;
      const uint64_t count =
          std::min<uint64_t>(left, 1 + random_.Below(plan_.max_write_bytes));
      endpoint_->Write(out_.Bytes(written_, count));
      written_ += count;
      idle_writes_ = 0;
    } else {
      gap = gap + PollGap(idle_writes_++);
    }
  } else if (!plan_.close_last || saw_end_) {
    closed_ = true;
    endpoint_->Close();
    return;
  } else {
    gap = gap + PollGap(idle_writes_++);
  }
  clock_->After(gap, [this] { WriteSome(); });
}

void StreamApp::ReadSome() {
  if (endpoint_->broken() || !error_.empty()) return;
  const uint64_t before = read_;
  CheckRead(endpoint_->Read(1 + random_.Below(plan_.max_read_bytes)));
  if (endpoint_->at_end_of_stream()) {
    saw_end_ = true;
    if (read_ != plan_.bytes_to_read) {
      error_ = "stream ended after " + std::to_string(read_) + " of " +
               std::to_string(plan_.bytes_to_read) + " bytes";
    }
    return;
  }
  Duration gap = Gap(plan_.max_read_gap) + Duration::Micros(1);
  idle_reads_ = read_ == before ? idle_reads_ + 1 : 0;
  if (idle_reads_ > 0) gap = gap + PollGap(idle_reads_ - 1);
  if (random_.Chance(plan_.rest_ppm, 1'000'000)) gap = plan_.rest;
  clock_->After(gap, [this] { ReadSome(); });
}

void StreamApp::CheckRead(const std::vector<uint8_t>& bytes) {
  const auto mismatch = in_.FirstMismatch(read_, bytes);
  read_ += bytes.size();
  if (mismatch) {
    error_ = "wrong byte at offset " + std::to_string(*mismatch);
  } else if (read_ > plan_.bytes_to_read) {
    error_ = "more bytes than were sent: " + std::to_string(read_);
  }
}

}  // namespace chimney::testing
