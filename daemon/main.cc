// SPDX-License-Identifier: BSD-3-Clause
// chimneyd: takes established TCP connections off the Linux kernel, live, and
// gives them back.
#include <glog/logging.h>

#include <cstdio>
#include <memory>
#include <string>

#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/flags.h"
#include "daemon/gatehouse.h"
#include "daemon/logging.h"
#include "daemon/signals.h"

int main(int argc, char** argv) {
  using namespace chimney::daemon;
  ParseFlags(argc, argv);
  Config config;
  std::string error;
  if (!ReadConfig(&config, &error)) {
    fprintf(stderr, "chimneyd: %s\n", error.c_str());
    return kExitBadFlags;
  }
  const std::unique_ptr<Gatehouse> gatehouse =
      Gatehouse::Start(PorterLimits(config), &error);
  if (gatehouse == nullptr) {
    fprintf(stderr, "chimneyd: %s\n", error.c_str());
    return 1;
  }
  StartLogging(argv[0]);
  HoldStopSignals();
  LogLines(ConfigText(config));
  int exit_code = 1;
  {
    Daemon daemon(config, *gatehouse);
    if (daemon.Start(&error)) {
      LOG(INFO) << "ready on " << config.socket_path;
      exit_code = daemon.Run();
    } else {
      LOG(ERROR) << error;
    }
  }
  return exit_code;
}
