// SPDX-License-Identifier: BSD-3-Clause
// The conversation on a session's unix socket (SOCK_SEQPACKET, one struct a
// message): hello, mapping, seals, descriptors, doorbell, management queries
// (design D5). Everything else travels on rings.
//
//   client                                   daemon
//   HelloRequest                      ->
//                                     <-     HelloReply + {shared, published,
//                                            doorbell} descriptors, or a
//                                            refusal
//   MappedNotice                      ->     (client has mapped both files)
//                                     <-     ReadyNotice (files are sealed)
//   AttachSocket + one TCP socket     ->     before the kInitiate that names it
//   Doorbell                          ->     control ring has entries
//   ManagementQuery                   ->
//                                     <-     ManagementPart ... (last_part set)
//
// The daemon drains the control ring after every Doorbell; the client rings it
// after each batch of control entries. AttachSocket always precedes, on the
// socket, the Doorbell of the entry that names it.
//
// All structs are plain, fixed-size, host byte order (both ends share a
// machine), and a message of another size than its struct is refused.
#ifndef CHIMNEY_ABI_HELLO_H_
#define CHIMNEY_ABI_HELLO_H_

#include <cstdint>
#include <type_traits>

namespace chimney::abi {

inline constexpr uint32_t kMagic = 0x434d4831;  // "CMH1"
// Both must be equal for a session to open; minor numbers only add.
inline constexpr uint16_t kAbiMajor = 1;
inline constexpr uint16_t kAbiMinor = 0;

enum class MessageType : uint16_t {
  kHelloRequest = 1,
  kHelloReply = 2,
  kMappedNotice = 3,
  kReadyNotice = 4,
  kAttachSocket = 5,
  kDoorbell = 6,
  kManagementQuery = 7,
  kManagementPart = 8,
};

struct MessageHeader {
  uint32_t magic = kMagic;
  MessageType type = MessageType::kHelloRequest;
  uint16_t reserved = 0;
};

// rte_ring's layout differs between DPDK LTS releases; both sides must agree.
struct RingLayout {
  uint32_t struct_bytes = 0;
  uint32_t size_offset = 0;
  uint32_t mask_offset = 0;
  uint32_t capacity_offset = 0;
  uint32_t producer_head_offset = 0;
  uint32_t producer_tail_offset = 0;
  uint32_t consumer_head_offset = 0;
  uint32_t consumer_tail_offset = 0;
  friend bool operator==(const RingLayout&, const RingLayout&) = default;
};

enum Feature : uint64_t {
  kFeatureIpv6 = 1u << 0,
  kFeaturePostedReceives = 1u << 1,
  kFeatureZeroCopySend = 1u << 2,
  kFeatureLentReceive = 1u << 3,
  kFeatureRawInitiate = 1u << 4,
};

enum class SessionKind : uint32_t {
  kData = 1,        // offloads connections
  kManagement = 2,  // chimneyctl: control ring and queries, no arena
};

struct HelloRequest {
  MessageHeader header{kMagic, MessageType::kHelloRequest, 0};
  uint16_t abi_major = kAbiMajor;
  uint16_t abi_minor = kAbiMinor;
  SessionKind kind = SessionKind::kData;
  uint64_t wanted_features = 0;
  RingLayout ring_layout;
  // Wishes; the reply says what was granted. 0 = the daemon's default.
  uint64_t arena_bytes = 0;
  uint64_t receive_bytes = 0;
  uint32_t ring_entries = 0;
  uint32_t max_connections = 0;
  char name[32] = {};  // for people; NUL-terminated
};
static_assert(std::is_trivially_copyable_v<HelloRequest>);
static_assert(sizeof(HelloRequest) == 8 + 4 + 4 + 8 + 32 + 8 + 8 + 4 + 4 + 32);

// Why a hello was refused; `text` of the reply says it in words.
enum class HelloStatus : uint32_t {
  kAccepted = 0,
  kBadMessage = 1,
  kWrongAbi = 2,
  kWrongRingLayout = 3,
  kTooManySessions = 4,
  kQuota = 5,
  kNoMemory = 6,
  kNotAllowed = 7,
  kStopping = 8,
};

struct HelloReply {
  MessageHeader header{kMagic, MessageType::kHelloReply, 0};
  HelloStatus status = HelloStatus::kAccepted;
  uint16_t abi_major = kAbiMajor;
  uint16_t abi_minor = kAbiMinor;
  uint64_t features = 0;
  uint32_t session_id = 0;
  uint32_t worker_count = 0;
  uint64_t shared_bytes = 0;     // size of the shared file
  uint64_t published_bytes = 0;  // size of the published file
  RingLayout ring_layout;
  char text[200] = {};  // NUL-terminated, for people
};
static_assert(std::is_trivially_copyable_v<HelloReply>);
static_assert(sizeof(HelloReply) == 8 + 4 + 4 + 8 + 4 + 4 + 8 + 8 + 32 + 200);

struct MappedNotice {
  MessageHeader header{kMagic, MessageType::kMappedNotice, 0};
};
struct ReadyNotice {
  MessageHeader header{kMagic, MessageType::kReadyNotice, 0};
};
struct Doorbell {
  MessageHeader header{kMagic, MessageType::kDoorbell, 0};
};

// Comes with exactly one descriptor. `attach_id` is the session's name for it
// until the kInitiate that uses it has completed; the daemon's duplicate stays
// with the connection.
struct AttachSocket {
  MessageHeader header{kMagic, MessageType::kAttachSocket, 0};
  uint64_t attach_id = 0;
};
static_assert(sizeof(AttachSocket) == 16);

enum class QueryTopic : uint32_t { kStatus = 1, kConnections = 2, kStats = 3 };

struct ManagementQuery {
  MessageHeader header{kMagic, MessageType::kManagementQuery, 0};
  QueryTopic topic = QueryTopic::kStatus;
  uint32_t query_id = 0;
};
static_assert(sizeof(ManagementQuery) == 16);

// A piece of a JSON text; the pieces in order make the whole.
inline constexpr uint32_t kManagementPartBytes = 32768;
struct ManagementPart {
  MessageHeader header{kMagic, MessageType::kManagementPart, 0};
  uint32_t query_id = 0;
  uint16_t last_part = 0;
  uint16_t reserved = 0;
  uint32_t text_bytes = 0;
  uint32_t reserved2 = 0;
  char text[kManagementPartBytes];
};

}  // namespace chimney::abi

#endif  // CHIMNEY_ABI_HELLO_H_
