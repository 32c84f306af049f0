// SPDX-License-Identifier: BSD-3-Clause
#ifndef CHIMNEY_DAEMON_OPEN_DESCRIPTORS_H_
#define CHIMNEY_DAEMON_OPEN_DESCRIPTORS_H_

#include <cstdint>

namespace chimney::daemon {

// File descriptors this process holds now, for leak checks; 0 if /proc is not
// there.
uint32_t CountOpenDescriptors();

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_OPEN_DESCRIPTORS_H_
