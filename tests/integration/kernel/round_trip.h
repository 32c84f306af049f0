// SPDX-License-Identifier: BSD-3-Clause
// Whole hand-overs without a daemon: what a daemon would do between the steps
// is done by the test.
#ifndef CHIMNEY_TESTS_INTEGRATION_KERNEL_ROUND_TRIP_H_
#define CHIMNEY_TESTS_INTEGRATION_KERNEL_ROUND_TRIP_H_

#include <string>

#include "frame_tap.h"
#include "kernel/handover.h"
#include "tcp_pair.h"

namespace chimney::kernel {

// Freeze and placeholder. Empty on success, else what failed.
std::string TakeAway(int fd, SocketImage* image);
// Restore, thaw, injections, completion.
std::string GiveBack(int fd, FrameTap& tap, SocketImage* image);
// Both, with an untouched image: nothing happens while it is away.
std::string RoundTrip(int fd, FrameTap& tap, SocketImage* image);

}  // namespace chimney::kernel

#endif  // CHIMNEY_TESTS_INTEGRATION_KERNEL_ROUND_TRIP_H_
