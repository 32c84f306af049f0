// SPDX-License-Identifier: BSD-3-Clause
// Statement by statement, each at its time.
#include "tests/script/run_script.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "tests/script/expression.h"
#include "tests/script/handshake.h"
#include "tests/script/script_calls.h"

namespace chimney::script {
namespace {

constexpr Duration kTolerance = Duration::Millis(4);
// The same where time passes by itself on a busy machine: at least so much, and
// as much as has been waited.
constexpr Duration kCoarseTolerance = Duration::Millis(60);
// What the last statement made it send is there after so long.
constexpr Duration kSettle = Duration::Millis(10);
// How much longer it is waited for a segment that is too late even so.
constexpr Duration kStall = Duration::Millis(300);
// How long a segment at no particular time is waited for.
constexpr Duration kLongestWait = Duration::Seconds(24L * 3600);

std::string Seconds(Duration at) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6f",
                static_cast<double>(at.nanos()) * 1e-9);
  return text;
}

std::optional<uint32_t> ParseU32(const std::string& text) {
  uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

class Run {
 public:
  Run(const Script& script, const Origins& origins, ScriptTarget* target)
      : script_(script), target_(target), origins_(origins) {}

  RunResult Go() {
    Options();
    numbering_.emplace(origins_);
    calls_.emplace(target_, &*numbering_);
    for (const Statement& statement : script_.statements) {
      if (!result_.failure.empty()) break;
      line_ = statement.line;
      Take(statement);
    }
    if (result_.failure.empty()) Finish();
    return std::move(result_);
  }

 private:
  void Fail(const std::string& message) {
    if (!result_.failure.empty() || message.empty()) return;
    result_.failure =
        script_.path + ":" + std::to_string(line_) + ": " + message;
    result_.line = line_;
  }
  void FailLate(const std::string& message) {
    result_.only_late = result_.failure.empty();
    Fail(message);
  }

  void Trace(Duration at, const std::string& what) {
    result_.trace.push_back(Seconds(at) + " " + what);
  }

  void Options();
  Duration BeginOf(const Statement& statement) const;
  // What happens may do so that much early or late, if it was waited for since
  // `since`.
  Duration Tolerance(Duration since) const;
  void Take(const Statement& statement);
  void TakeHandshake(const Statement& statement, Duration at);
  void Act(const Statement& statement);
  void Arrive(const SegmentText& segment);
  void Expect(const Statement& statement, const SegmentText& expected);
  std::optional<SentSegment> Await(const Timing& timing, Duration begin);
  void JoinBurst(const SegmentText& expected, SentSegment* sent);
  void CheckTime(const Timing& timing, Duration begin,
                 const SegmentText& expected, const SentSegment& sent);
  void MakeCall(const Timing& timing, const Call& call);
  void RetryBlocked();
  void Assert(const Assertion& assertion);
  void Use(const Verb& verb);
  void Finish();
  std::string Window(const Timing& timing, Duration begin) const;

  const Script& script_;
  ScriptTarget* target_;
  Origins origins_;
  RunResult result_;
  std::optional<Numbering> numbering_;
  std::optional<ScriptCalls> calls_;
  Handshake handshake_;
  bool running_ = false;
  int line_ = 0;
  Duration tolerance_ = kTolerance;
  Duration base_;          // relative times count from here
  Duration waited_since_;  // what it was before the present statement
  // A call that has not returned yet.
  struct Blocked {
    Call call;
    Duration returns;
  };
  std::optional<Blocked> blocked_;
};

void Run::Options() {
  for (const auto& [name, value] : script_.options) {
    line_ = 1;
    if (name == "tolerance_usecs" || name == "isn" || name == "peer_isn") {
      const std::optional<uint32_t> number = ParseU32(value);
      if (!number) return Fail("--" + name + " needs a number");
      if (name == "isn") origins_.isn = *number;
      if (name == "peer_isn") origins_.peer_isn = *number;
      if (name == "tolerance_usecs") tolerance_ = Duration::Micros(*number);
    }
  }
  // Which numbers are the target's own business depends on the profile.
  const auto profile = script_.options.find("profile");
  if (profile != script_.options.end()) {
    Fail(target_->SetOption("profile", profile->second));
  }
  for (const auto& [name, value] : script_.options) {
    const bool ours = name == "tolerance_usecs" || name == "isn" ||
                      name == "peer_isn" || name == "profile";
    if (!ours) Fail(target_->SetOption(name, value));
  }
}

Duration Run::BeginOf(const Statement& statement) const {
  switch (statement.timing.kind) {
    case Timing::Kind::kAbsolute:
      return statement.timing.at;
    case Timing::Kind::kRelative:
      return base_ + statement.timing.at;
    case Timing::Kind::kAny:
      break;
  }
  return std::max(base_, target_->now());
}

Duration Run::Tolerance(Duration since) const {
  if (!target_->real_time()) return tolerance_;
  return std::max({tolerance_, kCoarseTolerance, base_ - since});
}

void Run::Take(const Statement& statement) {
  Duration begin = BeginOf(statement);
  const Duration slip = target_->real_time() ? kCoarseTolerance : Duration();
  if (begin + slip < base_) return Fail("goes back in time");
  begin = std::max(begin, base_);
  waited_since_ = base_;
  base_ = begin;
  if (!running_) return TakeHandshake(statement, begin);
  if (const auto* expected = std::get_if<Expectation>(&statement.action)) {
    Expect(statement, expected->segment);
  } else {
    target_->AdvanceTo(begin);
    if (target_->now() > begin + Tolerance(waited_since_)) {
      return FailLate("is due at " + Seconds(begin) +
                      ", but the segment before left at " +
                      Seconds(target_->now()));
    }
    Act(statement);
  }
  Fail(target_->Violation());
}

void Run::TakeHandshake(const Statement& statement, Duration at) {
  const std::string problem = handshake_.Take(statement, at);
  if (!problem.empty()) return Fail(problem);
  if (!handshake_.done()) return;
  calls_->SetDescriptors(handshake_.listener(), handshake_.descriptor());
  for (const Call& choice : handshake_.choices()) {
    Fail(calls_->SetOption(choice));
  }
  const ConnectionStart start = numbering_->ToWire(handshake_.start());
  Fail(target_->Start(at, start));
  running_ = true;
  if (handshake_.last_is_for_target()) {
    Arrive(std::get<Arrival>(statement.action).segment);
  }
}

void Run::Act(const Statement& statement) {
  if (const auto* arrival = std::get_if<Arrival>(&statement.action)) {
    Arrive(arrival->segment);
  } else if (const auto* call = std::get_if<Call>(&statement.action)) {
    MakeCall(statement.timing, *call);
  } else if (const auto* verb = std::get_if<Verb>(&statement.action)) {
    Use(*verb);
  } else {
    Assert(std::get<Assertion>(statement.action));
  }
}

void Run::Arrive(const SegmentText& segment) {
  Trace(target_->now(), "< " + Notation(segment));
  target_->Inject(numbering_->ToWire(segment), segment.ecn);
  RetryBlocked();
}

std::string Run::Window(const Timing& timing, Duration begin) const {
  if (timing.kind == Timing::Kind::kAny) return "at any time";
  if (!timing.latest) return "at " + Seconds(begin);
  return "from " + Seconds(begin) + " to " +
         Seconds(begin + (*timing.latest - timing.at));
}

std::optional<SentSegment> Run::Await(const Timing& timing, Duration begin) {
  Duration limit = begin + Tolerance(waited_since_);
  if (timing.latest) limit = limit + (*timing.latest - timing.at);
  if (timing.kind == Timing::Kind::kAny) limit = begin + kLongestWait;
  if (target_->real_time()) limit = std::max(limit, target_->now()) + kStall;
  target_->AdvanceUntilSent(limit);
  return target_->NextSent();
}

// A sender that leaves segmentation to others is written down with one large
// segment: it stands for those that it is cut into.
void Run::JoinBurst(const SegmentText& expected, SentSegment* sent) {
  testing::WireSegment& whole = sent->segment;
  const size_t unit = whole.payload.size();
  if (unit == 0 || numbering_->ToText(*sent).start != expected.start) return;
  size_t last = unit;
  while (whole.payload.size() < expected.payload_bytes && last == unit) {
    const Duration apart = target_->real_time() ? kCoarseTolerance : Duration();
    target_->AdvanceUntilSent(target_->now() + apart);
    const std::optional<SentSegment> next = target_->NextSent();
    if (!next) return;
    Trace(next->at, "> " + Notation(numbering_->ToText(*next)));
    const testing::WireSegment& piece = next->segment;
    if (piece.seq != whole.EndSeq() || next->at > sent->at + apart) {
      return Fail("no part of " + Notation(expected) + ": " +
                  Notation(numbering_->ToText(*next)));
    }
    last = piece.payload.size();
    whole.flags = static_cast<uint8_t>(whole.flags | piece.flags);
    whole.payload.insert(whole.payload.end(), piece.payload.begin(),
                         piece.payload.end());
  }
}

void Run::Expect(const Statement& statement, const SegmentText& expected) {
  const Timing& timing = statement.timing;
  const Duration begin = base_;
  std::optional<SentSegment> sent = Await(timing, begin);
  if (!sent) {
    return Fail("expected " + Window(timing, begin) + "\n    > " +
                Notation(expected) + "\n  but nothing was sent until " +
                Seconds(target_->now()));
  }
  Trace(sent->at, "> " + Notation(numbering_->ToText(*sent)));
  JoinBurst(expected, &*sent);
  const SegmentText seen = numbering_->ToText(*sent);
  const Duration off = Tolerance(Duration());
  const std::string differences =
      Differences(expected, seen, static_cast<uint32_t>(off.millis()));
  if (!differences.empty()) {
    return Fail("expected " + Window(timing, begin) + "\n    > " +
                Notation(expected) + "\n  seen at " + Seconds(sent->at) +
                "\n    > " + Notation(seen) +
                "\n  which differs in:" + differences);
  }
  if (!numbering_->HasOwnBytes(*sent)) {
    return Fail("the payload of " + Notation(seen) +
                " is not what was written");
  }
  CheckTime(timing, begin, expected, *sent);
  const bool vague = timing.kind == Timing::Kind::kAny || timing.latest ||
                     target_->real_time();
  if (vague) base_ = std::max(begin, sent->at);
}

void Run::CheckTime(const Timing& timing, Duration begin,
                    const SegmentText& expected, const SentSegment& sent) {
  if (timing.kind == Timing::Kind::kAny) return;
  const Duration off = Tolerance(waited_since_);
  Duration latest = begin + off;
  if (timing.latest) latest = latest + (*timing.latest - timing.at);
  const Duration early = target_->real_time() ? off / 2 : off;
  if (sent.at + early >= begin && sent.at <= latest) return;
  FailLate("expected " + Window(timing, begin) + "\n    > " +
           Notation(expected) + "\n  which was sent at " + Seconds(sent.at));
}

void Run::MakeCall(const Timing& timing, const Call& call) {
  CallResult result;
  const std::string problem = calls_->Run(call, &result);
  if (!problem.empty()) return Fail(problem);
  if (!timing.returns) return Fail(ScriptCalls::Compare(call, result));
  if (result.error != "EAGAIN") {
    return Fail(call.name + " returned at once");
  }
  if (blocked_) return Fail("another call has not returned yet");
  blocked_ = Blocked{call, base_ + (*timing.returns - timing.at)};
}

void Run::RetryBlocked() {
  if (!blocked_) return;
  CallResult result;
  const std::string problem = calls_->Run(blocked_->call, &result);
  if (!problem.empty()) return Fail(problem);
  if (result.error == "EAGAIN") return;
  const Duration off = Tolerance(base_);
  const Duration early = blocked_->returns - off;
  const Duration late = blocked_->returns + off;
  if (target_->now() < early || target_->now() > late) {
    return Fail(blocked_->call.name + " returned at " +
                Seconds(target_->now()) + ", not at " +
                Seconds(blocked_->returns));
  }
  Fail(ScriptCalls::Compare(blocked_->call, result));
  blocked_.reset();
}

void Run::Assert(const Assertion& assertion) {
  const Lookup lookup = [this](std::string_view name) {
    return target_->Info(name);
  };
  for (const std::string& expression : assertion.expressions) {
    std::string error;
    std::optional<int64_t> value = Evaluate(expression, lookup, &error);
    // A timer that is a little late may still make it true.
    const Duration limit = base_ + kCoarseTolerance;
    while (target_->real_time() && value == 0 && target_->now() < limit) {
      target_->AdvanceTo(target_->now() + kSettle);
      value = Evaluate(expression, lookup, &error);
    }
    if (!value) return Fail(error);
    if (*value == 0) {
      return Fail("not so: " + expression + "\n  at " +
                  Seconds(target_->now()) + ": " +
                  NamedValues(expression, lookup));
    }
  }
}

void Run::Use(const Verb& verb) {
  if (verb.name == "terminate") return Fail(target_->Terminate());
  if (verb.name == "offload") return Fail(target_->Offload());
  if (verb.name != "update") return Fail("there is a connection already");
  if (const auto mtu = verb.Find("mtu")) {
    Fail(target_->Choose(SocketChoice::kPathMtu, *mtu));
  }
  if (const auto bytes = verb.Find("rcvbuf")) {
    Fail(target_->Choose(SocketChoice::kReceiveBuffer, *bytes));
  }
}

void Run::Finish() {
  if (!running_) return Fail("the script ends before there is a connection");
  if (blocked_) return Fail(blocked_->call.name + " never returned");
  if (target_->real_time()) target_->AdvanceUntilSent(target_->now() + kSettle);
  if (const std::optional<SentSegment> sent = target_->NextSent()) {
    Fail("nobody expected, at " + Seconds(sent->at) + "\n    > " +
         Notation(numbering_->ToText(*sent)));
  }
  Fail(target_->Violation());
}

}  // namespace

RunResult RunScript(const Script& script, const Origins& origins,
                    ScriptTarget* target) {
  return Run(script, origins, target).Go();
}

}  // namespace chimney::script
