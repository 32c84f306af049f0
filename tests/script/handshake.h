// SPDX-License-Identifier: BSD-3-Clause
// The part of a script that comes before the connection: either a handshake,
// whose outcome is worked out here since no target takes part in it, or the
// verb `established`.
#ifndef CHIMNEY_TESTS_SCRIPT_HANDSHAKE_H_
#define CHIMNEY_TESTS_SCRIPT_HANDSHAKE_H_

#include <optional>
#include <string>

#include "base/time.h"
#include "tests/script/script.h"
#include "tests/script/script_target.h"

namespace chimney::script {

class Handshake {
 public:
  // One statement, which takes place at `at`. Empty, or what is wrong.
  std::string Take(const Statement& statement, Duration at);

  // The connection is there: no more statements for Take().
  bool done() const { return stage_ == Stage::kDone; }
  // In the script's numbers.
  const ConnectionStart& start() const { return start_; }
  // Descriptor of the connection, -1 before `accept`.
  int64_t descriptor() const { return connection_; }
  int64_t listener() const { return listener_; }
  // The statement that ended the handshake is also one for the connection: its
  // ACK brought data.
  bool last_is_for_target() const { return last_is_for_target_; }
  // A choice made about the socket before there was a connection.
  const std::vector<Call>& choices() const { return choices_; }

 private:
  enum class Stage : uint8_t {
    kNothing,
    kListening,
    kSynReceived,  // waits for > S.
    kSynAckSent,   // waits for < .
    kConnecting,   // waits for > S
    kSynSent,      // waits for < S.
    kSynAckReceived,
    kDone,
  };

  std::string TakeCall(const Call& call);
  std::string TakeArrival(const SegmentText& segment, Duration at);
  std::string TakeExpectation(const SegmentText& segment, Duration at);
  std::string TakeVerb(const Verb& verb);
  std::string FinishPassive(const SegmentText& segment, Duration at);
  void TakePeerSyn(const SegmentText& segment);
  void TakeOwnSyn(const SegmentText& segment, Duration at);
  void TakeSample(Duration at);
  void Negotiate();
  void SetClock(Duration at);

  Stage stage_ = Stage::kNothing;
  int64_t listener_ = -1;
  int64_t connection_ = -1;
  bool last_is_for_target_ = false;
  std::vector<Call> choices_;
  OptionText own_options_;
  OptionText peer_options_;
  uint32_t own_ts_ = 0;  // last TSval of ours that the script shows, and when
  Duration own_ts_at_;
  Duration syn_sent_at_;
  ConnectionStart start_;
};

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_HANDSHAKE_H_
