// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/control_core.h"

#include <fcntl.h>
#include <glog/logging.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "abi/layout.h"
#include "kernel/link.h"

namespace chimney::daemon {
namespace {

// What an epoll event is about: kind in the high half, number in the low one.
enum class EventKind : uint32_t {
  kStop = 1,
  kArrival = 2,
  kWorker = 3,
  kNetlink = 4,
  kSession = 5,
  kJobs = 6,
};

constexpr uint64_t Tag(EventKind kind, uint32_t number) {
  return (static_cast<uint64_t>(kind) << 32) | number;
}

// While operations are out, answers come within microseconds: sleeping and
// being woken would cost more than looking.
constexpr Duration kSpinAfterWork = Duration::Micros(60);
constexpr Duration kHeartbeatInterval = Duration::Millis(100);
constexpr Duration kConntrackRefreshInterval = Duration::Seconds(3600);
constexpr int kMaxEvents = 64;
// What a connection may have unread moves at each hand-over and shares the
// session's receive memory; some kernels would let it grow much further.
constexpr uint32_t kMaxReceiveBufferBytes = 6u << 20;
// The workers' numbers are at most this old; and how long their last notices
// may take to find room.
constexpr Duration kCensusAge = Duration::Millis(15);
constexpr Duration kLastWordsPatience = Duration::Millis(300);

}  // namespace

ControlCore::ControlCore(const Config& config, std::vector<WorkerLink*> links,
                         HostInterfaceInfo host, Gatehouse& gatehouse,
                         std::function<Instant()> clock)
    : config_(config),
      host_(std::move(host)),
      operations_(std::move(links)),
      gatehouse_(gatehouse),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      stop_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  context_.operations = &operations_;
  context_.timers = &timers_;
  context_.stats = &stats_;
  context_.eligibility.netlink = &netlink_sockets_;
  context_.eligibility.sockmaps = &sockmap_search_;
  context_.now = std::move(clock);
  context_.reserve_tuple = [this](Connection& connection,
                                  const FlowTuple& tuple) {
    if (connections_.FindTuple(tuple) != nullptr) return false;
    connection.tuple = tuple;
    connections_.IndexTuple(connection);
    return true;
  };
  context_.port_mtu_bytes = host_.mtu_bytes;
  context_.hold_timeout = config_.hold_timeout;
  context_.fence_timeout = config_.fence_timeout;
}

ControlCore::~ControlCore() = default;

bool ControlCore::Open(std::string* error) {
  if (!epoll_.valid() || !stop_event_.valid()) {
    *error = "cannot create the control core's event descriptors";
    return false;
  }
  if (!ReadHost(error)) return false;
  listener_ =
      SessionListener::Open(config_.socket_path, config_.socket_mode, error);
  if (listener_ == nullptr) return false;
  if (!gatehouse_.Listen(listener_->TakeSocket())) {
    *error = "the process that accepts sessions has ended";
    return false;
  }
  bool watched = Watch(stop_event_.get(), Tag(EventKind::kStop, 0)) &&
                 Watch(gatehouse_.fd(), Tag(EventKind::kArrival, 0)) &&
                 Watch(netlink_->fd(), Tag(EventKind::kNetlink, 0)) &&
                 Watch(jobs_.event_fd(), Tag(EventKind::kJobs, 0));
  for (const WorkerLink* link : operations_.links()) {
    watched = watched && Watch(link->event_fd(),
                               Tag(EventKind::kWorker, link->worker_index()));
  }
  if (!watched) *error = "cannot watch the control core's descriptors";
  return watched;
}

bool ControlCore::ReadHost(std::string* error) {
  kernel::LinkInfo link;
  kernel::KernelError failed =
      kernel::ReadLink(netlink_sockets_, host_.name, &link);
  if (!failed.ok()) {
    *error = "--host_interface " + host_.name + ": " + failed.ToString();
    return false;
  }
  context_.host_mac = link.mac;
  context_.eligibility.host_interface_index = link.index;
  link_up_ = link.up && link.running;
  struct stat status {};
  if (stat("/proc/self/ns/net", &status) != 0) {
    *error = "cannot read this process's network namespace";
    return false;
  }
  context_.eligibility.namespace_inode = status.st_ino;
  failed = kernel::ReadHostLimits(&context_.host_limits);
  context_.host_limits.max_receive_buffer_bytes = std::min(
      context_.host_limits.max_receive_buffer_bytes, kMaxReceiveBufferBytes);
  if (failed.ok()) failed = kernel::NetlinkWatcher::Open(&netlink_);
  if (!failed.ok()) *error = failed.ToString();
  return failed.ok();
}

