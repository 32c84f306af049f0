// SPDX-License-Identifier: BSD-3-Clause
// The control core: sessions, TCP_REPAIR, and every control operation, one
// after the other, on one thread that sleeps when there is nothing to do
// (design sections 2 and 3). Never blocks on a session and never believes one.
//
// Split by verb: control_core.cc (loop), control_sessions.cc (hello, memory,
// end), control_requests.cc (what sessions ask), control_handover.cc (who moves
// when), control_notices.cc (what workers say), management.cc (what people
// ask).
#ifndef CHIMNEY_DAEMON_CONTROL_CORE_H_
#define CHIMNEY_DAEMON_CONTROL_CORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "abi/hello.h"
#include "daemon/background_jobs.h"
#include "daemon/config.h"
#include "daemon/connection.h"
#include "daemon/control_timers.h"
#include "daemon/foreign_fd.h"
#include "daemon/gatehouse.h"
#include "daemon/handover_context.h"
#include "daemon/handover_stats.h"
#include "daemon/host_interface.h"
#include "daemon/operation_queue.h"
#include "daemon/session.h"
#include "daemon/session_listener.h"
#include "daemon/turn_queue.h"
#include "daemon/unique_fd.h"
#include "daemon/worker_link.h"
#include "kernel/netlink_sockets.h"
#include "kernel/netlink_watcher.h"
#include "kernel/sockmap.h"

namespace chimney::daemon {

// Why a session that is not ready ends when the daemon does.
inline constexpr const char* kStopping = "chimneyd is stopping";

class ControlCore final : public HandoverListener {
 public:
  // `clock` is the workers' clock. Everything passed outlives the core.
  ControlCore(const Config& config, std::vector<WorkerLink*> links,
              HostInterfaceInfo host, Gatehouse& gatehouse,
              std::function<Instant()> clock);
  ~ControlCore() override;
  ControlCore(const ControlCore&) = delete;
  ControlCore& operator=(const ControlCore&) = delete;

  // Reads the host interface and opens the listening socket. False, with
  // `*error` a sentence for people.
  bool Open(std::string* error);

  // Serves until a stop was asked for and everything has been uploaded (R105).
  // 0, or 1 if connections could not be given back in time.
  int Run();

  // Starts the drain; from any thread, also from a signal handler. The second
  // call cuts the drain short.
  void RequestStop();

  void OnHandoverWaits(Connection& connection, bool waits) override;
  void OnFlowNamed(Connection& connection, worker::FlowHandle flow) override;
  void OnOffloadDone(Connection& connection, kernel::KernelError error,
                     offload::Status status) override;
  void OnUploadDone(Connection& connection, kernel::KernelError error) override;

 private:
  // A management request that ends when everything has been uploaded.
  struct PendingUploadAll {
    uint32_t session_id = 0;
    uint64_t request_id = 0;
    uint32_t connections = 0;
    size_t left = 0;  // when it was looked at last
  };

  // control_core.cc
  bool ReadHost(std::string* error);
  bool Watch(int fd, uint64_t tag);
  size_t DrainWorkers();
  void FlushSessions();
  bool Turn();
  void Sleep();
  void HandleEvent(uint64_t tag);
  void BeginDrain();
  bool DrainFinished();
  void Heartbeat();
  void RefreshConntrack();

  // control_sessions.cc
  void AcceptSessions();
  void OnGatehouseGone();
  void OnLate(uint32_t id);  // kHelloPatience may be over
  size_t CountUnready(uid_t uid) const;
  // Sockets that sessions of this user have attached and not used.
  size_t CountAttached(uid_t uid) const;
  void OnSessionReadable(Session& session);
  bool OnMessage(Session& session, const SessionMessage& message);
  bool OnAttach(Session& session, uint64_t attach_id, ForeignFd descriptor);
  // False if the porter cannot be asked.
  bool AwaitPorter(Session& session, const abi::RequestEntry& request);
  bool AskPorter(Session& session);
  void OnPorterSync(Session& session, uint64_t number);
  bool OnHello(Session& session, const abi::HelloRequest& hello);
  void RefuseHello(Session& session, abi::HelloStatus status,
                   const std::string& text);
  abi::HelloStatus Admit(const Session& session, const abi::HelloRequest& hello,
                         std::string* text);
  void OnLaneOperationDone(Session& session);
  void EndSession(Session& session, const char* why);
  void CloseSessionIfEmpty(Session& session);
  void RemoveSession(uint32_t id);
  Session* FindSession(uint32_t id);

