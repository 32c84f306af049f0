// SPDX-License-Identifier: BSD-3-Clause
// A session's beginning and end, and the connections it knows.
#include "hostapi/client/session.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ring/ring_layout.h"

namespace chimney::client {
namespace {

constexpr uint32_t kDefaultSendBufferBytes = 1u << 20;
constexpr uint32_t kRetryMilliseconds = 1;
// Wire ids also name watched descriptors: 32 bits of index, 28 of generation.
constexpr uint32_t kMaxGeneration = (1u << 28) - 1;

abi::HelloRequest MakeRequest(const chimney_session_options& options) {
  abi::HelloRequest request;
  request.kind = (options.flags & CHIMNEY_SESSION_MANAGEMENT) != 0
                     ? abi::SessionKind::kManagement
                     : abi::SessionKind::kData;
  request.wanted_features = abi::kFeatureIpv6 | abi::kFeaturePostedReceives |
                            abi::kFeatureZeroCopySend |
                            abi::kFeatureLentReceive;
  request.ring_layout = ring::ThisBuildsRingLayout();
  request.arena_bytes = options.arena_bytes;
  request.receive_bytes = options.receive_bytes;
  request.ring_entries = options.ring_entries;
  request.max_connections = options.max_connections;
  if (options.name != nullptr) {
    const size_t length = strnlen(options.name, sizeof(request.name) - 1);
    std::memcpy(request.name, options.name, length);
  }
  return request;
}

}  // namespace

int Session::Open(const chimney_session_options& options,
                  std::unique_ptr<Session>* session, std::string* text) {
  const std::string path = options.socket_path != nullptr
                               ? options.socket_path
                               : CHIMNEY_DEFAULT_SOCKET;
  SessionParts parts;
  const int result = OpenSessionParts(path, MakeRequest(options), &parts, text);
  if (result != CHIMNEY_OK) return result;
  std::unique_ptr<Session> opened(new Session(std::move(parts), options));
  const SessionParts& kept = opened->link_.parts();
  if (!opened->wakeups_.Open(kept.doorbell.get(), kept.socket.get())) {
    *text = std::string("cannot make the session's descriptor: ") +
            std::strerror(errno);
    return CHIMNEY_E_SYSTEM;
  }
  *session = std::move(opened);
  return CHIMNEY_OK;
}

Session::Session(SessionParts parts, const chimney_session_options& options)
    : link_(std::move(parts)),
      arena_(link_.parts().shared.base() + link_.parts().header()->arena_offset,
             link_.parts().header()->arena_bytes),
      send_buffer_bytes_(options.send_buffer_bytes != 0
                             ? options.send_buffer_bytes
                             : kDefaultSendBufferBytes) {}

Session::~Session() = default;

void Session::AfterCall() {
  if (!events_.empty()) wakeups_.Kick();
  WakeToRetry();
}

void Session::WakeToRetry() {
  if (link_.owes() || !stalled_.empty() ||
      (!waiting_offloads_.empty() && !link_.gone())) {
    wakeups_.WakeAfter(kRetryMilliseconds);
  }
}

Connection* Session::Find(uint64_t wire_id) {
  const auto index = static_cast<uint32_t>(wire_id);
  if (index >= slots_.size()) return nullptr;
  const Slot& slot = slots_[index];
  return slot.generation == wire_id >> 32 ? slot.connection.get() : nullptr;
}

int Session::Create(int fd, uint64_t cookie, uint32_t flags,
                    Connection** created) {
  int type = 0;
  socklen_t length = sizeof(type);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0 ||
      type != SOCK_STREAM) {
    return CHIMNEY_E_INVALID;
  }
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t index = free_slots_.back();
  Slot& slot = slots_[index];
  slot.connection = std::make_unique<Connection>();
  free_slots_.pop_back();
  Connection& connection = *slot.connection;
  connection.session = this;
  connection.wire_id = (uint64_t{slot.generation} << 32) | index;
  connection.fd = fd;
  connection.cookie = cookie;
  connection.flags = flags;
  Watch(connection);
  *created = &connection;
  return CHIMNEY_OK;
}

void Session::Erase(Connection& connection) {
  const auto index = static_cast<uint32_t>(connection.wire_id);
  Slot& slot = slots_[index];
  slot.connection.reset();
  slot.generation = slot.generation == kMaxGeneration ? 1 : slot.generation + 1;
  free_slots_.push_back(index);
}

void Session::Forget(Connection& connection) {
  Unwatch(connection);
  const auto* handle = reinterpret_cast<chimney_conn*>(&connection);
  std::erase_if(events_, [handle](const chimney_event& event) {
    return event.conn == handle;
  });
  connection.forgotten = true;
  ReturnReceived(connection);
  for (const BouncedSend& bounced : connection.bounced_sends) {
    arena_.Free(bounced.block);
  }
  connection.bounced_sends.clear();
  if (!connection.Away() || connection.attach_waiting) {
    Erase(connection);
    return;
  }
  // Its fd may be closed by now: nothing may touch it again. The daemon gives
  // the connection back to its own duplicate.
  connection.fd = -1;
  if (connection.Offloaded()) StartTerminate(connection);
}

void Session::Watch(Connection& connection) {
  if (!connection.WantsWatch() || connection.watched) return;
  connection.watched = wakeups_.Watch(connection.fd, connection.wire_id);
  if (connection.watched) ++watched_count_;
}

void Session::Unwatch(Connection& connection) {
  if (!connection.watched) return;
  wakeups_.Unwatch(connection.fd);
  connection.watched = false;
  --watched_count_;
}

}  // namespace chimney::client
