// SPDX-License-Identifier: BSD-3-Clause
// Character by character.
#include "tests/script/scanner.h"

#include <cctype>

namespace chimney::script {
namespace {

constexpr size_t kGlimpseCharacters = 24;
constexpr int kMaxDecimals = 9;
constexpr int64_t kMaxSeconds = 1'000'000'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordStart(char c) {
  return c == '_' || std::isalpha(static_cast<unsigned char>(c)) != 0;
}
bool IsWordPart(char c) { return IsWordStart(c) || IsDigit(c); }

std::optional<int> HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  const int lower = std::tolower(static_cast<unsigned char>(c));
  if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return std::nullopt;
}

}  // namespace

bool Scanner::Fault(const std::string& message) {
  if (!failed_) {
    failed_ = true;
    fault_line_ = line_;
    message_ = message;
  }
  return false;
}

void Scanner::Step(size_t count) {
  while (count-- != 0 && at_ < text_.size()) {
    if (text_[at_] == '\n') ++line_;
    ++at_;
  }
}

bool Scanner::SkipComment() {
  if (!Has(2) || text_[at_] != '/') return false;
  if (text_[at_ + 1] == '/') {
    while (at_ < text_.size() && Here() != '\n') Step(1);
    return true;
  }
  if (text_[at_ + 1] != '*') return false;
  const size_t end = text_.find("*/", at_ + 2);
  if (end == std::string_view::npos) {
    Fault("comment without an end");
    Step(text_.size());
    return true;
  }
  Step(end + 2 - at_);
  return true;
}

void Scanner::SkipSpace() {
  while (at_ < text_.size()) {
    if (std::isspace(static_cast<unsigned char>(Here())) != 0) {
      Step(1);
    } else if (!SkipComment()) {
      return;
    }
  }
}

bool Scanner::AtEnd() {
  SkipSpace();
  return at_ >= text_.size();
}

char Scanner::Peek() {
  SkipSpace();
  return Here();
}

bool Scanner::LooksAt(std::string_view what) {
  SkipSpace();
  return text_.substr(at_, what.size()) == what;
}

bool Scanner::Accept(std::string_view what) {
  if (failed_ || !LooksAt(what)) return false;
  Step(what.size());
  return true;
}

bool Scanner::Expect(std::string_view what) {
  if (Accept(what)) return true;
  return Fault("expected \"" + std::string(what) + "\" before " + Glimpse());
}

std::string Scanner::PeekWord() {
  SkipSpace();
  if (!IsWordStart(Here())) return "";
  size_t end = at_;
  while (end < text_.size() && IsWordPart(text_[end])) ++end;
  return std::string(text_.substr(at_, end - at_));
}

std::string Scanner::Word() {
  if (failed_) return "";
  std::string word = PeekWord();
  Step(word.size());
  return word;
}

std::optional<int64_t> Scanner::Number(int64_t least, int64_t most) {
  SkipSpace();
  if (failed_) return std::nullopt;
  const std::string before = Glimpse();
  const bool negative = Here() == '-';
  if (negative) Step(1);
  const bool hex = text_.substr(at_, 2) == "0x";
  if (hex) Step(2);
  const int base = hex ? 16 : 10;
  int64_t value = 0;
  bool any = false;
  while (true) {
    const std::optional<int> digit = HexDigit(Here());
    if (!digit || *digit >= base) break;
    any = true;
    if (value < (INT64_MAX - 15) / 16) value = value * base + *digit;
    Step(1);
  }
  if (negative) value = -value;
  if (any && value >= least && value <= most && !IsWordPart(Here())) {
    return value;
  }
  Fault("expected a number from " + std::to_string(least) + " to " +
        std::to_string(most) + " at " + before);
  return std::nullopt;
}

std::optional<Duration> Scanner::Seconds() {
  SkipSpace();
  if (failed_) return std::nullopt;
  const std::string before = Glimpse();
  bool any = false;
  int64_t seconds = 0;
  while (IsDigit(Here())) {
    any = true;
    if (seconds <= kMaxSeconds) seconds = seconds * 10 + (Here() - '0');
    Step(1);
  }
  int64_t nanos = 0;
  // Three points are no fraction but a call that takes time.
  if (Here() == '.' && text_.substr(at_, 3) != "...") {
    Step(1);
    int64_t weight = 1'000'000'000;
    for (int i = 0; IsDigit(Here()); ++i) {
      any = true;
      weight /= 10;
      if (i < kMaxDecimals) nanos += weight * (Here() - '0');
      Step(1);
    }
  }
  if (any && seconds <= kMaxSeconds) {
    return Duration::Seconds(seconds) + Duration::Nanos(nanos);
  }
  Fault("expected seconds at " + before);
  return std::nullopt;
}

std::optional<std::string> Scanner::Until(std::string_view stop) {
  if (failed_) return std::nullopt;
  const size_t end = text_.find(stop, at_);
  if (end == std::string_view::npos) {
    Fault("no \"" + std::string(stop) + "\" follows");
    return std::nullopt;
  }
  std::string found(text_.substr(at_, end - at_));
  Step(end + stop.size() - at_);
  return found;
}

std::string Scanner::RestOfLine() {
  const size_t end = std::min(text_.find('\n', at_), text_.size());
  std::string rest(text_.substr(at_, end - at_));
  Step(end - at_);
  while (!rest.empty() &&
         std::isspace(static_cast<unsigned char>(rest.back())) != 0) {
    rest.pop_back();
  }
  return rest;
}

std::string Scanner::Glimpse() {
  SkipSpace();
  if (at_ >= text_.size()) return "the end of the script";
  const std::string_view rest = text_.substr(at_, kGlimpseCharacters);
  return "\"" + std::string(rest.substr(0, rest.find('\n'))) + "\"";
}

}  // namespace chimney::script
