// SPDX-License-Identifier: BSD-3-Clause
// System calls of a script, carried out on a target.
#ifndef CHIMNEY_TESTS_SCRIPT_SCRIPT_CALLS_H_
#define CHIMNEY_TESTS_SCRIPT_SCRIPT_CALLS_H_

#include <cstdint>
#include <string>

#include "tests/script/numbering.h"
#include "tests/script/script.h"
#include "tests/script/script_target.h"

namespace chimney::script {

// The application of a script: its descriptors, and how far it is in both
// streams.
class ScriptCalls {
 public:
  ScriptCalls(ScriptTarget* target, const Numbering* numbering)
      : target_(target), numbering_(numbering) {}

  void SetDescriptors(int64_t listener, int64_t connection) {
    listener_ = listener;
    connection_ = connection;
  }

  // Carries `call` out. Empty and `result`, or why that cannot be done.
  std::string Run(const Call& call, CallResult* result);
  // A setsockopt that says nothing about a connection, or one that does.
  std::string SetOption(const Call& call);

  // In what `result` is not what the call expects; empty if in nothing.
  static std::string Compare(const Call& call, const CallResult& result);

 private:
  std::string Send(const Call& call, CallResult* result);
  std::string Receive(const Call& call, CallResult* result);
  std::string Shutdown(const Call& call, CallResult* result);
  std::string Accept(const Call& call, CallResult* result);
  std::string Close(const Call& call, CallResult* result);
  // SO_ERROR, all that scripts ask for.
  std::string GetOption(const Call& call) const;

  ScriptTarget* target_;
  const Numbering* numbering_;
  int64_t listener_ = -1;
  int64_t connection_ = -1;
  uint64_t written_ = 0;
  uint64_t read_ = 0;
};

}  // namespace chimney::script

#endif  // CHIMNEY_TESTS_SCRIPT_SCRIPT_CALLS_H_
