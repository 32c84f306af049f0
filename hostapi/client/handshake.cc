// SPDX-License-Identifier: BSD-3-Clause
// Opens a session on the daemon's socket.
#include "hostapi/client/handshake.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "chimney/chimney.h"
#include "ring/session_layout.h"

namespace chimney::client {
namespace {

constexpr size_t kDescriptorCount = 3;  // shared, published, doorbell
constexpr time_t kAnswerSeconds = 5;

std::string ErrnoText(int error) { return std::strerror(error); }

int ConnectFailed(const std::string& path, int error, std::string* text) {
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
      *text =
          "no chimneyd is listening at " + path + ": start it or pass --socket";
      return CHIMNEY_E_NO_DAEMON;
    case EACCES:
    case EPERM:
      *text = "no permission to use " + path +
              ": ask for the socket's mode or group to be changed";
      return CHIMNEY_E_REFUSED;
    case EPROTOTYPE:
      *text = path + " is the socket of another program, not of chimneyd";
      return CHIMNEY_E_NO_DAEMON;
    case EAGAIN:
    case EINPROGRESS:
      *text = "chimneyd at " + path + " does not answer";
      return CHIMNEY_E_TIMEOUT;
    default:
      *text = "cannot connect to " + path + ": " + ErrnoText(error);
      return CHIMNEY_E_SYSTEM;
  }
}

int Connect(const std::string& path, OwnedFd* socket_fd, std::string* text) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    *text = "the socket path is empty or longer than " +
            std::to_string(sizeof(address.sun_path) - 1) + " bytes";
    return CHIMNEY_E_INVALID;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  socket_fd->Reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket_fd->IsOpen()) {
    *text = "cannot make a socket: " + ErrnoText(errno);
    return CHIMNEY_E_SYSTEM;
  }
  const timeval limit{kAnswerSeconds, 0};
  setsockopt(socket_fd->get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(socket_fd->get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (connect(socket_fd->get(), reinterpret_cast<sockaddr*>(&address),
              sizeof(address)) != 0) {
    return ConnectFailed(path, errno, text);
  }
  return CHIMNEY_OK;
}

int AnswerMissing(ssize_t received, std::string* text) {
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    *text = "chimneyd did not answer within " + std::to_string(kAnswerSeconds) +
            " s: it may be stopped or stuck";
    return CHIMNEY_E_TIMEOUT;
  }
  *text = "chimneyd closed the connection during the hello";
  return CHIMNEY_E_DAEMON_GONE;
}

// Collects the descriptors of a message; owns whatever came.
std::vector<OwnedFd> TakeDescriptors(msghdr* message) {
  std::vector<OwnedFd> descriptors;
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr;
       part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      descriptors.emplace_back(fd);
    }
  }
  return descriptors;
}

int CheckReply(const abi::HelloReply& reply, ssize_t received,
               std::string* text) {
  const bool header_fits =
      received >= static_cast<ssize_t>(sizeof(abi::MessageHeader)) &&
      reply.header.magic == abi::kMagic &&
      reply.header.type == abi::MessageType::kHelloReply;
  if (!header_fits) {
    *text = "the program behind the socket is not chimneyd";
    return CHIMNEY_E_VERSION;
  }
  const std::string words(reply.text, strnlen(reply.text, sizeof(reply.text)));
  if (reply.status == abi::HelloStatus::kWrongAbi ||
      reply.status == abi::HelloStatus::kWrongRingLayout) {
    *text = words;
    return CHIMNEY_E_VERSION;
  }
  if (received != sizeof(reply)) {
    *text = "chimneyd speaks another version of the hello than this library";
    return CHIMNEY_E_VERSION;
  }
  if (reply.status != abi::HelloStatus::kAccepted) {
    *text = words.empty() ? "chimneyd refused the session" : words;
    return reply.status == abi::HelloStatus::kNoMemory ? CHIMNEY_E_NO_MEMORY
                                                       : CHIMNEY_E_REFUSED;
  }
  return CHIMNEY_OK;
}

int SayHello(const abi::HelloRequest& request, SessionParts* parts,
             std::vector<OwnedFd>* descriptors, std::string* text) {
  if (send(parts->socket.get(), &request, sizeof(request), MSG_NOSIGNAL) !=
      sizeof(request)) {
    return AnswerMissing(-1, text);
  }
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 8)];
  iovec io{&parts->reply, sizeof(parts->reply)};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t received =
      recvmsg(parts->socket.get(), &message, MSG_CMSG_CLOEXEC);
  if (received <= 0) return AnswerMissing(received, text);
  *descriptors = TakeDescriptors(&message);
  return CheckReply(parts->reply, received, text);
}

// One part of a file: `offset` + `bytes` must end inside it.
bool Inside(uint64_t offset, uint64_t bytes, uint64_t file_bytes) {
  return offset <= file_bytes && bytes <= file_bytes - offset;
}

