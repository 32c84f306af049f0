// SPDX-License-Identifier: BSD-3-Clause
// chimney-nc: netcat over the host API (design section 5).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "hostapi/tools/nc_link.h"
#include "hostapi/tools/nc_options.h"
#include "hostapi/tools/nc_relay.h"
#include "hostapi/tools/nc_socket.h"
#include "hostapi/tools/nc_stats.h"

namespace {

using namespace chimney::tools;

enum ExitStatus {
  kClean = 0,
  kFailed = 1,
  kUsage = 2,
  kNeverOffloaded = 3,
};

void Complain(const std::string& text) {
  std::fprintf(stderr, "chimney-nc: %s\n", text.c_str());
}

// Makes a pipe or socket non-blocking for as long as the object lives; its
// other users would otherwise find it changed. Files and terminals are left
// alone.
class NonBlocking {
 public:
  explicit NonBlocking(int fd) : fd_(fd), flags_(fcntl(fd, F_GETFL)) {
    struct stat status {};
    changed_ = flags_ >= 0 && (flags_ & O_NONBLOCK) == 0 &&
               fstat(fd, &status) == 0 &&
               (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)) &&
               fcntl(fd, F_SETFL, flags_ | O_NONBLOCK) == 0;
  }
  ~NonBlocking() {
    if (changed_) fcntl(fd_, F_SETFL, flags_);
  }
  NonBlocking(const NonBlocking&) = delete;
  NonBlocking& operator=(const NonBlocking&) = delete;

 private:
  int fd_;
  int flags_;
  bool changed_ = false;
};

// Moves everything over a connected socket.
ExitStatus Transfer(const NcOptions& options, int fd, NcStats* stats) {
  std::string why;
  NcLink link(options, fd, stats);
  if (options.offload != OffloadMode::kNever) {
    if (link.OpenSession(&why)) {
      link.StartOffload();
    } else {
      Complain(why + "; the connection stays in the kernel");
    }
  }
  const NonBlocking input(STDIN_FILENO);
  const NonBlocking output(STDOUT_FILENO);
  NcRelay relay(&link, STDIN_FILENO, STDOUT_FILENO, stats);
  const bool clean = relay.Run(&why);
  if (!clean) Complain(why);
  link.Settle();
  if (!clean) return kFailed;
  if (options.offload == OffloadMode::kStart && !link.was_offloaded()) {
    Complain("the connection was never offloaded");
    return kNeverOffloaded;
  }
  return kClean;
}

// A shell may have closed them, and the connection would become one of them:
// what the peer sends would be its "output".
void OccupyStandardDescriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    (void)!open("/dev/null", O_RDWR);  // the lowest that is free: this one
  }
}

ExitStatus Run(const NcOptions& options) {
  std::string why;
  const int fd = options.listen ? AcceptOne(options.host, options.port, &why)
                                : ConnectTo(options.host, options.port, &why);
  if (fd < 0) {
    Complain(why);
    return kFailed;
  }
  NcStats stats;
  ExitStatus status = Transfer(options, fd, &stats);
  close(fd);
  if (!options.stats_path.empty() &&
      !WriteFile(options.stats_path, StatsJson(stats))) {
    Complain("cannot write " + options.stats_path + ": " +
             std::strerror(errno));
    if (status == kClean) status = kFailed;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  OccupyStandardDescriptors();
  NcOptions options;
  std::string error;
  switch (ParseNcOptions(argc, argv, &options, &error)) {
    case ParseVerdict::kHelp:
      std::fputs(kNcUsage, stdout);
      return kClean;
    case ParseVerdict::kError:
      Complain(error + "; see chimney-nc --help");
      return kUsage;
    case ParseVerdict::kRun:
      return Run(options);
  }
  return kFailed;
}
