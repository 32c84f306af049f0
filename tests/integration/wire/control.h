// SPDX-License-Identifier: BSD-3-Clause
// Orders at run time, as datagrams on a unix socket; each is answered with
// "ok", the counters, or "error: WHY" if its sender has an address.
//
//   mtu BYTES                    the router's next link; 0: any size passes
//   restart LOSS SEED            both ways lose this percentage from now on,
//                                as SEED says, and count from 0
//   remember                     keep the largest TCP segment of each way
//   forge a|b MTU SHIFT          a too-big error to the side named, about a
//                                segment of its own whose sequence number is
//                                shifted
//   counters                     as at the end
#ifndef CHIMNEY_TESTS_INTEGRATION_WIRE_CONTROL_H_
#define CHIMNEY_TESTS_INTEGRATION_WIRE_CONTROL_H_

#include <string>

#include "direction.h"

namespace chimney::wire {

// The counters of both ways as one JSON object.
std::string CountersJson(Direction& from_a, Direction& from_b);

class Control {
 public:
  // An empty path: no control socket. Ends the program if it cannot be made.
  Control(const std::string& path, Direction& from_a, Direction& from_b);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  int fd() const { return fd_; }
  // Carries out what has been asked; does not wait.
  void Serve();

 private:
  std::string Obey(const std::string& order);

  const std::string path_;
  Direction& from_a_;
  Direction& from_b_;
  int fd_ = -1;
};

}  // namespace chimney::wire

#endif  // CHIMNEY_TESTS_INTEGRATION_WIRE_CONTROL_H_
