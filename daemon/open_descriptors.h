// SPDX-License-Identifier: BSD-3-Clause
#ifndef CHIMNEY_DAEMON_OPEN_DESCRIPTORS_H_
#define CHIMNEY_DAEMON_OPEN_DESCRIPTORS_H_

#include <cstdint>

namespace chimney::daemon {

// File descriptors this process holds now, for leak checks; 0 if /proc is not
// there.
uint32_t CountOpenDescriptors();

// Lets this process open as many as it is allowed at most: each offloaded
// connection keeps one.
void RaiseDescriptorLimit();

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_OPEN_DESCRIPTORS_H_
