// SPDX-License-Identifier: BSD-3-Clause
// Reads a script's text from front to back: space and comments, numbers,
// words, punctuation. What a word means is the parser's business. The first
// fault is kept, with its line, and ends all further reading.
#ifndef CHIMNEY_TESTS_SCRIPT_SCANNER_H_
#define CHIMNEY_TESTS_SCRIPT_SCANNER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace chimney::script {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  // Passes over space, `// ...` and `/* ... */`.
  void SkipSpace();
  // True if nothing but space is left.
  bool AtEnd();
  int line() const { return line_; }

  // The next character that is no space, '\0' at the end.
  char Peek();
  // True if `what` comes next, space in front of it aside.
  bool LooksAt(std::string_view what);
  // LooksAt, and then passes over it.
  bool Accept(std::string_view what);
  // Accept, or a fault that says `what` was expected.
  bool Expect(std::string_view what);
  // Letters, digits and underscores, not beginning with a digit; empty and no
  // fault if none come next.
  std::string Word();
  // The same without passing over it.
  std::string PeekWord();
  // A whole number, decimal or 0x..., with a sign if allowed. A fault if there
  // is none, or it lies outside [least, most].
  std::optional<int64_t> Number(int64_t least, int64_t most);
  // Seconds with up to nine decimals: 1, .5, 0.100.
  std::optional<Duration> Seconds();
  // Everything up to the next `stop`, which is passed over; a fault if there is
  // none.
  std::optional<std::string> Until(std::string_view stop);
  // The rest of the line.
  std::string RestOfLine();
  // What comes next, shortened, for messages.
  std::string Glimpse();

  // Notes the first fault; always false.
  bool Fault(const std::string& message);
  bool failed() const { return failed_; }
  const std::string& message() const { return message_; }
  int fault_line() const { return fault_line_; }

 private:
  bool Has(size_t count) const { return text_.size() - at_ >= count; }
  char Here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void Step(size_t count);
  bool SkipComment();

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
  bool failed_ = false;
  int fault_line_ = 0;
  std::string message_;
};

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_SCANNER_H_
