// SPDX-License-Identifier: BSD-3-Clause
// The wires to the daemon: a pair of rings for each of its cores, the control
// socket, the sleep protocol of abi/layout.h. Knows nothing of connections.
#ifndef CHIMNEY_CLIENT_DAEMON_LINK_H_
#define CHIMNEY_CLIENT_DAEMON_LINK_H_

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "abi/hello.h"
#include "abi/ring_entry.h"
#include "hostapi/client/handshake.h"
#include "ring/host_consumer.h"
#include "ring/host_producer.h"

namespace chimney::client {

inline constexpr uint32_t kControlLane = 0;

// Under the session's lock.
class DaemonLink {
 public:
  explicit DaemonLink(SessionParts parts);

  uint32_t lane_count() const { return static_cast<uint32_t>(lanes_.size()); }
  const SessionParts& parts() const { return parts_; }
  uint32_t ring_capacity() const { return lanes_[0].to_daemon.capacity(); }

  // False when the ring is full; nothing was pushed then.
  [[nodiscard]] bool Push(uint32_t lane, const abi::RequestEntry& entry) {
    return PushAll(lane, std::span(&entry, 1));
  }
  [[nodiscard]] bool PushAll(uint32_t lane,
                             std::span<const abi::RequestEntry> entries);
  // Never refuses: what does not fit is kept, in order, for FlushOwed().
  void PushOwed(uint32_t lane, const abi::RequestEntry& entry);
  uint32_t Room(uint32_t lane);
  // Tells the control core that its ring has entries.
  void RingControl();
  // Tries again what PushOwed and RingControl could not do. False if something
  // is still owed: call again soon.
  bool FlushOwed();
  bool owes() const { return owed_entries_ != 0 || doorbell_owed_; }

  // Passes the application's socket. CHIMNEY_OK, _AGAIN, _DAEMON_GONE or
  // _SYSTEM.
  int AttachSocket(int fd, uint64_t attach_id);
  // CHIMNEY_OK, _AGAIN or _DAEMON_GONE.
  int SendQuery(const abi::ManagementQuery& query);
  // Next piece of a management answer: 1, 0 if there is none now, -1 if the
  // daemon has hung up.
  int ReceivePart(abi::ManagementPart* part);

  ring::HostConsumer& from_daemon(uint32_t lane) {
    return lanes_[lane].from_daemon;
  }
  // Where received bytes lie; nullptr if the reference makes no sense.
  const uint8_t* ReceivedBytes(uint32_t lane, const abi::NoticeEntry& notice);

  // Asks the daemon to ring the doorbell. False if entries are waiting already.
  bool ArmSleep();
  void DisarmSleep();

  bool gone() const { return gone_; }
  void SetGone();

 private:
  struct Lane {
    ring::HostProducer to_daemon;
    ring::HostConsumer from_daemon;
    std::deque<abi::RequestEntry> owed;
  };
  bool FlushLane(Lane* lane);

  SessionParts parts_;
  std::vector<Lane> lanes_;
  size_t owed_entries_ = 0;
  bool doorbell_owed_ = false;
  bool armed_ = false;
  bool gone_ = false;
};

}  // namespace chimney::client

#endif  // CHIMNEY_CLIENT_DAEMON_LINK_H_
