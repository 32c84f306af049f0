// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/eal_log.h"

#include <rte_log.h>

#include <atomic>
#include <cstdio>

namespace chimney::dpdkio {

namespace {

// DPDK's log is one per process, so its sink is too. Set before EAL starts.
std::atomic<LogSink> current_sink{nullptr};

ssize_t WriteLines(void*, const char* text, size_t bytes) {
  const LogSink sink = current_sink.load(std::memory_order_relaxed);
  if (sink == nullptr) return static_cast<ssize_t>(bytes);
  std::string_view rest(text, bytes);
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    // DPDK flushes each message on the thread that wrote it, so this is its
    // level.
    if (!line.empty()) {
      sink(static_cast<uint32_t>(rte_log_cur_msg_loglevel()), line);
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return static_cast<ssize_t>(bytes);
}

}  // namespace

void RouteEalLog(LogSink sink) {
  current_sink.store(sink, std::memory_order_relaxed);
  static FILE* const stream =
      fopencookie(nullptr, "w",
                  cookie_io_functions_t{nullptr, WriteLines, nullptr, nullptr});
  if (stream != nullptr) rte_openlog_stream(stream);
}

}  // namespace chimney::dpdkio
