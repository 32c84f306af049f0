// SPDX-License-Identifier: BSD-3-Clause
// One host process as the control core knows it: its socket, its memory, its
// lanes, what it waits for.
#ifndef CHIMNEY_DAEMON_SESSION_H_
#define CHIMNEY_DAEMON_SESSION_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "abi/hello.h"
#include "abi/ring_entry.h"
#include "base/published_record.h"
#include "daemon/foreign_fd.h"
#include "daemon/hello_patience.h"
#include "daemon/session_lane.h"
#include "daemon/session_memory.h"
#include "daemon/unique_fd.h"
#include "kernel/kernel_error.h"
#include "kernel/socket_image.h"
#include "ring/notice_producer.h"
#include "ring/request_consumer.h"
#include "worker/operation.h"

namespace chimney::daemon {

enum class SessionPhase : uint8_t {
  kHello,      // waits for HelloRequest
  kReserving,  // its memory is being made ready
  kMapping,    // waits for MappedNotice
  kSealing,    // its memory is being closed to changes
  kOpening,    // workers are being told
  kReady,
  kEnding,  // gone or being put out; its connections are going back
};

const char* SessionPhaseName(SessionPhase phase);

// Control core only; the lanes inside belong to their workers from kOpenSession
// until kCloseSession.
class Session {
 public:
  // Answers that wait for room.
  static constexpr size_t kMaxWaitingNotices = 4096;
  // Queries that workers have and have not answered.
  static constexpr uint32_t kMaxQueriesOut = 64;

  Session(uint32_t id, UniqueFd socket, uid_t uid, pid_t pid);
  ~Session();

  // Takes ownership of mapped memory and prepares every lane.
  void AdoptMemory(std::unique_ptr<SessionMemory> memory, UniqueFd doorbell,
                   uint32_t worker_count);

  // Queues a notice on lane 0 and pushes what fits. Bounded: see
  // AcceptsRequests.
  void Notify(const abi::NoticeEntry& notice);
  void Notify(const abi::QueryEntry& notice);
  // Pushes waiting notices; wakes the session if something went out. False if
  // the session broke the ring's rules.
  bool FlushNotices();
  // A session that does not read its answers, or asks faster than workers and
  // its porter answer, gets no new questions answered.
  bool AcceptsRequests() const {
    return waiting_notices_.size() < kMaxWaitingNotices &&
           queries_out < kMaxQueriesOut &&
           awaiting_porter.size() < kMaxAwaitingPorter;
  }
  bool HasWaitingNotices() const { return !waiting_notices_.empty(); }

  // A free slot of the published record array, or nullptr.
  PublishedRecord* AllocateRecord(uint32_t* slot);
  void FreeRecord(uint32_t slot);

  // What it takes of the quotas: also connections that are back in the kernel
  // while the session does not read that they are.
  uint32_t ConnectionsHeld() const;

  bool Alive() const { return phase != SessionPhase::kEnding; }

  const uint32_t id;
  const uid_t uid;
  const pid_t pid;
  UniqueFd socket;
  bool in_request = false;  // OnRequest runs
  // Requests were left in the ring until it reads its answers.
  bool requests_left = false;
  bool poll_due = false;  // a timer is going to look at them
  uint32_t queries_out = 0;
  UniqueFd doorbell;  // our end; the client has the other
  std::string name;
  abi::SessionKind kind = abi::SessionKind::kData;
  SessionPhase phase = SessionPhase::kHello;
  HelloPatience patience;
  std::unique_ptr<SessionMemory> memory;
  std::vector<std::unique_ptr<SessionLane>> lanes;
  std::unique_ptr<ring::RequestConsumer> requests;
  // What it has attached and not used, by its name for it.
  struct Attached {
    ForeignFd fd;
    // Why it was not kept, if it was not.
    kernel::KernelErrorCode refusal = kernel::KernelErrorCode::kOk;
  };
  std::map<uint64_t, Attached> attached;
  // Initiates whose socket may still be with the porter: each waits for the
  // answer to a PorterSync that was sent after it came. One is out at a time.
  struct AwaitingPorter {
    uint64_t sync = 0;
    abi::RequestEntry request;
  };
  static constexpr size_t kMaxAwaitingPorter = 4096;
  std::deque<AwaitingPorter> awaiting_porter;
  uint64_t porter_syncs_asked = 0;
  uint64_t porter_syncs_answered = 0;
  uint32_t connection_count = 0;
  // What the kernel does not keep of connections that are back there, by
  // SO_COOKIE, so that the next offload goes on with the same clock to the
  // tick, the same round-trip time and the same retransmission timer. Bounded:
  // dropped as a whole when full.
  struct Remembered {
    kernel::TimestampOffset timestamp_offset;
    kernel::CarriedState carried;
  };
  std::map<uint64_t, Remembered> remembered;

  // One a worker, for kOpenSession and later kCloseSession.
  std::vector<worker::Operation> lane_operations;
  uint32_t lanes_pending = 0;
  // A job makes or seals its memory; it learns here that nobody needs it. The
  // session stays until the job is done.
  std::shared_ptr<std::atomic<bool>> memory_job;
  bool close_submitted = false;

 private:
  std::unique_ptr<ring::NoticeProducer> notices_;
  std::deque<abi::NoticeEntry> waiting_notices_;
  std::vector<uint32_t> free_records_;
};

// Wakes the process behind `doorbell` (one end of a socket pair) without ever
// blocking, whatever that process did to its end.
void RingDoorbell(int doorbell);

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_SESSION_H_
