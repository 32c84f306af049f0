// SPDX-License-Identifier: BSD-3-Clause
// One end of a connection as its application sees it, whatever runs below: the
// engine or the model peer.
#ifndef CHIMNEY_TESTS_SUPPORT_STREAM_ENDPOINT_H_
#define CHIMNEY_TESTS_SUPPORT_STREAM_ENDPOINT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/wire_segment.h"

namespace chimney::testing {

class StreamEndpoint {
 public:
  virtual ~StreamEndpoint() = default;

  // From the wire.
  virtual void OnSegment(const WireSegment& segment) = 0;

  // A router says that something was too big for its MTU.
  virtual void OnPathMtu(uint32_t mtu_bytes) {}

  // From the application.
  virtual void Write(std::vector<uint8_t> bytes) = 0;
  virtual void Close() = 0;  // FIN after all that was written
  virtual std::vector<uint8_t> Read(size_t max) = 0;

  virtual size_t readable() const = 0;
  // Written and not yet acknowledged.
  virtual uint64_t backlog() const = 0;
  // The peer's FIN is in sequence and every byte before it has been read.
  virtual bool at_end_of_stream() const = 0;
  // Nothing is left to do: both directions have ended and are acknowledged.
  virtual bool finished() const = 0;
  // The connection ended otherwise.
  virtual bool broken() const = 0;
  virtual std::string Status() const = 0;
  // Called once at the end: takes everything down and says what was left over
  // that should not have been; empty if nothing.
  virtual std::string TearDown() { return ""; }
  // Times that the connection has changed hands.
  virtual uint64_t handovers() const { return 0; }
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_STREAM_ENDPOINT_H_
