// SPDX-License-Identifier: BSD-3-Clause
// A connection between the two namespaces, and byte streams over it that can be
// checked.
#ifndef CHIMNEY_TESTS_INTEGRATION_KERNEL_TCP_PAIR_H_
#define CHIMNEY_TESTS_INTEGRATION_KERNEL_TCP_PAIR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "namespace_pair.h"

namespace chimney::kernel {

enum class Family { kV4, kV6, kV4Mapped };

struct TcpPair {
  int host_fd = -1;  // the socket that is handed over; non-blocking
  int peer_fd = -1;  // unmodified; non-blocking

  TcpPair() = default;
  TcpPair(TcpPair&& other) noexcept;
  TcpPair& operator=(TcpPair&&) = delete;
  ~TcpPair();
};

struct PairOptions {
  Family family = Family::kV4;
  bool host_accepts = false;    // the host's socket comes from accept()
  bool host_binds = false;      // the host binds its port before connect()
  int peer_receive_buffer = 0;  // SO_RCVBUF of the peer; 0 = automatic
};

// Throws std::runtime_error if the connection cannot be made. Leaves the thread
// in the host's namespace.
TcpPair MakeTcpPair(NamespacePair& lab, const PairOptions& options);
// The same, over a listener of the host that stays open.
TcpPair MakeTcpPairWith(NamespacePair& lab, int listener, int port,
                        const PairOptions& options);
// A listener on a free port in the present namespace; *port tells which.
int Listen(Family family, NamespacePair::Side side, int* port,
           bool reuse_address = true);

// Bytes [offset, offset + count) of the stream that `seed` names.
std::vector<uint8_t> StreamBytes(uint32_t seed, size_t offset, size_t count);
// Sends without blocking until the socket takes no more; how many it took.
size_t SendAll(int fd, const std::vector<uint8_t>& bytes);
// Reads until `count` bytes, end of file, an error or the deadline.
struct ReadResult {
  std::vector<uint8_t> bytes;
  bool end_of_file = false;
  int error = 0;
};
ReadResult ReadUntil(int fd, size_t count, bool want_end_of_file,
                     int timeout_ms);

// tcp_info's state; the kernel's numbers.
int KernelStateOf(int fd);
// Waits until the socket is in that state.
bool AwaitState(int fd, int state, int timeout_ms);
void SleepMs(int milliseconds);

}  // namespace chimney::kernel

#endif  // CHIMNEY_TESTS_INTEGRATION_KERNEL_TCP_PAIR_H_
