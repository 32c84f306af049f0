// SPDX-License-Identifier: BSD-3-Clause
// Connections that wait for their hand-over: those of one session in the order
// they came, sessions in turn, so that nobody waits for all that another one
// has asked for.
#ifndef CHIMNEY_DAEMON_TURN_QUEUE_H_
#define CHIMNEY_DAEMON_TURN_QUEUE_H_

#include <cstdint>
#include <deque>
#include <map>

namespace chimney::daemon {

// Control core only.
class TurnQueue {
 public:
  void Push(uint32_t session_id, uint64_t connection_id) {
    waiting_[session_id].push_back(connection_id);
  }
  bool empty() const { return waiting_.empty(); }

  // Of the session behind the one that had its turn last. Not if empty().
  uint64_t Pop() {
    auto turn = waiting_.upper_bound(last_);
    if (turn == waiting_.end()) turn = waiting_.begin();
    last_ = turn->first;
    const uint64_t connection_id = turn->second.front();
    turn->second.pop_front();
    if (turn->second.empty()) waiting_.erase(turn);
    return connection_id;
  }

 private:
  std::map<uint32_t, std::deque<uint64_t>> waiting_;  // by session, none empty
  uint32_t last_ = 0;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_TURN_QUEUE_H_
