// SPDX-License-Identifier: BSD-3-Clause
// A thin C++ face of chimney.h: handles that clean up after themselves, spans
// instead of pointer and length. Every rule of chimney.h holds unchanged
// (threads, ownership, results); nothing here throws.
#ifndef CHIMNEY_CHIMNEY_HPP_
#define CHIMNEY_CHIMNEY_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "chimney/chimney.h"

namespace chimney::hostapi {

using Event = chimney_event;
using Options = chimney_session_options;

inline Options DefaultOptions() {
  Options options{};
  options.size = sizeof(options);
  return options;
}

// One connection; destroyed (and uploaded in the background) with its owner.
// Must not outlive its session.
class Connection {
 public:
  Connection() = default;
  explicit Connection(chimney_conn* conn) : conn_(conn) {}

  explicit operator bool() const { return conn_ != nullptr; }
  chimney_conn* get() const { return conn_.get(); }

  int Offload() { return chimney_conn_offload(get()); }
  int Upload() { return chimney_conn_upload(get()); }
  int Abort() { return chimney_conn_abort(get()); }
  chimney_state State() const {
    return static_cast<chimney_state>(chimney_conn_state(get()));
  }
  int Query(chimney_conn_info* info, int timeout_ms) {
    *info = chimney_conn_info{};
    info->size = sizeof(*info);
    return chimney_conn_query(get(), info, timeout_ms);
  }

  ssize_t Send(std::span<const std::byte> bytes) {
    return chimney_stream_send(get(), bytes.data(), bytes.size());
  }
  ssize_t Receive(std::span<std::byte> bytes) {
    return chimney_stream_recv(get(), bytes.data(), bytes.size());
  }
  int Shutdown() { return chimney_stream_shutdown(get()); }
  uint64_t Unsent() const { return chimney_stream_unsent(get()); }

  int SendPieces(std::span<const iovec> pieces, uint64_t id) {
    return chimney_send(get(), pieces.data(), static_cast<int>(pieces.size()),
                        id);
  }
  int PostReceive(std::span<std::byte> buffer, uint32_t flags, uint64_t id) {
    return chimney_post_receive(get(), buffer.data(), buffer.size(), flags, id);
  }

 private:
  struct Destroy {
    void operator()(chimney_conn* conn) const { chimney_conn_destroy(conn); }
  };
  std::unique_ptr<chimney_conn, Destroy> conn_;
};

// One session; closed with its owner, after every Connection and Buffer of it.
class Session {
 public:
  // A buffer in the session's arena, freed with its owner.
  class Buffer {
   public:
    Buffer() = default;
    Buffer(chimney_session* session, size_t bytes)
        : data_(chimney_buffer_alloc(session, bytes), Free{session}),
          bytes_(data_ != nullptr ? bytes : 0) {}
    explicit operator bool() const { return data_ != nullptr; }
    std::span<std::byte> bytes() const {
      return {static_cast<std::byte*>(data_.get()), bytes_};
    }

   private:
    struct Free {
      chimney_session* session;
      void operator()(void* data) const { chimney_buffer_free(session, data); }
    };
    std::unique_ptr<void, Free> data_;
    size_t bytes_ = 0;
  };

  Session() = default;

  // CHIMNEY_OK and an open *session, or an error with its text in *why.
  static int Open(const Options& options, Session* session, std::string* why) {
    char text[256];
    chimney_session* opened = nullptr;
    const int result =
        chimney_session_open(&options, &opened, text, sizeof(text));
    *why = text;
    session->session_.reset(opened);
    return result;
  }

  explicit operator bool() const { return session_ != nullptr; }
  chimney_session* get() const { return session_.get(); }
  int fd() const { return chimney_session_fd(get()); }

  int Poll(std::span<Event> events, int timeout_ms) {
    return chimney_session_poll(get(), events.data(), events.size(),
                                timeout_ms);
  }
  int Wrap(int socket_fd, uint64_t cookie, uint32_t flags,
           Connection* connection) {
    chimney_conn* conn = nullptr;
    const int result =
        chimney_conn_create(get(), socket_fd, cookie, flags, &conn);
    *connection = Connection(conn);
    return result;
  }
  Buffer Allocate(size_t bytes) { return Buffer(get(), bytes); }
  int ReceiveReturn(uint64_t token, size_t bytes) {
    return chimney_receive_return(get(), token, bytes);
  }

  int StatusJson(chimney_topic topic, std::string* json, int timeout_ms) {
    char* text = nullptr;
    const int result = chimney_status_json(get(), topic, &text, timeout_ms);
    if (result == CHIMNEY_OK) *json = text;
    chimney_text_free(text);
    return result;
  }
  int UploadAll(uint64_t* connections, int timeout_ms) {
    return chimney_upload_all(get(), connections, timeout_ms);
  }
  int Resume(int timeout_ms) { return chimney_resume(get(), timeout_ms); }
  int Pause(int timeout_ms) { return chimney_pause(get(), timeout_ms); }
  int Terminate(uint64_t id, int timeout_ms) {
    return chimney_terminate_id(get(), id, timeout_ms);
  }

 private:
  struct Close {
    void operator()(chimney_session* session) const {
      chimney_session_close(session);
    }
  };
  std::unique_ptr<chimney_session, Close> session_;
};

}  // namespace chimney::hostapi

#endif  // CHIMNEY_CHIMNEY_HPP_
