// SPDX-License-Identifier: BSD-3-Clause
// One process's session with the daemon, behind the C API. The public calls
// mirror chimney.h, which is their contract.
//
// Lock: whoever calls a member holds mutex(), through a Call object; the
// members that wait take it themselves and let go of it while they sleep.
#ifndef CHIMNEY_CLIENT_SESSION_H_
#define CHIMNEY_CLIENT_SESSION_H_

#include <sys/uio.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "abi/ring_entry.h"
#include "chimney/chimney.h"
#include "hostapi/client/arena.h"
#include "hostapi/client/connection.h"
#include "hostapi/client/daemon_link.h"
#include "hostapi/client/lent_table.h"
#include "hostapi/client/wakeups.h"

namespace chimney::client {

class Session {
 public:
  // `options` is complete. On failure a sentence for people is in *text.
  static int Open(const chimney_session_options& options,
                  std::unique_ptr<Session>* session, std::string* text);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Holds the lock for one call from outside; afterwards makes sure that what
  // the call left to do wakes the session's descriptor.
  class Call {
   public:
    explicit Call(Session* session)
        : session_(session), lock_(session->mutex_) {}
    ~Call() { session_->AfterCall(); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    Session* session_;
    std::unique_lock<std::mutex> lock_;
  };

  int fd() const { return wakeups_.fd(); }

  // Connections (handover.cc).
  int Create(int fd, uint64_t cookie, uint32_t flags, Connection** created);
  void Forget(Connection& connection);
  int Offload(Connection& connection);
  int Upload(Connection& connection);
  int Abort(Connection& connection);

  // Streams (stream.cc).
  ssize_t StreamSend(Connection& connection, const uint8_t* data, size_t bytes);
  ssize_t StreamReceive(Connection& connection, uint8_t* data, size_t bytes);
  int StreamShutdown(Connection& connection);

  // Requests without a copy (requests.cc).
  void* AllocateBuffer(size_t bytes) { return arena_.Allocate(bytes); }
  bool FreeBuffer(const void* buffer) { return arena_.Free(buffer); }
  int Send(Connection& connection, const iovec* pieces, int count, uint64_t id);
  int PostReceive(Connection& connection, const iovec& buffer, uint32_t flags,
                  uint64_t id);
  int ReceiveReturn(uint64_t token, size_t bytes);

  // Waiting calls: without the lock (poll.cc, management.cc).
  int Poll(chimney_event* events, size_t max_events, int timeout_ms);
  int Query(Connection& connection, chimney_conn_info* info, int timeout_ms);
  int StatusJson(uint32_t topic, std::string* text, int timeout_ms);
  int Control(const abi::RequestEntry& request, uint64_t* connections,
              int timeout_ms);

 private:
  using Lock = std::unique_lock<std::mutex>;

  struct Slot {
    std::unique_ptr<Connection> connection;
    uint32_t generation = 1;
  };
  struct ControlAnswer {
    bool done = false;
    uint8_t status = 0;
    uint64_t connections = 0;
    abi::QueryEntry query;
  };
  struct TextAnswer {
    bool done = false;
    std::string text;
  };

  Session(SessionParts parts, const chimney_session_options& options);
  void AfterCall();
  void WakeToRetry();

  // Connections.
  Connection* Find(uint64_t wire_id);
  void Erase(Connection& connection);
  void Watch(Connection& connection);
  void Unwatch(Connection& connection);

  // Hand-overs.
  void StartOffloads();
  void OffloadOver();
  void StartTerminate(Connection& connection);
  void OnResumed(Connection& connection);
  void MarkCut(Connection& connection);
  void OnOffloaded(Connection& connection, uint32_t lane,
                   const abi::NoticeEntry& notice);
  void OnInitiateFailed(Connection& connection, const abi::NoticeEntry& notice);
  void FailOffload(Connection& connection, const abi::NoticeEntry& notice);
  void OnUploaded(Connection& connection, const abi::NoticeEntry& notice);
  void OnTerminateFailed(Connection& connection,
                         const abi::NoticeEntry& notice);
  void OnRetrieve(Connection& connection, const abi::NoticeEntry& notice);
  void ReturnUntaken(Connection& connection, uint32_t status);
  void CollectUntaken(Connection& connection);
  void LoseConnections();