bool ControlCore::Watch(int fd, uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

int ControlCore::Run() {
  started_at_ = context_.now();
  Heartbeat();
  RefreshConntrack();
  while (!DrainFinished()) {
    if (Turn()) busy_until_ = context_.now() + kSpinAfterWork;
    if (operations_.outstanding() > 0 && context_.now() < busy_until_) continue;
    Sleep();
  }
  jobs_.Stop();
  const bool everything_back = connections_.size() == 0;
  if (!everything_back) {
    LOG(ERROR) << connections_.size()
               << " connections could not be given back in time";
  }
  // Without a gatehouse it ended by itself, and is to be started anew.
  return everything_back && !gatehouse_gone_ ? 0 : 1;
}

bool ControlCore::Turn() {
  const size_t messages = DrainWorkers();
  operations_.Flush();
  timers_.Run(context_.now());
  StartQueued();
  FlushSessions();
  return messages > 0;
}

void ControlCore::FlushSessions() {
  // Ending a session changes the map: collect first.
  std::vector<Session*> broken;
  std::vector<Session*> left;
  for (auto& [id, session] : sessions_) {
    if (session->HasWaitingNotices() && !session->FlushNotices()) {
      broken.push_back(session.get());
    } else if (session->requests_left && session->AcceptsRequests()) {
      left.push_back(session.get());
    }
  }
  for (Session* session : broken) {
    EndSession(*session, "it broke the rules of its control ring");
  }
  for (Session* session : left) PollRequests(*session);
}

size_t ControlCore::DrainWorkers() {
  size_t total = 0;
  for (WorkerLink* link : operations_.links()) {
    total += link->Drain([&](const WorkerMessage& message) {
      OnWorkerMessage(link->worker_index(), message);
    });
  }
  return total;
}

void ControlCore::Sleep() {
  bool may_sleep = !CanStart();
  for (WorkerLink* link : operations_.links()) {
    may_sleep = link->PrepareToSleep() && may_sleep;
  }
  timespec timeout{};
  timespec* limit = &timeout;
  if (may_sleep) {
    const Instant next = timers_.Next();
    if (next.IsNever()) {
      limit = nullptr;
    } else {
      const int64_t nanos =
          std::max<int64_t>(0, (next - context_.now()).nanos());
      timeout.tv_sec = nanos / 1000000000;
      timeout.tv_nsec = nanos % 1000000000;
    }
  }
  std::array<epoll_event, kMaxEvents> events;
  const int count = epoll_pwait2(epoll_.get(), events.data(), kMaxEvents, limit,
                                 /*sigmask=*/nullptr);
  for (WorkerLink* link : operations_.links()) link->Awake();
  for (int i = 0; i < count; ++i) HandleEvent(events[i].data.u64);
}

void ControlCore::HandleEvent(uint64_t tag) {
  const auto number = static_cast<uint32_t>(tag);
  switch (static_cast<EventKind>(tag >> 32)) {
    case EventKind::kStop: {
      uint64_t value = 0;
      (void)!read(stop_event_.get(), &value, sizeof(value));
      BeginDrain();
      return;
    }
    case EventKind::kArrival:
      AcceptSessions();
      return;
    case EventKind::kWorker:
      return;  // the next turn drains every link
    case EventKind::kNetlink:
      OnNetlink();
      return;
    case EventKind::kJobs:
      jobs_.RunDone();
      return;
    case EventKind::kSession:
      // What a worker said before the session could know of it comes first.
      while (DrainWorkers() > 0) {
      }
      // The session may have ended by an earlier event of this batch.
      if (Session* session = FindSession(number)) OnSessionReadable(*session);
      return;
  }
}

void ControlCore::RequestStop() {
  stops_requested_.fetch_add(1, std::memory_order_relaxed);
  const uint64_t one = 1;
  (void)!write(stop_event_.get(), &one, sizeof(one));
}

void ControlCore::BeginDrain() {
  const Instant now = context_.now();
  if (draining_) {
    drain_deadline_ = now;
    return;
  }
  LOG(INFO) << "stopping: giving " << connections_.size()
            << " connections back to the kernel";
  draining_ = paused_ = true;
  drain_deadline_ = now + config_.drain_timeout;
  // Sleep() has to end at the deadline.
  timers_.At(drain_deadline_, [] {});
  listener_->Close();
  EndUnready();
  TellEverybody(abi::NoticeOp::kDaemonStopping);
  UploadEverything();
}

bool ControlCore::DrainFinished() {
  if (!draining_) return false;
  const Instant now = context_.now();
  if (now >= drain_deadline_) return true;
  if (connections_.size() > 0 || !waiting_offloads_.empty()) {
    drained_at_ = Instant::Never();
    return false;
  }
  if (drained_at_.IsNever()) {
    drained_at_ = now;
    timers_.At(now + kCensusAge, [] {});
    timers_.At(now + kLastWordsPatience, [] {});
  }
  // Everything is the kernel's. Sessions that read are told so before we go;
  // one that does not read finds it in its ring.
  uint32_t untold = 0;
  for (const WorkerLink* link : operations_.links()) {
    untold += link->census().flows;
  }
  if (now - drained_at_ < kCensusAge) return false;
  return untold == 0 || now - drained_at_ >= kLastWordsPatience;
}

void ControlCore::Heartbeat() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const uint64_t nanos = static_cast<uint64_t>(now.tv_sec) * 1000000000 +
                         static_cast<uint64_t>(now.tv_nsec);
  for (auto& [id, session] : sessions_) {
    if (session->memory == nullptr) continue;
    auto* header =
        reinterpret_cast<abi::PublishedHeader*>(session->memory->published());
    header->heartbeat.store(nanos, std::memory_order_relaxed);
  }
  // A daemon without sessions has nobody to tell that it lives, and sleeps.
  timers_.At(context_.now() + (sessions_.empty() ? kHeartbeatInterval * 100
                                                 : kHeartbeatInterval),
             [this] { Heartbeat(); });
}

void ControlCore::RefreshConntrack() {
  connections_.ForEach([this](Connection& connection) {
    if (!connection.tracked) return;
    const kernel::KernelError error = kernel::PrepareConntrack(
        netlink_sockets_, connection.tuple, kConntrackTimeoutSeconds);
    if (!error.ok()) {
      LOG_EVERY_N(WARNING, 100) << "conntrack: " << error.ToString();
    }
  });
  timers_.At(context_.now() + kConntrackRefreshInterval,
             [this] { RefreshConntrack(); });
}

}  // namespace chimney::daemon
