// SPDX-License-Identifier: BSD-3-Clause
// The two memory files of a session (design D5): shared (the session writes)
// and published (only the daemon writes).
#ifndef CHIMNEY_DAEMON_SESSION_MEMORY_H_
#define CHIMNEY_DAEMON_SESSION_MEMORY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "daemon/unique_fd.h"
#include "ring/session_layout.h"

namespace chimney::daemon {

// Every page is backed before the session sees it, and the seals keep the
// session from taking one away: no access of the daemon can fault.
class SessionMemory {
 public:
  // Makes, sizes, backs, maps and formats both files. Null, with `*error` a
  // sentence for people, if that cannot be done. `huge`: try huge pages first.
  static std::unique_ptr<SessionMemory> Create(
      const ring::SessionShape& shape, const ring::SessionIdentity& identity,
      bool huge, std::string* error);
  ~SessionMemory();
  SessionMemory(const SessionMemory&) = delete;
  SessionMemory& operator=(const SessionMemory&) = delete;

  // Call when the client says that it has mapped both files: from then on no
  // new writable mapping, no hole and no other size is possible. False if the
  // kernel refuses, and the session must not open.
  bool Seal(std::string* error);

  const ring::SessionLayout& layout() const { return layout_; }
  uint8_t* shared() const { return shared_.base; }
  uint8_t* published() const { return published_.base; }
  int shared_fd() const { return shared_.fd.get(); }
  int published_fd() const { return published_.fd.get(); }
  // The files stay alive as long as they are mapped.
  void CloseFiles();

 private:
  struct File {
    UniqueFd fd;
    uint8_t* base = nullptr;
    uint64_t bytes = 0;
  };
  SessionMemory() = default;
  static bool Open(const char* name, uint64_t bytes, bool huge, File* file,
                   std::string* error);

  ring::SessionLayout layout_;
  File shared_;
  File published_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_SESSION_MEMORY_H_
