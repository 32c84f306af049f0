// SPDX-License-Identifier: BSD-3-Clause
// Every state of R43 with every fill of the queues goes through hand-overs; the
// streams stay exact and both ends reach their final state (design D1-D3).
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "kernel/socket_options.h"
#include "lab_fixture.h"
#include "round_trip.h"

namespace chimney::kernel {
namespace {

using tcp::ConnectionState;

constexpr int kPeerReceiveBuffer = 65536;
constexpr size_t kWindowBytes = 60000;

struct Case {
  ConnectionState state;
  size_t bytes;  // in each direction
  Family family;
};

// One connection on its way through the test.
struct Trial {
  Case plan;
  TcpPair pair;
  std::vector<uint8_t> to_peer;
  std::vector<uint8_t> to_host;
  SocketImage image;
};

bool PeerClosesFirst(ConnectionState state) {
  return state == ConnectionState::kCloseWait ||
         state == ConnectionState::kLastAck ||
         state == ConnectionState::kClosing;
}

bool HostHasShutDown(ConnectionState state) {
  return state != ConnectionState::kEstablished &&
         state != ConnectionState::kCloseWait;
}

class States : public KernelLab, public testing::WithParamInterface<Family> {
 protected:
  void Open(const Case& plan) {
    PairOptions options;
    options.family = plan.family;
    options.host_accepts = trials_.size() % 2 == 0;
    options.peer_receive_buffer = kPeerReceiveBuffer;
    trials_.push_back(std::make_unique<Trial>(
        Trial{plan, MakeTcpPair(*lab_, options), {}, {}, {}}));
    Trial& trial = *trials_.back();
    const uint32_t seed = static_cast<uint32_t>(trials_.size());
    trial.to_peer = StreamBytes(seed, 0, plan.bytes);
    trial.to_host = StreamBytes(seed + 1000, 0, plan.bytes);
    // The peer's FIN only arrives if all in front of it fits into the window.
    if (PeerClosesFirst(plan.state) && plan.bytes > kWindowBytes) {
      trial.to_host.resize(kWindowBytes);
    }
    // Only data that the peer acknowledges lets FIN_WAIT2 be reached.
    if (plan.state == ConnectionState::kFinWait2) trial.to_peer.clear();
  }

  // Fills the queues and reaches the state; TCP towards the peer is dropped in
  // the middle, so that data and FINs stay unacknowledged.
  void Reach() {
    for (const auto& trial : trials_) {
      trial->to_host.resize(SendAll(trial->pair.peer_fd, trial->to_host));
      if (trial->plan.state == ConnectionState::kFinWait2) {
        shutdown(trial->pair.host_fd, SHUT_WR);
      }
    }
    SleepMs(200);
    for (const auto& trial : trials_) {
      if (trial->plan.state == ConnectionState::kCloseWait ||
          trial->plan.state == ConnectionState::kLastAck) {
        shutdown(trial->pair.peer_fd, SHUT_WR);
      }
    }
    SleepMs(50);
    lab_->DropTowardsPeer(true);
    for (const auto& trial : trials_) {
      trial->to_peer.resize(SendAll(trial->pair.host_fd, trial->to_peer));
      if (HostHasShutDown(trial->plan.state)) {
        shutdown(trial->pair.host_fd, SHUT_WR);
      }
      if (trial->plan.state == ConnectionState::kClosing) {
        shutdown(trial->pair.peer_fd, SHUT_WR);
      }
    }
    SleepMs(50);
  }

  void HandOverAll() {
    for (const auto& trial : trials_) {
      SCOPED_TRACE(Name(*trial));
      const std::string failed =
          RoundTrip(trial->pair.host_fd, *tap_, &trial->image);
      EXPECT_EQ(failed, "");
      CheckImage(*trial);
    }
  }

