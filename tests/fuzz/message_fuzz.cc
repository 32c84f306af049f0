// SPDX-License-Identifier: BSD-3-Clause
// Any messages with any number of descriptors on a session's socket, and any
// wishes in a hello: the daemon takes exactly the messages that abi/hello.h
// describes, leaks no descriptor, and a layout that it grants is sound.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/published_record.h"
#include "daemon/session_listener.h"
#include "ring/session_layout.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using chimney::testing::FuzzInput;
using chimney::testing::Require;
namespace abi = chimney::abi;
namespace daemon = chimney::daemon;
namespace ring = chimney::ring;

constexpr size_t kMaxDescriptors = 3;

// One socket pair for all inputs: each leaves it empty.
struct Channel {
  Channel() {
    int ends[2];
    Require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
                       0, ends) == 0);
    session = ends[0];
    listener = ends[1];
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    Require(spare >= 0);
  }
  int session = -1;
  int listener = -1;
  int spare = -1;
};

// Where the next descriptor would be: it moves if one leaks.
int NextDescriptor(const Channel& channel) {
  const int next = fcntl(channel.spare, F_DUPFD_CLOEXEC, 0);
  Require(next >= 0);
  close(next);
  return next;
}

void Send(const Channel& channel, const std::vector<uint8_t>& bytes,
          size_t descriptor_count) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))>
      control{};
  iovec io{const_cast<uint8_t*>(bytes.data()), bytes.size()};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  if (descriptor_count > 0) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(descriptor_count * sizeof(int));
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(descriptor_count * sizeof(int));
    for (size_t i = 0; i < descriptor_count; ++i) {
      std::memcpy(CMSG_DATA(c) + i * sizeof(int), &channel.spare, sizeof(int));
    }
  }
  Require(sendmsg(channel.session, &header, MSG_DONTWAIT) ==
          static_cast<ssize_t>(bytes.size()));
}

// The contract, told a second time: size and place in the variant of each
// message that a session may send (abi/hello.h).
struct Known {
  abi::MessageType type;
  size_t bytes;
  size_t index;
  size_t descriptors;
};
constexpr Known kKnown[] = {
    {abi::MessageType::kHelloRequest, 112, 0, 0},
    {abi::MessageType::kMappedNotice, 8, 1, 0},
    {abi::MessageType::kAttachSocket, 16, 2, 1},
    {abi::MessageType::kDoorbell, 8, 3, 0},
    {abi::MessageType::kManagementQuery, 16, 4, 0},
};

// Of a porter: no client's.
constexpr Known kSync = {abi::MessageType::kDoorbell, 16, 5, 0};

const Known* Expected(const std::vector<uint8_t>& bytes, size_t descriptors) {
  abi::MessageHeader header;
  if (bytes.size() < sizeof(header)) return nullptr;
  std::memcpy(static_cast<void*>(&header), bytes.data(), sizeof(header));
  if (header.magic == daemon::PorterSync::kMagic) {
    return bytes.size() == kSync.bytes && descriptors == 0 ? &kSync : nullptr;
  }
  if (header.magic != abi::kMagic) return nullptr;
  for (const Known& known : kKnown) {
    if (known.type == header.type && known.bytes == bytes.size() &&
        known.descriptors == descriptors) {
      return &known;
    }
  }
  return nullptr;
}

