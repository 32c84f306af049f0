// SPDX-License-Identifier: BSD-3-Clause
// The engine as what a script is run against, on a virtual clock. Its
// invariants are checked after every call.
#ifndef CHIMNEY_TESTS_SCRIPT_ENGINE_TARGET_H_
#define CHIMNEY_TESTS_SCRIPT_ENGINE_TARGET_H_

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tcp/engine.h"
#include "tests/script/script_target.h"
#include "tests/support/engine_store.h"
#include "tests/support/send_memory.h"

namespace chimney::script {

class EngineTarget : public ScriptTarget {
 public:
  EngineTarget();
  ~EngineTarget() override;

  std::string SetOption(std::string_view name, std::string_view value) override;
  std::string Start(Duration now, const ConnectionStart& start) override;
  void AdvanceTo(Duration to) override;
  void AdvanceUntilSent(Duration limit) override;
  Duration now() const override { return now_; }
  std::optional<SentSegment> NextSent() override;
  void Inject(const testing::WireSegment& segment, EcnMark ecn) override;
  CallResult Write(const std::vector<uint8_t>& bytes, bool more) override;
  CallResult Read(size_t max, std::vector<uint8_t>* bytes) override;
  CallResult ShutdownWrite() override;
  CallResult Close() override;
  std::string Choose(SocketChoice choice, int64_t value) override;
  std::string Terminate() override;
  std::string Offload() override;
  std::optional<int64_t> Info(std::string_view name) const override;
  std::string Violation() const override { return violation_; }

 private:
  struct Parked {
    testing::WireSegment segment;
    EcnMark ecn;
  };

  Instant EngineNow() const;
  bool away() const { return exported_ != nullptr; }
  // Fires the timer that is due next, if that is not after `limit`.
  bool FireNext(Duration limit);
  // After every call on the engine: looks at what it says and sends.
  void Handle(const tcp::Outcome& outcome);
  void Pump();
  void Check(std::string_view after);
  void Violate(const std::string& what);
  // The hand-over itself makes the engine owe an ACK (R54); after a handshake
  // nobody owes one.
  std::string DropOwedAck();
  std::string Import(const tcp::TcpState& state, tcp::RecordList* send_data,
                     tcp::FragmentList* receive_data);
  void Feed(const testing::WireSegment& segment, EcnMark ecn);
  // Out-of-order data are not reneged on: they come in again.
  void ReplayHeld(tcp::Exported* held);
  void CheckAway();
  std::optional<CallResult> Ended() const;
  void DropEverything();

  tcp::Parameters parameters_;
  testing::EngineStore store_;
  testing::SendMemory send_memory_;
  std::unique_ptr<tcp::Tcb> tcb_;
  std::unique_ptr<tcp::Exported> exported_;
  Duration exported_at_;
  std::vector<Parked> parked_;
  std::deque<SentSegment> sent_;
  bool ipv6_ = false;
  uint32_t mtu_bytes_ = 1500;
  tcp::TcpCachedState cached_;
  Duration now_;
  uint64_t written_ = 0;
  bool reset_on_close_ = false;
  bool write_shut_ = false;
  bool reset_by_peer_ = false;
  tcp::StopReason stop_ = tcp::StopReason::kNone;
  tcp::SegmentReason reason_ = tcp::SegmentReason::kNone;
  uint32_t events_ = 0;
  std::string violation_;
};

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_ENGINE_TARGET_H_
