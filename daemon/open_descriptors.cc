// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/open_descriptors.h"

#include <dirent.h>
#include <sys/resource.h>

namespace chimney::daemon {

uint32_t CountOpenDescriptors() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  uint32_t entries = 0;
  while (readdir(directory) != nullptr) ++entries;
  closedir(directory);
  // ".", ".." and the directory's own descriptor.
  return entries > 3 ? entries - 3 : 0;
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace chimney::daemon
