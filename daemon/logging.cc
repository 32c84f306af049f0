// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/logging.h"

#include <glog/logging.h>

#include <sstream>

namespace chimney::daemon {

namespace {

constexpr uint32_t kDpdkWarning = 5;  // RTE_LOG_WARNING

}  // namespace

void StartLogging(const char* program) {
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(program);
}

void LogLines(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) LOG(INFO) << line;
}

void LogDpdkLine(uint32_t level, std::string_view line) {
  if (level <= kDpdkWarning) {
    LOG(WARNING) << "dpdk: " << line;
  } else {
    VLOG(1) << "dpdk: " << line;
  }
}

}  // namespace chimney::daemon
