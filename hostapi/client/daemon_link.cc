// SPDX-License-Identifier: BSD-3-Clause
// The wires to the daemon.
#include "hostapi/client/daemon_link.h"

#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "chimney/chimney.h"

namespace chimney::client {
namespace {

// What a failed send on the session's socket means.
int SendResult(ssize_t sent) {
  if (sent >= 0) return CHIMNEY_OK;
  switch (errno) {
    case EAGAIN:
    case ENOBUFS:
    case ETOOMANYREFS:
      return CHIMNEY_E_AGAIN;
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
      return CHIMNEY_E_DAEMON_GONE;
    default:
      return CHIMNEY_E_SYSTEM;
  }
}

}  // namespace

DaemonLink::DaemonLink(SessionParts parts) : parts_(std::move(parts)) {
  const abi::PublishedHeader& header = *parts_.header();
  lanes_.resize(header.lane_count);
  for (uint32_t i = 0; i < header.lane_count; ++i) {
    const abi::Lane& lane = header.lanes[i];
    lanes_[i].to_daemon =
        ring::HostProducer(parts_.shared.base() + lane.host_to_daemon_offset);
    lanes_[i].from_daemon = ring::HostConsumer(
        parts_.published.base() + lane.daemon_to_host_offset, lane.ring_entries,
        &parts_.shared_header()->lanes[i].consumed);
  }
}

bool DaemonLink::FlushLane(Lane* lane) {
  while (!lane->owed.empty()) {
    if (!lane->to_daemon.Push(lane->owed.front())) return false;
    lane->owed.pop_front();
    --owed_entries_;
  }
  return true;
}

bool DaemonLink::PushAll(uint32_t lane,
                         std::span<const abi::RequestEntry> entries) {
  Lane& to = lanes_[lane];
  return !gone_ && FlushLane(&to) && to.to_daemon.PushAll(entries);
}

void DaemonLink::PushOwed(uint32_t lane, const abi::RequestEntry& entry) {
  if (gone_ || Push(lane, entry)) return;
  lanes_[lane].owed.push_back(entry);
  ++owed_entries_;
}

uint32_t DaemonLink::Room(uint32_t lane) {
  Lane& to = lanes_[lane];
  return !gone_ && FlushLane(&to) ? to.to_daemon.Room() : 0;
}

void DaemonLink::RingControl() {
  const abi::Doorbell doorbell;
  const ssize_t sent = send(parts_.socket.get(), &doorbell, sizeof(doorbell),
                            MSG_DONTWAIT | MSG_NOSIGNAL);
  // A dead daemon shows as a hang-up of the socket, in the next poll.
  doorbell_owed_ = SendResult(sent) == CHIMNEY_E_AGAIN;
}

bool DaemonLink::FlushOwed() {
  if (gone_) return true;
  const bool control_owed = !lanes_[kControlLane].owed.empty();
  for (Lane& lane : lanes_) FlushLane(&lane);
  if (doorbell_owed_ || control_owed) RingControl();
  return !owes();
}

int DaemonLink::AttachSocket(int fd, uint64_t attach_id) {
  abi::AttachSocket attach;
  attach.attach_id = attach_id;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec io{&attach, sizeof(attach)};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
  return SendResult(
      sendmsg(parts_.socket.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

int DaemonLink::SendQuery(const abi::ManagementQuery& query) {
  return SendResult(send(parts_.socket.get(), &query, sizeof(query),
                         MSG_DONTWAIT | MSG_NOSIGNAL));
}

int DaemonLink::ReceivePart(abi::ManagementPart* part) {
  for (;;) {
    const ssize_t received =
        recv(parts_.socket.get(), part, sizeof(*part), MSG_DONTWAIT);
    if (received == 0) return -1;
    if (received < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    }
    const bool is_part =
        received == sizeof(*part) && part->header.magic == abi::kMagic &&
        part->header.type == abi::MessageType::kManagementPart &&
        part->text_bytes <= abi::kManagementPartBytes;
    // A newer daemon may say more than this library understands.
    if (is_part) return 1;
  }
}

const uint8_t* DaemonLink::ReceivedBytes(uint32_t lane,
                                         const abi::NoticeEntry& notice) {
  const abi::PublishedHeader& header = *parts_.header();
  if (lane == kControlLane || notice.chunk >= header.chunks_per_lane ||
      notice.offset_in_chunk > header.chunk_bytes ||
      notice.bytes > header.chunk_bytes - notice.offset_in_chunk) {
    return nullptr;
  }
  const uint64_t chunk =
      uint64_t{lane - 1} * header.chunks_per_lane + notice.chunk;
  return parts_.published.base() + header.receive_offset +
         chunk * header.chunk_bytes + notice.offset_in_chunk;
}

bool DaemonLink::ArmSleep() {
  parts_.shared_header()->host_sleeping.store(1, std::memory_order_relaxed);
  armed_ = true;
  // Pairs with the daemon's fence between its push and its look at
  // host_sleeping: one of the two sees the other.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (const Lane& lane : lanes_) {
    if (lane.from_daemon.HasEntries()) {
      DisarmSleep();
      return false;
    }
  }
  return true;
}

void DaemonLink::DisarmSleep() {
  if (!armed_) return;
  parts_.shared_header()->host_sleeping.store(0, std::memory_order_relaxed);
  armed_ = false;
}

void DaemonLink::SetGone() {
  gone_ = true;
  owed_entries_ = 0;
  doorbell_owed_ = false;
  for (Lane& lane : lanes_) lane.owed.clear();
}

}  // namespace chimney::client
