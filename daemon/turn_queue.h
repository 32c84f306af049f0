// SPDX-License-Identifier: BSD-3-Clause
// What waits for its turn: of one owner in the order it came, owners in turn,
// so that nobody waits for all that another one has asked for.
#ifndef CHIMNEY_DAEMON_TURN_QUEUE_H_
#define CHIMNEY_DAEMON_TURN_QUEUE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <utility>

namespace chimney::daemon {

// `owner` is a session or a user. One thread at a time.
template <typename Item>
class TurnQueue {
 public:
  void Push(uint32_t owner, Item item) {
    waiting_[owner].push_back(std::move(item));
  }
  bool empty() const { return waiting_.empty(); }

  // Of the owner behind the one that had its turn last. Not if empty().
  Item Pop() {
    auto turn = waiting_.upper_bound(last_);
    if (turn == waiting_.end()) turn = waiting_.begin();
    last_ = turn->first;
    Item item = std::move(turn->second.front());
    turn->second.pop_front();
    if (turn->second.empty()) waiting_.erase(turn);
    return item;
  }

 private:
  std::map<uint32_t, std::deque<Item>> waiting_;  // by owner, none empty
  uint32_t last_ = 0;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_TURN_QUEUE_H_