// The parts of a granted layout lie inside their file, in order and apart.
void CheckLayout(const ring::SessionShape& shape) {
  ring::SessionLayout layout;
  const ring::LayoutVerdict verdict =
      ring::ComputeSessionLayout(shape, &layout);
  Require(ring::LayoutVerdictText(verdict) != nullptr);
  if (verdict != ring::LayoutVerdict::kOk) return;
  Require(layout.lane_count == shape.worker_count + 1);
  Require(layout.arena_bytes >= shape.arena_bytes);
  const uint64_t ring_bytes = ring::SessionRingBytes(shape.ring_entries);
  uint64_t shared = sizeof(abi::SharedHeader);
  uint64_t published = sizeof(abi::PublishedHeader);
  for (uint32_t i = 0; i < layout.lane_count; ++i) {
    const abi::Lane& lane = layout.lanes[i];
    Require(lane.host_to_daemon_offset >= shared);
    Require(lane.daemon_to_host_offset >= published);
    Require(lane.host_to_daemon_offset % 64 == 0);
    Require(lane.daemon_to_host_offset % 64 == 0);
    shared = lane.host_to_daemon_offset + ring_bytes;
    published = lane.daemon_to_host_offset + ring_bytes;
  }
  Require(layout.arena_offset >= shared);
  Require(layout.arena_offset + layout.arena_bytes <= layout.shared_bytes);
  Require(layout.records_offset >= published);
  Require(layout.records_offset +
              uint64_t{shape.record_count} * sizeof(chimney::PublishedRecord) <=
          layout.receive_offset);
  Require(layout.receive_lane_bytes ==
          uint64_t{shape.chunk_bytes} * shape.chunks_per_lane);
  Require(layout.receive_offset +
              layout.receive_lane_bytes * shape.worker_count <=
          layout.published_bytes);
}

void CheckWishes(const abi::HelloRequest& hello, FuzzInput* input) {
  ring::SessionShape shape;
  shape.ring_entries = hello.ring_entries;
  shape.arena_bytes = hello.arena_bytes;
  shape.record_count = hello.max_connections;
  shape.chunks_per_lane = static_cast<uint32_t>(hello.receive_bytes);
  shape.worker_count = input->Byte() % 20;
  shape.chunk_bytes = input->Byte() * 64u;
  shape.page_bytes = uint64_t{1} << input->Byte() % 40;
  CheckLayout(shape);
  // As a grant rounds it: then the rest decides.
  shape.ring_entries = 1u << hello.ring_entries % 20;
  shape.page_bytes = 4096;
  CheckLayout(shape);
}

void Exchange(const Channel& channel, FuzzInput* input) {
  const int next = NextDescriptor(channel);
  const size_t descriptors = input->Byte() % (kMaxDescriptors + 1);
  // A header that is right, mostly: beyond it lies what is of interest.
  std::vector<uint8_t> bytes(1 + input->Byte() % 130);
  const uint8_t how = input->Byte();
  const Known& like = kKnown[how % std::size(kKnown)];
  if (how < 200) bytes.resize(like.bytes);
  input->Fill(bytes.data(), bytes.size());
  if (how < 220 && bytes.size() >= sizeof(abi::MessageHeader)) {
    const abi::MessageHeader header{abi::kMagic, like.type, 0};
    std::memcpy(bytes.data(), &header, sizeof(header));
  }
  Send(channel, bytes, descriptors);
  {
    daemon::SessionMessage message;
    const daemon::ReceiveVerdict verdict =
        daemon::ReceiveMessage(channel.listener, &message);
    const Known* expected = Expected(bytes, descriptors);
    Require(verdict == (expected != nullptr ? daemon::ReceiveVerdict::kMessage
                                            : daemon::ReceiveVerdict::kBroken));
    if (expected != nullptr) {
      Require(message.body.index() == expected->index);
      Require(message.descriptor.valid() == (expected->descriptors == 1));
      std::visit(
          [&bytes](const auto& body) {
            Require(std::memcmp(&body, bytes.data(), sizeof(body)) == 0);
          },
          message.body);
    }
    if (const auto* hello = std::get_if<abi::HelloRequest>(&message.body)) {
      CheckWishes(*hello, input);
    }
    Require(daemon::ReceiveMessage(channel.listener, &message) ==
            daemon::ReceiveVerdict::kNothing);
  }
  Require(NextDescriptor(channel) == next);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Channel channel;
  FuzzInput input(data, size);
  for (int count = 0; count < 8 && !input.empty(); ++count) {
    Exchange(channel, &input);
  }
  return 0;
}
