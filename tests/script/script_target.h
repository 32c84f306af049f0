// SPDX-License-Identifier: BSD-3-Clause
// What a script is run against: one end of an established connection. The
// engine is one such target; a kernel socket behind a TUN device can be
// another. Sequence numbers and timestamps are those of the wire; times count
// from the beginning of the script.
#ifndef CHIMNEY_TESTS_SCRIPT_SCRIPT_TARGET_H_
#define CHIMNEY_TESTS_SCRIPT_SCRIPT_TARGET_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "tests/script/segment_text.h"
#include "tests/support/wire_segment.h"

namespace chimney::script {

// The state in which a handshake, or whoever had the connection before, left
// it. Nothing is in flight, nothing unread.
struct ConnectionStart {
  uint32_t snd_nxt = 0;
  uint32_t rcv_nxt = 0;
  uint16_t peer_mss = 536;
  bool sack = false;
  bool timestamps = false;
  bool window_scaling = false;
  uint8_t peer_wscale = 0;  // shift of the windows that the peer sends
  uint8_t own_wscale = 0;
  uint32_t snd_wnd_bytes = 65535;
  uint32_t receive_buffer_bytes = 65535;
  uint32_t ts_now = 0;     // our clock, milliseconds
  uint32_t ts_recent = 0;  // the peer's last
  Duration ts_recent_age;
  Duration rtt;                    // first sample; zero: none was taken
  Duration rttvar;                 // zero: half of rtt
  uint32_t cwnd_segments = 0;      // 0: the initial window
  uint32_t ssthresh_segments = 0;  // 0: none yet
  uint8_t dup_acks = 0;
  uint8_t window_probe_rounds = 0;
  uint8_t keepalive_probes = 0;
  std::optional<Duration> retransmit_in;
  std::optional<Duration> keepalive_in;
};

// What the application has of its socket.
enum class SocketChoice : uint8_t {
  kNoDelay,            // 0 or 1
  kKeepalive,          // 0 or 1
  kKeepaliveIdle,      // seconds
  kKeepaliveInterval,  // seconds
  kKeepaliveProbes,    // count
  kUserTimeout,        // milliseconds
  kReceiveBuffer,      // bytes
  kPathMtu,            // bytes: what the host has learned
  kResetOnClose,       // 0 or 1: SO_LINGER with no time
};

// A segment that left, and when.
struct SentSegment {
  Duration at;
  EcnMark ecn = EcnMark::kNotEct;
  testing::WireSegment segment;
};

// Result of a call on the socket: not negative, or -1 and the name of an errno.
struct CallResult {
  int64_t value = 0;
  std::string error;
};

class ScriptTarget {
 public:
  ScriptTarget() = default;
  ScriptTarget(const ScriptTarget&) = delete;
  ScriptTarget& operator=(const ScriptTarget&) = delete;
  virtual ~ScriptTarget() = default;

  // Time passes by itself: what leaves is compared as strictly as ever, but
  // when it leaves only coarsely.
  virtual bool real_time() const { return false; }

  // Sets one of the script's own options (--profile and so on) before
  // anything else. Empty, or why not.
  virtual std::string SetOption(std::string_view name,
                                std::string_view value) = 0;
  // Brings the connection to life at `now`. Empty, or why not.
  virtual std::string Start(Duration now, const ConnectionStart& start) = 0;

  // Time goes on to `to`; what has to be sent meanwhile is sent.
  virtual void AdvanceTo(Duration to) = 0;
  // The same, but it stops when a segment is there for NextSent().
  virtual void AdvanceUntilSent(Duration limit) = 0;
  virtual Duration now() const = 0;
  // The oldest segment that left and has not been asked for.
  virtual std::optional<SentSegment> NextSent() = 0;

  // A segment of the peer arrives.
  virtual void Inject(const testing::WireSegment& segment, EcnMark ecn) = 0;

  // The application.
  virtual CallResult Write(const std::vector<uint8_t>& bytes, bool more) = 0;
  virtual CallResult Read(size_t max, std::vector<uint8_t>* bytes) = 0;
  virtual CallResult ShutdownWrite() = 0;
  virtual CallResult Close() = 0;
  // Empty, or why not.
  virtual std::string Choose(SocketChoice choice, int64_t value) = 0;

  // The connection leaves this target's hands, and comes back. Empty, or what
  // went wrong.
  virtual std::string Terminate() = 0;
  virtual std::string Offload() = 0;

  // A number by its name, those of Linux's tcp_info or the target's own.
  virtual std::optional<int64_t> Info(std::string_view name) const = 0;
  // What is wrong with the target itself, whatever the script expects.
  virtual std::string Violation() const = 0;
};

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_SCRIPT_TARGET_H_
