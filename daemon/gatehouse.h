// SPDX-License-Identifier: BSD-3-Clause
// Where clients arrive: a small process that is there from the beginning, with
// nothing of the daemon's in it. It accepts them and gives each a porter
// (porter.h), a process of its own; the control core gets the porter's other
// end. What a client leaves in its socket, before or after it was accepted,
// therefore never stops the daemon, nor keeps anything of it after its end.
#ifndef CHIMNEY_DAEMON_GATEHOUSE_H_
#define CHIMNEY_DAEMON_GATEHOUSE_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "daemon/config.h"
#include "daemon/unique_fd.h"

namespace chimney::daemon {

class Gatehouse {
 public:
  struct Limits {
    // Porters of one user, those that hang among them, and of all; root and the
    // daemon's own user may have a few more. Whoever comes then is turned away.
    uint32_t porters_per_user = 0;
    uint32_t porters = 0;
  };
  // Begins the process. To be called while this one has one thread and nothing
  // that must not be shared. nullptr, and *error, if there is no process to be
  // had.
  static std::unique_ptr<Gatehouse> Start(const Limits& limits,
                                          std::string* error);
  // Ends it, for which it has a second. Should this process end in any other
  // way, it ends as well.
  ~Gatehouse();
  Gatehouse(const Gatehouse&) = delete;
  Gatehouse& operator=(const Gatehouse&) = delete;

  // Readable when Accept has something, or the process is gone.
  int fd() const { return channel_.get(); }

  // Clients arrive at this listening socket from now on. False if the process
  // is gone.
  bool Listen(UniqueFd listener);

  struct Client {
    UniqueFd socket;  // what arrives here is proved by ReceiveMessage
    uid_t uid = 0;
    pid_t pid = 0;
  };
  enum class Arrival : uint8_t { kClient, kNobody, kGatehouseGone };
  Arrival Accept(Client* client);

 private:
  Gatehouse(UniqueFd channel, pid_t process)
      : channel_(std::move(channel)), process_(process) {}

  UniqueFd channel_;
  const pid_t process_;
};

// For as many sessions as there may be, those that are beginning, and some
// whose clients keep them from ending.
Gatehouse::Limits PorterLimits(const Config& config);

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_GATEHOUSE_H_
