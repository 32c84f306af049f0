// SPDX-License-Identifier: BSD-3-Clause
#include "fake_daemon.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "ring/ring_layout.h"

namespace chimney::client {
namespace {

uint8_t* MapNewFile(const char* name, uint64_t bytes, OwnedFd* file) {
  file->Reset(memfd_create(name, MFD_CLOEXEC));
  EXPECT_EQ(ftruncate(file->get(), static_cast<off_t>(bytes)), 0);
  void* base =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file->get(), 0);
  EXPECT_NE(base, MAP_FAILED);
  return static_cast<uint8_t*>(base);
}

}  // namespace

FakeDaemon::Options FakeDaemon::Ordinary() {
  Options options;
  options.shape.worker_count = 2;
  options.shape.ring_entries = 64;
  options.shape.arena_bytes = 1 << 20;
  options.shape.chunk_bytes = 4096;
  options.shape.chunks_per_lane = 64;
  options.shape.record_count = 16;
  return options;
}

FakeDaemon::FakeDaemon(Options options) : options_(std::move(options)) {
  char directory[] = "/tmp/fake_daemon.XXXXXX";
  EXPECT_NE(mkdtemp(directory), nullptr);
  directory_ = directory;
  path_ = directory_ + "/socket";
  listener_.Reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address),
                 sizeof(address)),
            0);
  EXPECT_EQ(listen(listener_.get(), 1), 0);
  thread_ = std::thread([this] { Serve(); });
}

FakeDaemon::~FakeDaemon() {
  shutdown(listener_.get(), SHUT_RDWR);
  if (thread_.joinable()) thread_.join();
  if (shared_ != nullptr) munmap(shared_, layout_.shared_bytes);
  if (published_ != nullptr) munmap(published_, layout_.published_bytes);
  unlink(path_.c_str());
  rmdir(directory_.c_str());
}

void FakeDaemon::Serve() {
  socket_.Reset(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket_.IsOpen()) return;
  if (recv(socket_.get(), &hello_, sizeof(hello_), 0) != sizeof(hello_)) return;
  if (options_.hang_up_instead) {
    socket_.Reset();
    return;
  }
  if (!AnswerHello()) return;
  abi::MappedNotice mapped;
  if (recv(socket_.get(), &mapped, sizeof(mapped), 0) != sizeof(mapped)) return;
  const abi::ReadyNotice ready;
  send(socket_.get(), &ready, sizeof(ready), MSG_NOSIGNAL);
}

bool FakeDaemon::AnswerHello() {
  EXPECT_EQ(ring::ComputeSessionLayout(options_.shape, &layout_),
            ring::LayoutVerdict::kOk);
  OwnedFd shared_file;
  OwnedFd published_file;
  shared_ = MapNewFile("shared", layout_.shared_bytes, &shared_file);
  published_ =
      MapNewFile("published", layout_.published_bytes, &published_file);
  ring::FormatSession(layout_, {11, abi::kFeatureIpv6}, shared_, published_);
  auto* header = reinterpret_cast<abi::SharedHeader*>(shared_);
  for (uint32_t i = 0; i < layout_.lane_count; ++i) {
    const abi::Lane& lane = layout_.lanes[i];
    requests_.emplace_back(shared_ + lane.host_to_daemon_offset,
                           lane.ring_entries);
    notices_.emplace_back(published_ + lane.daemon_to_host_offset,
                          &header->lanes[i].consumed);
  }
  int ends[2] = {-1, -1};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  doorbell_.Reset(ends[0]);
  const OwnedFd client_end(ends[1]);

  abi::HelloReply reply;
  reply.session_id = 11;
  reply.worker_count = options_.shape.worker_count;
  reply.shared_bytes = layout_.shared_bytes;
  reply.published_bytes = layout_.published_bytes;
  reply.ring_layout = ring::ThisBuildsRingLayout();
  options_.change_reply(&reply);

  const int files[] = {shared_file.get(), published_file.get(),
                       client_end.get()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(files))] = {};
  iovec io{&reply, sizeof(reply)};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  if (!options_.send_no_descriptors) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(files));
    std::memcpy(CMSG_DATA(rights), files, sizeof(files));
  }
  return sendmsg(socket_.get(), &message, MSG_NOSIGNAL) == sizeof(reply) &&
         reply.status == abi::HelloStatus::kAccepted;
}

const abi::HelloRequest& FakeDaemon::FinishHello() {
  if (thread_.joinable()) thread_.join();
  return hello_;
}