bool HeaderMakesSense(const SessionParts& parts) {
  const abi::PublishedHeader& header = *parts.header();
  if (header.magic != abi::kMagic || header.lane_count == 0 ||
      header.lane_count > abi::kMaxLanes) {
    return false;
  }
  for (uint32_t i = 0; i < header.lane_count; ++i) {
    const abi::Lane& lane = header.lanes[i];
    const uint64_t bytes = ring::SessionRingBytes(lane.ring_entries);
    if (lane.ring_entries < ring::kMinRingEntries ||
        lane.ring_entries > ring::kMaxRingEntries ||
        !Inside(lane.host_to_daemon_offset, bytes, parts.shared.bytes()) ||
        !Inside(lane.daemon_to_host_offset, bytes, parts.published.bytes())) {
      return false;
    }
  }
  const uint64_t receive_bytes = uint64_t{header.lane_count - 1} *
                                 header.chunks_per_lane * header.chunk_bytes;
  return Inside(header.arena_offset, header.arena_bytes,
                parts.shared.bytes()) &&
         Inside(header.receive_offset, receive_bytes, parts.published.bytes());
}

int MapFiles(const std::vector<OwnedFd>& files, SessionParts* parts,
             std::string* text) {
  const abi::HelloReply& reply = parts->reply;
  if (files.size() != kDescriptorCount ||
      reply.shared_bytes < sizeof(abi::SharedHeader) ||
      reply.published_bytes < sizeof(abi::PublishedHeader)) {
    *text = "chimneyd's hello is incomplete";
    return CHIMNEY_E_VERSION;
  }
  const uint64_t sizes[] = {reply.shared_bytes, reply.published_bytes};
  for (size_t i = 0; i < 2; ++i) {
    struct stat status {};
    if (fstat(files[i].get(), &status) != 0 ||
        static_cast<uint64_t>(status.st_size) < sizes[i]) {
      *text = "chimneyd's session memory is smaller than it says";
      return CHIMNEY_E_VERSION;
    }
  }
  if (!parts->shared.Map(files[0].get(), sizes[0], true) ||
      !parts->published.Map(files[1].get(), sizes[1], false)) {
    *text = "cannot map the session's memory: " + ErrnoText(errno);
    return errno == ENOMEM ? CHIMNEY_E_NO_MEMORY : CHIMNEY_E_SYSTEM;
  }
  if (!HeaderMakesSense(*parts)) {
    *text = "chimneyd's session memory makes no sense to this library";
    return CHIMNEY_E_VERSION;
  }
  return CHIMNEY_OK;
}

int AwaitReady(const OwnedFd& socket_fd, std::string* text) {
  const abi::MappedNotice mapped;
  if (send(socket_fd.get(), &mapped, sizeof(mapped), MSG_NOSIGNAL) !=
      sizeof(mapped)) {
    return AnswerMissing(-1, text);
  }
  abi::ReadyNotice ready;
  const ssize_t received =
      recv(socket_fd.get(), &ready, sizeof(ready), MSG_TRUNC);
  if (received <= 0) return AnswerMissing(received, text);
  if (received != sizeof(ready) || ready.header.magic != abi::kMagic ||
      ready.header.type != abi::MessageType::kReadyNotice) {
    *text = "chimneyd answered out of turn during the hello";
    return CHIMNEY_E_VERSION;
  }
  return CHIMNEY_OK;
}

bool SetNonBlocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

}  // namespace

Mapping::~Mapping() {
  if (base_ != nullptr) munmap(base_, bytes_);
}

Mapping::Mapping(Mapping&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

bool Mapping::Map(int fd, uint64_t bytes, bool writable) {
  const int protection = PROT_READ | (writable ? PROT_WRITE : 0);
  void* base = mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return false;
  // A child of fork() must not write into the parent's session.
  madvise(base, bytes, MADV_DONTFORK);
  base_ = static_cast<uint8_t*>(base);
  bytes_ = bytes;
  return true;
}

int OpenSessionParts(const std::string& socket_path,
                     const abi::HelloRequest& request, SessionParts* parts,
                     std::string* text) {
  std::vector<OwnedFd> descriptors;
  int result = Connect(socket_path, &parts->socket, text);
  if (result == CHIMNEY_OK) {
    result = SayHello(request, parts, &descriptors, text);
  }
  if (result == CHIMNEY_OK) result = MapFiles(descriptors, parts, text);
  if (result == CHIMNEY_OK) result = AwaitReady(parts->socket, text);
  if (result != CHIMNEY_OK) return result;
  parts->doorbell = std::move(descriptors[2]);
  if (!SetNonBlocking(parts->doorbell.get()) ||
      !SetNonBlocking(parts->socket.get())) {
    *text = "cannot prepare the session's descriptors: " + ErrnoText(errno);
    return CHIMNEY_E_SYSTEM;
  }
  return CHIMNEY_OK;
}

}  // namespace chimney::client