  // Sending: whatever waits and can go now.
  void Advance(Connection& connection);
  void AdvanceInHost(Connection& connection);
  void AdvanceOffloaded(Connection& connection);
  void AbortInHost(Connection& connection);
  bool FlushToKernel(Connection& connection);
  bool FlushToRing(Connection& connection);
  ssize_t SendToKernel(Connection& connection, const uint8_t* data,
                       size_t bytes);
  ssize_t SendToRing(Connection& connection, const uint8_t* data, size_t bytes);
  bool PushDisconnect(Connection& connection, abi::RequestEntry request);
  bool PushStreamBlock(Connection& connection, const BouncedSend& block);
  void CompleteSend(Connection& connection, PendingSend* send, uint32_t status,
                    uint32_t bytes);
  void ReportDisconnect(Connection& connection, uint32_t status);
  void Stall(Connection& connection);
  void RetryStalled();
  int CheckPost(const Connection& connection) const;

  // Receiving.
  ssize_t ReceiveFromKernel(Connection& connection, uint8_t* data,
                            size_t bytes);
  void OnReceiveIndication(Connection& connection, uint32_t lane,
                           const abi::NoticeEntry& notice);
  void ReturnChunk(const LentData& lent, uint32_t bytes);
  void ReturnReceived(Connection& connection);

  // Notices (notices.cc).
  void PumpNotices(size_t wanted_events);
  bool PumpLane(uint32_t lane, size_t wanted_events);
  void OnControlTerminateFailed(const abi::NoticeEntry& notice);
  void OnControlAnswer(const abi::NoticeEntry& notice);
  void OnNotice(uint32_t lane, const abi::NoticeEntry& notice);
  void OnControlNotice(const abi::NoticeEntry& notice);
  void OnFlowNotice(Connection& connection, uint32_t lane,
                    const abi::NoticeEntry& notice);
  void OnSendComplete(Connection& connection, const abi::NoticeEntry& notice);
  void OnReceiveComplete(Connection& connection,
                         const abi::NoticeEntry& notice);
  void OnDisconnectComplete(Connection& connection,
                            const abi::NoticeEntry& notice);
  chimney_event& Emit(uint32_t type, Connection* connection);
  void EmitReadable(Connection& connection);
  void EmitWritable(Connection& connection);

  // Waiting.
  size_t Collect(chimney_event* events, size_t max_events);
  size_t Sleep(Lock* lock, int timeout_ms);
  void OnWakeup(const Wakeups::Wakeup& wakeup);
  void OnWatched(Connection& connection, uint32_t epoll_events);
  void ReadSocket();
  void OnDaemonGone();
  int Await(Lock* lock, int timeout_ms, const std::function<bool()>& done);

  std::mutex mutex_;
  DaemonLink link_;
  Arena arena_;
  Wakeups wakeups_;
  LentTable lent_;
  const uint32_t send_buffer_bytes_;

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  std::vector<uint64_t> stalled_;  // wire ids
  size_t watched_count_ = 0;
  // Wire ids of connections whose offload has yet to be asked for, and how many
  // the daemon has not answered.
  std::deque<uint64_t> waiting_offloads_;
  uint32_t unanswered_offloads_ = 0;
  uint64_t last_attach_ = 0;
  uint64_t last_control_ = 0;

  std::deque<chimney_event> events_;
  bool waiting_ = false;  // a thread is in a waiting call
  uint32_t collects_ = 0;

  // By request id and query id; only those that somebody waits for.
  std::map<uint64_t, ControlAnswer> control_answers_;
  std::map<uint32_t, TextAnswer> text_answers_;
  uint32_t last_query_ = 0;
  std::unique_ptr<abi::ManagementPart> part_;  // too large for a stack
};

}  // namespace chimney::client

#endif  // CHIMNEY_CLIENT_SESSION_H_