void FakeDaemon::ReadSocket() {
  for (;;) {
    alignas(8) char bytes[256];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    iovec io{bytes, sizeof(bytes)};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t got = recvmsg(socket_.get(), &message, MSG_DONTWAIT);
    if (got < static_cast<ssize_t>(sizeof(abi::MessageHeader))) return;
    abi::MessageHeader header;
    std::memcpy(&header, bytes, sizeof(header));
    if (header.type == abi::MessageType::kDoorbell) {
      ++doorbells;
    } else if (header.type == abi::MessageType::kManagementQuery) {
      abi::ManagementQuery query;
      std::memcpy(&query, bytes, sizeof(query));
      queries.push_back(query);
    } else if (header.type == abi::MessageType::kAttachSocket) {
      abi::AttachSocket attach;
      std::memcpy(&attach, bytes, sizeof(attach));
      cmsghdr* rights = CMSG_FIRSTHDR(&message);
      ASSERT_NE(rights, nullptr);
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
      attached.push_back({attach.attach_id, OwnedFd(fd)});
    }
  }
}

std::optional<abi::RequestEntry> FakeDaemon::Request(uint32_t lane) {
  abi::RequestEntry entry;
  const ring::RequestRingVerdict verdict = requests_[lane].Peek(&entry);
  EXPECT_NE(verdict, ring::RequestRingVerdict::kRulesBroken);
  if (verdict != ring::RequestRingVerdict::kEntry) return std::nullopt;
  requests_[lane].Pop();
  return entry;
}

abi::RequestEntry FakeDaemon::Expect(uint32_t lane, abi::RequestOp op) {
  const std::optional<abi::RequestEntry> entry = Request(lane);
  EXPECT_TRUE(entry.has_value());
  if (!entry.has_value()) return {};
  EXPECT_EQ(static_cast<int>(entry->op), static_cast<int>(op));
  return *entry;
}

uint8_t* FakeDaemon::arena() const { return shared_ + layout_.arena_offset; }

std::string FakeDaemon::ArenaText(const abi::RequestEntry& entry) const {
  EXPECT_LE(entry.offset + entry.length, layout_.arena_bytes);
  return std::string(reinterpret_cast<const char*>(arena() + entry.offset),
                     entry.length);
}

void FakeDaemon::Notify(uint32_t lane, const abi::NoticeEntry& notice) {
  ASSERT_TRUE(notices_[lane].Push(notice));
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (LibrarySleeps()) send(doorbell_.get(), "!", 1, MSG_DONTWAIT);
}

void FakeDaemon::NotifyQuery(const abi::QueryEntry& query) {
  ASSERT_TRUE(notices_[0].Push(query));
  if (LibrarySleeps()) send(doorbell_.get(), "!", 1, MSG_DONTWAIT);
}

uint32_t FakeDaemon::NoticeRoom(uint32_t lane) { return notices_[lane].Room(); }

void FakeDaemon::Indicate(uint32_t lane, const abi::NoticeEntry& base,
                          uint32_t chunk, std::string_view text) {
  constexpr uint32_t kOffset = 100;
  uint8_t* to = published_ + ring::ReceiveLaneOffset(layout_, lane - 1) +
                uint64_t{chunk} * layout_.shape.chunk_bytes + kOffset;
  std::memcpy(to, text.data(), text.size());
  abi::NoticeEntry notice = base;
  notice.op = abi::NoticeOp::kReceiveIndication;
  notice.chunk = chunk;
  notice.offset_in_chunk = kOffset;
  notice.bytes = static_cast<uint32_t>(text.size());
  Notify(lane, notice);
}

void FakeDaemon::AnswerQuery(uint32_t query_id, std::string_view json,
                             size_t part_bytes) {
  auto part = std::make_unique<abi::ManagementPart>();
  part->query_id = query_id;
  do {
    const size_t length = std::min(part_bytes, json.size());
    json.copy(part->text, length);
    json.remove_prefix(length);
    part->text_bytes = static_cast<uint32_t>(length);
    part->last_part = json.empty() ? 1 : 0;
    EXPECT_EQ(send(socket_.get(), part.get(), sizeof(*part), MSG_NOSIGNAL),
              static_cast<ssize_t>(sizeof(*part)));
  } while (!json.empty());
}

bool FakeDaemon::LibrarySleeps() const {
  return reinterpret_cast<abi::SharedHeader*>(shared_)->host_sleeping.load() !=
         0;
}

void FakeDaemon::Die() {
  socket_.Reset();
  doorbell_.Reset();
  attached.clear();
}

}  // namespace chimney::client
