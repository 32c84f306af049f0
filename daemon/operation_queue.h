// SPDX-License-Identifier: BSD-3-Clause
// Operations on their way to the workers. A link takes a bounded number at a
// time; what is over waits here in order.
#ifndef CHIMNEY_DAEMON_OPERATION_QUEUE_H_
#define CHIMNEY_DAEMON_OPERATION_QUEUE_H_

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "daemon/worker_link.h"

namespace chimney::daemon {

// Control core only. The links outlive it.
class OperationQueue {
 public:
  explicit OperationQueue(std::vector<WorkerLink*> links)
      : links_(std::move(links)), waiting_(links_.size()) {}

  const std::vector<WorkerLink*>& links() const { return links_; }

  void Submit(uint32_t worker_index, worker::Operation* operation) {
    std::deque<worker::Operation*>& waiting = waiting_[worker_index];
    if (!waiting.empty() || !links_[worker_index]->Submit(operation)) {
      waiting.push_back(operation);
    }
  }

  // Call after completions have been drained: they make room.
  void Flush() {
    for (size_t i = 0; i < links_.size(); ++i) {
      while (!waiting_[i].empty() && links_[i]->Submit(waiting_[i].front())) {
        waiting_[i].pop_front();
      }
    }
  }

  // Operations given and not yet back.
  uint32_t outstanding() const {
    uint32_t count = 0;
    for (size_t i = 0; i < links_.size(); ++i) {
      count += links_[i]->outstanding();
      count += static_cast<uint32_t>(waiting_[i].size());
    }
    return count;
  }

 private:
  std::vector<WorkerLink*> links_;
  std::vector<std::deque<worker::Operation*>> waiting_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_OPERATION_QUEUE_H_