  // control_memory.cc
  ring::SessionShape ShapeFor(const abi::HelloRequest& hello) const;
  void OpenMemory(Session& session, const abi::HelloRequest& hello);
  void OnMemory(Session& session, std::unique_ptr<SessionMemory> memory,
                const std::string& error);
  void OnMapped(Session& session);
  void OnSealed(Session& session);
  void GiveBack(uid_t uid, std::unique_ptr<SessionMemory> memory);
  void EndUnready();

  // control_requests.cc
  void PollRequests(Session& session);
  void OnRequest(Session& session, const abi::RequestEntry& request);
  void OnInitiate(Session& session, const abi::RequestEntry& request);
  void Initiate(Session& session, const abi::RequestEntry& request,
                std::map<uint64_t, Session::Attached>::iterator attached);
  void OnTerminate(Session& session, const abi::RequestEntry& request);
  void OnTerminateAny(Session& session, const abi::RequestEntry& request);
  void OnQuery(Session& session, const abi::RequestEntry& request);
  void LookAfterUploadAll(uint32_t session_id, uint64_t request_id);
  void OnUploadAll(Session& session, const abi::RequestEntry& request);
  void OnPauseOrResume(Session& session, const abi::RequestEntry& request);
  void Answer(Session& session, const abi::RequestEntry& request,
              offload::Status status, uint32_t count);
  void RefuseInitiate(Session& session, const abi::RequestEntry& request,
                      kernel::KernelErrorCode code);
  bool MayManage(const Session& session) const;
  Connection* FindForSession(Session& session,
                             const abi::RequestEntry& request);

  // control_handover.cc
  void StartQueued();
  bool CanStart() const;  // something waits, and there is a place for it
  void StartOffload(Connection& connection);
  Connection* NextOf(TurnQueue<uint64_t>* queue);
  void BecomeOffloaded(Connection& connection);
  void WantUpload(Connection& connection);
  void StartUpload(Connection& connection);
  void UploadEverything();
  void TellEverybody(abi::NoticeOp op);
  void RetryPlaceholder(uint64_t connection_id);
  void Forget(Connection& connection);
  void FinishUploadAllIfEmpty();

  // control_notices.cc
  void OnWorkerMessage(uint32_t worker_index, const WorkerMessage& message);
  void OnRetrieve(uint32_t worker_index, const worker::ControlNotice& notice);
  void OnIcmpError(uint32_t worker_index, const worker::ControlNotice& notice);
  void OnNetlink();
  void OnNeighborChange(const kernel::NeighborInfo& neighbor);
  void OnLinkChange(const kernel::LinkInfo& link);
  void UpdatePath(Connection& connection, uint32_t path_mtu_bytes);
  void UpdateNeighbor(Connection& connection, const MacAddress& mac);
  void SubmitAndForget(uint32_t worker_index,
                       std::unique_ptr<worker::Operation> operation);

  // management.cc
  void OnManagementQuery(Session& session, const abi::ManagementQuery& query);
  std::string StatusJson() const;
  std::string ConnectionsJson(const Session& asker) const;
  std::string StatsJson() const;

  const Config& config_;
  const HostInterfaceInfo host_;
  OperationQueue operations_;
  ControlTimers timers_;
  HandoverStats stats_;
  kernel::NetlinkSockets netlink_sockets_;
  kernel::SockmapSearch sockmap_search_;
  HandoverContext context_;
  ConnectionTable connections_;
  std::map<uint32_t, std::unique_ptr<Session>> sessions_;
  BackgroundJobs jobs_;  // behind sessions_, whose memory they work on
  Gatehouse& gatehouse_;
  std::unique_ptr<SessionListener> listener_;
  std::unique_ptr<kernel::NetlinkWatcher> netlink_;
  UniqueFd epoll_;
  UniqueFd stop_event_;

  // Connections that wait for their turn, by id.
  TurnQueue<uint64_t> waiting_offloads_;
  TurnQueue<uint64_t> waiting_uploads_;
  uint32_t running_uploads_ = 0;
  uint32_t running_offloads_ = 0;
  std::vector<PendingUploadAll> pending_upload_all_;
  std::map<worker::Operation*, std::unique_ptr<worker::Operation>> forgotten_;

  uint32_t last_session_id_ = 0;
  bool paused_ = false;
  bool draining_ = false;
  bool gatehouse_gone_ = false;
  bool link_up_ = true;
  std::atomic<uint32_t> stops_requested_{0};
  Instant drain_deadline_ = Instant::Never();
  Instant drained_at_ = Instant::Never();
  Instant busy_until_;  // no sleep before: an answer is about to come
  Instant started_at_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_CONTROL_CORE_H_
