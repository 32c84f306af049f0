// SPDX-License-Identifier: BSD-3-Clause
// Long frames for a tap port. net_tap of DPDK 22.11 cannot be told an MTU above
// 1,504 and refuses longer frames, though its interface takes them; they are
// written to the interface beside the driver, through a duplicate of the
// driver's own descriptor.
#ifndef CHIMNEY_DPDKIO_TAP_WRITER_H_
#define CHIMNEY_DPDKIO_TAP_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>

struct rte_mbuf;

namespace chimney::dpdkio {

class TapWriter {
 public:
  // nullptr if no descriptor of this process is a tap of that name.
  static std::unique_ptr<TapWriter> Open(const std::string& interface_name);
  ~TapWriter();
  TapWriter(const TapWriter&) = delete;
  TapWriter& operator=(const TapWriter&) = delete;

  // One write of the whole frame; false if the interface does not take it. The
  // frame stays the caller's. Any thread.
  bool Write(const rte_mbuf* frame) const;

 private:
  TapWriter(int fd, bool has_packet_header)
      : fd_(fd), has_packet_header_(has_packet_header) {}

  const int fd_;
  const bool has_packet_header_;  // each frame is preceded by a tun_pi
};

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_TAP_WRITER_H_
