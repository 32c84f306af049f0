// SPDX-License-Identifier: BSD-3-Clause
// The C functions of chimney.h on top of Session. Handles are the addresses of
// the C++ objects; nothing thrown inside leaves the library.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "chimney/chimney.h"
#include "hostapi/client/session.h"

namespace {

using chimney::client::Connection;
using chimney::client::Session;

Session* Of(chimney_session* session) {
  return reinterpret_cast<Session*>(session);
}
const Session* Of(const chimney_session* session) {
  return reinterpret_cast<const Session*>(session);
}
Connection& Of(chimney_conn* conn) {
  return *reinterpret_cast<Connection*>(conn);
}
// The getters of the C API are const; the lock they take is not.
Connection& Unconst(const chimney_conn* conn) {
  return Of(const_cast<chimney_conn*>(conn));
}

// Runs `body`; out of memory becomes a result.
template <typename Body>
auto Guarded(Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return CHIMNEY_E_NO_MEMORY;
  }
}

// The caller's options, completed to this library's version of the struct.
// False if they are of no version.
bool ReadOptions(const chimney_session_options* given,
                 chimney_session_options* options) {
  *options = chimney_session_options{};
  if (given == nullptr) return true;
  constexpr size_t kFirstVersion =
      offsetof(chimney_session_options, flags) + sizeof(uint32_t);
  if (given->size < kFirstVersion) return false;
  std::memcpy(options, given, std::min(given->size, sizeof(*options)));
  return true;
}

void StoreText(const std::string& from, char* text, size_t text_bytes) {
  if (text == nullptr || text_bytes == 0) return;
  const size_t length = std::min(from.size(), text_bytes - 1);
  std::memcpy(text, from.data(), length);
  text[length] = '\0';
}

int ControlCall(chimney_session* session, chimney::abi::RequestOp op,
                uint64_t* connections, int timeout_ms) {
  if (session == nullptr) return CHIMNEY_E_INVALID;
  chimney::abi::RequestEntry request;
  request.op = op;
  return Guarded(
      [&] { return Of(session)->Control(request, connections, timeout_ms); });
}

}  // namespace

int chimney_session_open(const chimney_session_options* options,
                         chimney_session** session, char* text,
                         size_t text_bytes) {
  StoreText("", text, text_bytes);
  if (session == nullptr) return CHIMNEY_E_INVALID;
  *session = nullptr;
  return Guarded([&]() -> int {
    chimney_session_options complete;
    std::string words;
    std::unique_ptr<Session> opened;
    int result = CHIMNEY_E_INVALID;
    if (ReadOptions(options, &complete)) {
      result = Session::Open(complete, &opened, &words);
    } else {
      words = "chimney_session_options.size is not set";
    }
    StoreText(words, text, text_bytes);
    if (result == CHIMNEY_OK) {
      *session = reinterpret_cast<chimney_session*>(opened.release());
    }
    return result;
  });
}

void chimney_session_close(chimney_session* session) { delete Of(session); }

int chimney_session_fd(const chimney_session* session) {
  return Of(session)->fd();
}

int chimney_session_poll(chimney_session* session, chimney_event* events,
                         size_t max_events, int timeout_ms) {
  if (session == nullptr) return CHIMNEY_E_INVALID;
  return Guarded(
      [&] { return Of(session)->Poll(events, max_events, timeout_ms); });
}

int chimney_conn_create(chimney_session* session, int fd, uint64_t cookie,
                        uint32_t flags, chimney_conn** conn) {
  if (session == nullptr || conn == nullptr) return CHIMNEY_E_INVALID;
  *conn = nullptr;
  return Guarded([&] {
    const Session::Call call(Of(session));
    Connection* created = nullptr;
    const int result = Of(session)->Create(fd, cookie, flags, &created);
    *conn = reinterpret_cast<chimney_conn*>(created);
    return result;
  });
}

void chimney_conn_destroy(chimney_conn* conn) {
  if (conn == nullptr) return;
  Session* session = Of(conn).session;
  const Session::Call call(session);
  session->Forget(Of(conn));
}

int chimney_conn_offload(chimney_conn* conn) {
  if (conn == nullptr) return CHIMNEY_E_INVALID;
  return Guarded([&] {
    const Session::Call call(Of(conn).session);
    return Of(conn).session->Offload(Of(conn));
  });
}

int chimney_conn_upload(chimney_conn* conn) {
  if (conn == nullptr) return CHIMNEY_E_INVALID;
  return Guarded([&] {
    const Session::Call call(Of(conn).session);
    return Of(conn).session->Upload(Of(conn));
  });
}

int chimney_conn_abort(chimney_conn* conn) {
  if (conn == nullptr) return CHIMNEY_E_INVALID;
  return Guarded([&] {
    const Session::Call call(Of(conn).session);
    return Of(conn).session->Abort(Of(conn));
  });
}

uint32_t chimney_conn_state(const chimney_conn* conn) {
  const Session::Call call(Unconst(conn).session);
  return Unconst(conn).state;
}

uint64_t chimney_conn_cookie(const chimney_conn* conn) {
  return Unconst(conn).cookie;
}

