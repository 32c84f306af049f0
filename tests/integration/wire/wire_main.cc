// SPDX-License-Identifier: BSD-3-Clause
// integration_wire: a wire between two interfaces that loses, doubles, delays
// and reorders frames as its seed says, in both directions, and that may be a
// bottleneck with a rate and a queue. Prints "ready", then, at SIGTERM or
// SIGINT, its counters as JSON; latest_us there says how late a frame has been.
#include <gflags/gflags.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>

#include "control.h"
#include "direction.h"

DEFINE_string(a, "", "one interface");
DEFINE_string(b, "", "the other interface");
DEFINE_double(loss, 0, "percent of frames that are lost");
DEFINE_double(dup, 0, "percent of frames that arrive twice");
DEFINE_double(reorder, 0, "percent of frames that come late");
DEFINE_uint32(reorder_us, 300, "how much later those come");
DEFINE_uint32(delay_us, 0, "delay of every frame");
DEFINE_uint64(rate, 0, "bits per second each way; 0 = unlimited");
DEFINE_uint32(queue, 8192, "frames that may wait for the rate each way");
DEFINE_uint32(flying, 8192, "frames that may be on their way each way");
DEFINE_uint64(seed, 1, "seed of every decision");
DEFINE_uint32(frame_bytes, 2048, "largest frame");
DEFINE_uint32(mtu_drop, 0, "IP packets above this are dropped and answered");
DEFINE_string(control, "", "path of a datagram socket for orders");

namespace {

using chimney::wire::Control;
using chimney::wire::Direction;
using chimney::wire::FramePool;
using chimney::wire::FrameSocket;
using chimney::wire::Impairments;
using chimney::wire::SeedFromA;
using chimney::wire::SeedFromB;

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool IsPercent(double value) {
  return std::isfinite(value) && value >= 0 && value <= 100;
}

// SIGTERM and SIGINT become readable.
int MakeSignalFd() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

Impairments FromFlags() {
  Impairments result;
  result.percent.loss = FLAGS_loss;
  result.percent.duplicate = FLAGS_dup;
  result.percent.reorder = FLAGS_reorder;
  result.reorder_ns = int64_t{FLAGS_reorder_us} * 1000;
  result.delay_ns = int64_t{FLAGS_delay_us} * 1000;
  result.rate_bits_per_s = FLAGS_rate;
  result.queue_frames = FLAGS_queue;
  result.flying_frames = FLAGS_flying;
  return result;
}

// Waits until a frame arrives or is due. True if the program has to end.
bool Wait(pollfd (&fds)[4], int64_t next_due_ns) {
  timespec timeout{};
  timespec* until = nullptr;
  if (next_due_ns != INT64_MAX) {
    const int64_t wait_ns = std::max<int64_t>(next_due_ns - NowNs(), 0);
    timeout.tv_sec = wait_ns / 1'000'000'000;
    timeout.tv_nsec = wait_ns % 1'000'000'000;
    until = &timeout;
  }
  ppoll(fds, 4, until, nullptr);
  return (fds[3].revents & POLLIN) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (argc != 1 || FLAGS_a.empty() || FLAGS_b.empty() ||
      !IsPercent(FLAGS_loss) || !IsPercent(FLAGS_dup) ||
      !IsPercent(FLAGS_reorder) || FLAGS_frame_bytes < 64) {
    fprintf(stderr, "usage: integration_wire --a=IFACE --b=IFACE [flags]\n");
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1UL);  // frames are due to the microsecond
  const int signals = MakeSignalFd();
  FrameSocket side_a(FLAGS_a);
  FrameSocket side_b(FLAGS_b);
  FramePool pool(2 * FLAGS_flying + 4 * FrameSocket::kBatch, FLAGS_frame_bytes);
  const Impairments impairments = FromFlags();
  Direction from_a(side_a, side_b, pool, impairments, SeedFromA(FLAGS_seed));
  Direction from_b(side_b, side_a, pool, impairments, SeedFromB(FLAGS_seed));
  from_a.router().set_mtu_bytes(FLAGS_mtu_drop);
  from_b.router().set_mtu_bytes(FLAGS_mtu_drop);
  Control control(FLAGS_control, from_a, from_b);
  printf("ready\n");
  fflush(stdout);
  pollfd fds[4] = {{side_a.fd(), POLLIN, 0},
                   {side_b.fd(), POLLIN, 0},
                   {control.fd(), POLLIN, 0},
                   {signals, POLLIN, 0}};
  uint32_t busy_turns = 0;
  for (bool ends = false; !ends;) {
    const int64_t now_ns = NowNs();
    const bool moved_a = from_a.Turn(now_ns);
    const bool moved_b = from_b.Turn(now_ns);
    const bool is_busy = moved_a || moved_b;
    // Orders and signals are heard under load as well.
    if (is_busy && ++busy_turns % 256 != 0) continue;
    const int64_t due_ns = std::min(from_a.next_due_ns(), from_b.next_due_ns());
    ends = Wait(fds, is_busy ? now_ns : due_ns);
    if (control.fd() >= 0) control.Serve();
  }
  printf("%s\n", chimney::wire::CountersJson(from_a, from_b).c_str());
  return 0;
}
