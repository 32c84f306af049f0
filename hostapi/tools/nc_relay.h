// SPDX-License-Identifier: BSD-3-Clause
// Copies standard input to the connection and the connection to standard
// output until both directions have ended.
#ifndef CHIMNEY_TOOLS_NC_RELAY_H_
#define CHIMNEY_TOOLS_NC_RELAY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "hostapi/tools/nc_link.h"

namespace chimney::tools {

class NcRelay {
 public:
  NcRelay(NcLink* link, int input_fd, int output_fd, NcStats* stats);

  // True if both directions ended cleanly; otherwise *why is one sentence.
  bool Run(std::string* why);

 private:
  // Bytes on their way in one direction.
  struct Buffer {
    std::vector<std::byte> bytes;
    size_t begin = 0;
    size_t end = 0;
    bool empty() const { return begin == end; }
  };

  bool Finished() const;
  bool Wait(bool moved, std::string* why);
  // Each moves what can be moved now; *moved is set if something was. False
  // ends everything.
  bool MoveInput(bool* moved, std::string* why);
  bool MoveOutput(bool* moved, std::string* why);
  bool ReadInput(bool* moved, std::string* why);
  bool WriteOutput(bool* moved, std::string* why);

  NcLink* link_;
  const int input_fd_;
  const int output_fd_;
  NcStats* stats_;
  Buffer outgoing_;
  Buffer incoming_;
  bool input_ready_ = false;
  bool output_ready_ = true;
  bool input_ended_ = false;
  bool shutdown_sent_ = false;
  bool peer_ended_ = false;
};

}  // namespace chimney::tools

#endif  // CHIMNEY_TOOLS_NC_RELAY_H_