int chimney_conn_fd(const chimney_conn* conn) { return Unconst(conn).fd; }

chimney_session* chimney_conn_session(const chimney_conn* conn) {
  return reinterpret_cast<chimney_session*>(Unconst(conn).session);
}

int chimney_conn_query(chimney_conn* conn, chimney_conn_info* info,
                       int timeout_ms) {
  if (conn == nullptr) return CHIMNEY_E_INVALID;
  return Guarded(
      [&] { return Of(conn).session->Query(Of(conn), info, timeout_ms); });
}

ssize_t chimney_stream_send(chimney_conn* conn, const void* data,
                            size_t bytes) {
  if (conn == nullptr || (data == nullptr && bytes != 0)) {
    return CHIMNEY_E_INVALID;
  }
  return Guarded([&]() -> ssize_t {
    const Session::Call call(Of(conn).session);
    return Of(conn).session->StreamSend(
        Of(conn), static_cast<const uint8_t*>(data), bytes);
  });
}

ssize_t chimney_stream_recv(chimney_conn* conn, void* data, size_t bytes) {
  if (conn == nullptr || data == nullptr) return CHIMNEY_E_INVALID;
  return Guarded([&]() -> ssize_t {
    const Session::Call call(Of(conn).session);
    return Of(conn).session->StreamReceive(Of(conn),
                                           static_cast<uint8_t*>(data), bytes);
  });
}

int chimney_stream_shutdown(chimney_conn* conn) {
  if (conn == nullptr) return CHIMNEY_E_INVALID;
  return Guarded([&] {
    const Session::Call call(Of(conn).session);
    return Of(conn).session->StreamShutdown(Of(conn));
  });
}

uint64_t chimney_stream_unsent(const chimney_conn* conn) {
  const Session::Call call(Unconst(conn).session);
  return Unconst(conn).unsent_bytes;
}

void* chimney_buffer_alloc(chimney_session* session, size_t bytes) {
  void* buffer = nullptr;
  Guarded([&]() -> int {
    const Session::Call call(Of(session));
    buffer = Of(session)->AllocateBuffer(bytes);
    return CHIMNEY_OK;
  });
  if (buffer == nullptr) errno = ENOMEM;
  return buffer;
}

void chimney_buffer_free(chimney_session* session, void* buffer) {
  if (buffer == nullptr) return;
  const Session::Call call(Of(session));
  if (Of(session)->FreeBuffer(buffer)) return;
  std::fputs("chimney_buffer_free: not a buffer of this session\n", stderr);
  std::abort();
}

int chimney_send(chimney_conn* conn, const iovec* pieces, int count,
                 uint64_t id) {
  if (conn == nullptr) return CHIMNEY_E_INVALID;
  return Guarded([&] {
    const Session::Call call(Of(conn).session);
    return Of(conn).session->Send(Of(conn), pieces, count, id);
  });
}

int chimney_post_receive(chimney_conn* conn, void* buffer, size_t bytes,
                         uint32_t flags, uint64_t id) {
  if (conn == nullptr) return CHIMNEY_E_INVALID;
  return Guarded([&] {
    const Session::Call call(Of(conn).session);
    return Of(conn).session->PostReceive(Of(conn), iovec{buffer, bytes}, flags,
                                         id);
  });
}

int chimney_receive_return(chimney_session* session, uint64_t token,
                           size_t bytes) {
  if (session == nullptr) return CHIMNEY_E_INVALID;
  return Guarded([&] {
    const Session::Call call(Of(session));
    return Of(session)->ReceiveReturn(token, bytes);
  });
}

int chimney_status_json(chimney_session* session, uint32_t topic, char** text,
                        int timeout_ms) {
  if (session == nullptr || text == nullptr) return CHIMNEY_E_INVALID;
  *text = nullptr;
  return Guarded([&]() -> int {
    std::string json;
    const int result = Of(session)->StatusJson(topic, &json, timeout_ms);
    if (result != CHIMNEY_OK) return result;
    *text = strdup(json.c_str());
    return *text != nullptr ? CHIMNEY_OK : CHIMNEY_E_NO_MEMORY;
  });
}

void chimney_text_free(char* text) { std::free(text); }

int chimney_upload_all(chimney_session* session, uint64_t* connections,
                       int timeout_ms) {
  return ControlCall(session, chimney::abi::RequestOp::kUploadAll, connections,
                     timeout_ms);
}

int chimney_resume(chimney_session* session, int timeout_ms) {
  return ControlCall(session, chimney::abi::RequestOp::kResume, nullptr,
                     timeout_ms);
}

int chimney_pause(chimney_session* session, int timeout_ms) {
  return ControlCall(session, chimney::abi::RequestOp::kPause, nullptr,
                     timeout_ms);
}

int chimney_terminate_id(chimney_session* session, uint64_t id,
                         int timeout_ms) {
  if (session == nullptr) return CHIMNEY_E_INVALID;
  chimney::abi::RequestEntry request;
  request.op = chimney::abi::RequestOp::kTerminateAny;
  request.flow = id;
  return Guarded(
      [&] { return Of(session)->Control(request, nullptr, timeout_ms); });
}
