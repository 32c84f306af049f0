// SPDX-License-Identifier: BSD-3-Clause
#include "kernel/sockmap.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "kernel/socket_options.h"

namespace chimney::kernel {

namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

bpf_insn Instruction(uint8_t code, uint8_t dst, uint8_t src, int16_t offset,
                     int32_t immediate) {
  bpf_insn instruction{};
  instruction.code = code;
  instruction.dst_reg = dst & 0xf;
  instruction.src_reg = src & 0xf;
  instruction.off = offset;
  instruction.imm = immediate;
  return instruction;
}

// An iterator over a sockmap that writes the cookie of each socket. User space
// cannot look sockets up in maps with 4-byte values, the common kind; an
// iterator can. Its context is {meta, map, key, sk}, and meta begins with the
// sequence file to write to.
int LoadCookieIterator() {
  const int target = libbpf_find_vmlinux_btf_id("sockmap", BPF_TRACE_ITER);
  if (target < 0) return -1;
  constexpr uint8_t kLoad64 = BPF_LDX | BPF_MEM | BPF_DW;
  constexpr uint8_t kStore64 = BPF_STX | BPF_MEM | BPF_DW;
  constexpr uint8_t kMove = BPF_ALU64 | BPF_MOV | BPF_X;
  constexpr uint8_t kMoveImmediate = BPF_ALU64 | BPF_MOV | BPF_K;
  constexpr uint8_t kAddImmediate = BPF_ALU64 | BPF_ADD | BPF_K;
  const std::array<bpf_insn, 13> program = {
      Instruction(kMove, 6, 1, 0, 0),                      // r6 = context
      Instruction(kLoad64, 1, 6, 24, 0),                   // r1 = context->sk
      Instruction(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 8, 0),  // the end: no socket
      Instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_socket_cookie),
      Instruction(kStore64, 10, 0, -8, 0),      // on the stack
      Instruction(kLoad64, 1, 6, 0, 0),         // r1 = context->meta
      Instruction(kLoad64, 1, 1, 0, 0),         // r1 = meta->seq
      Instruction(kMove, 2, 10, 0, 0),          // r2 = the cookie's
      Instruction(kAddImmediate, 2, 0, 0, -8),  //      address
      Instruction(kMoveImmediate, 3, 0, 0, 8),  // r3 = its size
      Instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_seq_write),
      Instruction(kMoveImmediate, 0, 0, 0, 0),
      Instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  bpf_prog_load_opts options{};
  options.sz = sizeof(options);
  options.expected_attach_type = BPF_TRACE_ITER;
  options.attach_btf_id = static_cast<uint32_t>(target);
  return bpf_prog_load(BPF_PROG_TYPE_TRACING, "chimney_cookies", "Dual BSD/GPL",
                       program.data(), program.size(), &options);
}

// Loaded when the first sockmap is met, and kept.
int CookieIterator() {
  static const int program = LoadCookieIterator();
  return program;
}

// Whether the map holds the socket with this cookie. A map that cannot be
// walked counts as holding it: a guess in the other direction could corrupt the
// stream.
bool MapHolds(int map_fd, uint64_t cookie) {
  bpf_iter_link_info info{};
  info.map.map_fd = static_cast<uint32_t>(map_fd);
  bpf_link_create_opts options{};
  options.sz = sizeof(options);
  options.iter_info = &info;
  options.iter_info_len = sizeof(info);
  const Fd link(bpf_link_create(CookieIterator(), 0, BPF_TRACE_ITER, &options));
  if (!link.valid()) return true;
  const Fd iterator(bpf_iter_create(link.get()));
  if (!iterator.valid()) return true;
  std::array<uint64_t, 512> cookies;
  for (;;) {
    const ssize_t got = read(iterator.get(), cookies.data(), sizeof(cookies));
    if (got < 0 && errno == EAGAIN) continue;
    if (got < 0) return true;
    if (got == 0) return false;
    for (size_t i = 0; i < static_cast<size_t>(got) / sizeof(cookie); ++i) {
      if (cookies[i] == cookie) return true;
    }
  }
}

enum class MapKind { kGone, kSockets, kOther };

MapKind KindOf(const Fd& map) {
  if (!map.valid()) return MapKind::kGone;
  bpf_map_info info{};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(map.get(), &info, &length) != 0) {
    return MapKind::kGone;
  }
  const bool sockets =
      info.type == BPF_MAP_TYPE_SOCKMAP || info.type == BPF_MAP_TYPE_SOCKHASH;
  return sockets ? MapKind::kSockets : MapKind::kOther;
}

}  // namespace

KernelError SockmapSearch::Check(int fd) {
  uint64_t cookie = 0;
  socklen_t length = sizeof(cookie);
  if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) != 0) {
    return SystemError(KernelErrorCode::kSystemCall, "SO_COOKIE");
  }
  std::vector<uint32_t> others;
  others.reserve(other_maps_.size());
  bool found = false;
  uint32_t id = 0;
  while (!found && bpf_map_get_next_id(id, &id) == 0) {
    if (std::binary_search(other_maps_.begin(), other_maps_.end(), id)) {
      others.push_back(id);
      continue;
    }
    const Fd map(bpf_map_get_fd_by_id(id));
    const MapKind kind = KindOf(map);
    if (kind == MapKind::kOther) others.push_back(id);
    found = kind == MapKind::kSockets && MapHolds(map.get(), cookie);
  }
  if (found) return KernelError{KernelErrorCode::kSockmap, 0, "BPF map"};
  other_maps_ = std::move(others);
  return {};
}

}  // namespace chimney::kernel
