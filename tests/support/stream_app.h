// SPDX-License-Identifier: BSD-3-Clause
// The application of a simulated run: writes a seeded stream in pieces of
// random size, reads and checks the other one at random pace, closes, and says
// when something is wrong.
#ifndef CHIMNEY_TESTS_SUPPORT_STREAM_APP_H_
#define CHIMNEY_TESTS_SUPPORT_STREAM_APP_H_

#include <cstdint>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "tests/support/byte_stream.h"
#include "tests/support/stream_endpoint.h"
#include "tests/support/virtual_clock.h"

namespace chimney::testing {

class StreamApp {
 public:
  struct Plan {
    uint64_t write_seed = 1;
    uint64_t read_seed = 2;  // the other side's write_seed
    uint64_t bytes_to_write = 100'000;
    uint64_t bytes_to_read = 100'000;
    uint32_t max_write_bytes = 20'000;
    uint32_t max_read_bytes = 20'000;
    Duration max_write_gap = Duration::Millis(5);
    Duration max_read_gap = Duration::Millis(5);
    // Stops writing while this much is unacknowledged (a send buffer).
    uint32_t max_backlog_bytes = 1u << 20;
    // Each read is followed by a long rest with this chance: the window closes.
    uint32_t rest_ppm = 0;
    Duration rest = Duration::Seconds(5);
    // Closes only after the other side has closed.
    bool close_last = false;
  };

  StreamApp(VirtualClock* clock, StreamEndpoint* endpoint, const Plan& plan,
            uint64_t seed);
  StreamApp(const StreamApp&) = delete;
  StreamApp& operator=(const StreamApp&) = delete;

  // Schedules the first write and read. The app must outlive the clock's run.
  void Start();

  // Empty while every byte read was right.
  const std::string& error() const { return error_; }
  uint64_t bytes_written() const { return written_; }
  uint64_t bytes_read() const { return read_; }
  bool closed() const { return closed_; }
  // Read everything to the end of the stream, and closed.
  bool done() const { return closed_ && saw_end_; }
  // Grows with anything that the application got done.
  uint64_t progress() const { return written_ + read_ + (closed_ ? 1 : 0); }

 private:
  void WriteSome();
  void ReadSome();
  void CheckRead(const std::vector<uint8_t>& bytes);
  Duration Gap(Duration max) {
    return Duration::Micros(
        random_.Below(static_cast<uint32_t>(max.micros()) + 1));
  }

  VirtualClock* clock_;
  StreamEndpoint* endpoint_;
  Plan plan_;
  Random random_;
  ByteStream out_;
  ByteStream in_;
  uint64_t written_ = 0;
  uint64_t read_ = 0;
  uint32_t idle_writes_ = 0;
  uint32_t idle_reads_ = 0;
  bool closed_ = false;
  bool saw_end_ = false;
  std::string error_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_STREAM_APP_H_
