// SPDX-License-Identifier: BSD-3-Clause
#include "worker/worker_counter.h"

namespace chimney::worker {

std::string_view WorkerCounterName(WorkerCounter counter) {
  switch (counter) {
#define CHIMNEY_WORKER_COUNTER(symbol, name, text) \
  case WorkerCounter::symbol:                      \
    return name;
#include "worker/worker_counter.def"
#undef CHIMNEY_WORKER_COUNTER
  }
  return "unknown";
}

std::string_view WorkerCounterText(WorkerCounter counter) {
  switch (counter) {
#define CHIMNEY_WORKER_COUNTER(symbol, name, text) \
  case WorkerCounter::symbol:                      \
    return text;
#include "worker/worker_counter.def"
#undef CHIMNEY_WORKER_COUNTER
  }
  return "unknown counter";
}

}  // namespace chimney::worker
