// SPDX-License-Identifier: BSD-3-Clause
// The daemon as the host API library sees it: the socket conversation, both
// files, the daemon's ends of the rings. A test says what it answers; only the
// hello runs in a thread of its own.
#ifndef CHIMNEY_TESTS_UNIT_HOSTAPI_FAKE_DAEMON_H_
#define CHIMNEY_TESTS_UNIT_HOSTAPI_FAKE_DAEMON_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "abi/hello.h"
#include "abi/layout.h"
#include "abi/ring_entry.h"
#include "hostapi/client/owned_fd.h"
#include "ring/notice_producer.h"
#include "ring/request_consumer.h"
#include "ring/session_layout.h"

namespace chimney::client {

class FakeDaemon {
 public:
  struct Options {
    ring::SessionShape shape;
    // Changes the reply before it is sent, e.g. into a refusal.
    std::function<void(abi::HelloReply*)> change_reply = [](abi::HelloReply*) {
    };
    bool hang_up_instead = false;
    bool send_no_descriptors = false;
  };
  static Options Ordinary();

  explicit FakeDaemon(Options options = Ordinary());
  ~FakeDaemon();
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  const std::string& socket_path() const { return path_; }
  // Waits until the hello has been answered, and returns what was asked.
  const abi::HelloRequest& FinishHello();

  // What the library has sent on the socket: reads everything there is.
  void ReadSocket();
  // Descriptors that came with AttachSocket, oldest first.
  struct Attached {
    uint64_t id = 0;
    OwnedFd fd;
  };
  std::vector<Attached> attached;
  std::vector<abi::ManagementQuery> queries;
  int doorbells = 0;

  // Next request of a lane, or nothing.
  std::optional<abi::RequestEntry> Request(uint32_t lane);
  // The next request must be there and be of this kind.
  abi::RequestEntry Expect(uint32_t lane, abi::RequestOp op);
  // The bytes an arena reference points to.
  std::string ArenaText(const abi::RequestEntry& entry) const;
  uint8_t* arena() const;

  // Pushes a notice and wakes the library if it sleeps.
  void Notify(uint32_t lane, const abi::NoticeEntry& notice);
  void NotifyQuery(const abi::QueryEntry& query);
  uint32_t NoticeRoom(uint32_t lane);
  // Puts `text` into a chunk and indicates it.
  void Indicate(uint32_t lane, const abi::NoticeEntry& base, uint32_t chunk,
                std::string_view text);
  void AnswerQuery(uint32_t query_id, std::string_view json, size_t part_bytes);
  bool LibrarySleeps() const;

  // As when the process is killed.
  void Die();

 private:
  void Serve();
  bool AnswerHello();

  Options options_;
  std::string directory_;
  std::string path_;
  OwnedFd listener_;
  OwnedFd socket_;
  OwnedFd doorbell_;
  abi::HelloRequest hello_;
  ring::SessionLayout layout_;
  uint8_t* shared_ = nullptr;
  uint8_t* published_ = nullptr;
  std::vector<ring::RequestConsumer> requests_;
  std::vector<ring::NoticeProducer> notices_;
  std::thread thread_;
};

}  // namespace chimney::client

#endif  // CHIMNEY_TESTS_UNIT_HOSTAPI_FAKE_DAEMON_H_
