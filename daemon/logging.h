// SPDX-License-Identifier: BSD-3-Clause
// The log: glog to standard error, DPDK's lines included.
#ifndef CHIMNEY_DAEMON_LOGGING_H_
#define CHIMNEY_DAEMON_LOGGING_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace chimney::daemon {

// Once, after the flags have been parsed.
void StartLogging(const char* program);

// A text of several lines, one log line each.
void LogLines(const std::string& text);

// dpdkio::LogSink: complaints become warnings, chatter needs --v=1.
void LogDpdkLine(uint32_t level, std::string_view line);

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_LOGGING_H_