  void CheckImage(const Trial& trial) {
    const tcp::TcpDelegatedState& state = trial.image.snapshot.tcp.delegated;
    EXPECT_TRUE(trial.image.send_bytes == trial.to_peer)
        << trial.image.send_bytes.size() << " of " << trial.to_peer.size();
    // The host's window may have held some back.
    const std::vector<uint8_t>& unread = trial.image.receive_bytes;
    EXPECT_TRUE(std::equal(unread.begin(), unread.end(), trial.to_host.begin()))
        << unread.size() << " of " << trial.to_host.size();
    EXPECT_EQ(unread.empty(), trial.to_host.empty());
    // With data left to send the FIN has not been sent, and the RFC's state is
    // the one before it.
    if (!state.fin_queued) {
      EXPECT_STREQ(tcp::ConnectionStateName(state.state),
                   tcp::ConnectionStateName(trial.plan.state));
    }
  }

  void FinishAll() {
    for (const auto& trial : trials_) {
      SCOPED_TRACE(Name(*trial));
      if (!HostHasShutDown(trial->plan.state)) {
        shutdown(trial->pair.host_fd, SHUT_WR);
      }
      const bool peer_open = !PeerClosesFirst(trial->plan.state);
      if (peer_open) shutdown(trial->pair.peer_fd, SHUT_WR);
      const ReadResult at_peer =
          ReadUntil(trial->pair.peer_fd, trial->to_peer.size(), true, 8000);
      EXPECT_TRUE(at_peer.bytes == trial->to_peer)
          << at_peer.bytes.size() << " of " << trial->to_peer.size();
      EXPECT_TRUE(at_peer.end_of_file) << at_peer.error;
      const ReadResult at_host =
          ReadUntil(trial->pair.host_fd, trial->to_host.size(), true, 8000);
      EXPECT_TRUE(at_host.bytes == trial->to_host)
          << at_host.bytes.size() << " of " << trial->to_host.size();
      EXPECT_TRUE(at_host.end_of_file) << at_host.error;
    }
    // CLOSE is what both sockets say once both FINs are acknowledged, whether
    // the kernel keeps a TIME_WAIT behind it or not.
    for (const auto& trial : trials_) {
      SCOPED_TRACE(Name(*trial));
      EXPECT_TRUE(AwaitState(trial->pair.host_fd, kKernelClose, 5000))
          << KernelStateOf(trial->pair.host_fd);
      EXPECT_TRUE(AwaitState(trial->pair.peer_fd, kKernelClose, 5000))
          << KernelStateOf(trial->pair.peer_fd);
    }
  }

  static std::string Name(const Trial& trial) {
    return std::string(tcp::ConnectionStateName(trial.plan.state)) + " with " +
           std::to_string(trial.plan.bytes) + " bytes";
  }

  std::vector<std::unique_ptr<Trial>> trials_;
};

TEST_P(States, EveryStateWithEveryFillSurvivesRepeatedHandOvers) {
  constexpr ConnectionState kStates[] = {
      ConnectionState::kEstablished, ConnectionState::kFinWait1,
      ConnectionState::kFinWait2,    ConnectionState::kCloseWait,
      ConnectionState::kClosing,     ConnectionState::kLastAck};
  // Empty, one byte, a full window, more than the peer's window.
  constexpr size_t kFills[] = {0, 1, 65536, 1 << 20};
  for (const ConnectionState state : kStates) {
    for (const size_t bytes : kFills) Open({state, bytes, GetParam()});
  }
  Reach();
  HandOverAll();
  HandOverAll();
  HandOverAll();
  lab_->DropTowardsPeer(false);
  FinishAll();
}

std::string FamilyName(const testing::TestParamInfo<Family>& tested) {
  switch (tested.param) {
    case Family::kV4:
      return "V4";
    case Family::kV6:
      return "V6";
    case Family::kV4Mapped:
      return "V4Mapped";
  }
  return "Unknown";
}

INSTANTIATE_TEST_SUITE_P(Families, States,
                         testing::Values(Family::kV4, Family::kV6,
                                         Family::kV4Mapped),
                         FamilyName);

}  // namespace
}  // namespace chimney::kernel
