// SPDX-License-Identifier: BSD-3-Clause
#include "worker/session.h"

namespace chimney::worker {

SessionTable::SessionTable(uint32_t max_sessions)
    : sessions_(max_sessions), ids_(max_sessions), used_(max_sessions, 0) {}

Session* SessionTable::Find(uint32_t id) {
  if (last_hit_ < ids_.size() && used_[last_hit_] != 0 &&
      ids_[last_hit_] == id) {
    return sessions_.At(last_hit_);
  }
  for (uint32_t slot = 0; slot < ids_.size(); ++slot) {
    if (used_[slot] == 0 || ids_[slot] != id) continue;
    last_hit_ = slot;
    return sessions_.At(slot);
  }
  return nullptr;
}

Session* SessionTable::Add(uint32_t id, SessionPort* port) {
  Session* session = sessions_.Allocate();
  if (session == nullptr) return nullptr;
  session->id = id;
  session->slot = sessions_.IndexOf(session);
  session->port = port;
  ids_[session->slot] = id;
  used_[session->slot] = 1;
  return session;
}

void SessionTable::Remove(Session* session) {
  used_[session->slot] = 0;
  sessions_.Free(session);
}

}  // namespace chimney::worker
