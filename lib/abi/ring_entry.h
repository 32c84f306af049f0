// SPDX-License-Identifier: BSD-3-Clause
// The 64-byte entries of a session's rings. References are offsets: into the
// arena (sends, posted receives) or chunk numbers (received data). The daemon
// copies an entry out once before it looks at it.
#ifndef CHIMNEY_ABI_RING_ENTRY_H_
#define CHIMNEY_ABI_RING_ENTRY_H_

#include <cstdint>
#include <type_traits>

namespace chimney::abi {

// Session -> daemon.
//
// What a session may rely on, so that a stream stays exact over hand-overs:
//  * Requests of one flow are taken in ring order.
//  * From the cut of an upload on, kSend and kDisconnect of that flow complete
//    with kUploadInProgress, untaken, in order (R92). kUploaded follows. If the
//    upload fails, kOffloaded comes once more; then the flow goes on refusing
//    both until one of them carries kFlagResumed, which the session sets on the
//    first after it has seen that kOffloaded. So what was posted in between
//    never overtakes what came back.
//  * Sends taken before the cut complete with kSuccess (acknowledged) or
//    kMovedToKernel; either way the session must not send those bytes again.
//  * kReceiveReturn goes to the lane that lent the chunk, and is valid after
//    the flow is gone (R145).
enum class RequestOp : uint16_t {
  // On lane 0 (control core).
  kInitiate = 1,   // request_id, cookie, offset = attach_id, length = options
  kTerminate = 2,  // request_id, flow
  kQuery = 3,      // request_id, flow
  kUploadAll = 4,  // request_id; management or own connections only
  kResume = 5,     // request_id
  kPause = 6,      // request_id
  kTerminateAny = 7,  // request_id, flow = connection id as chimneyctl shows it
  // On lane 1 + w (worker w).
  kSend = 16,           // flow, request_id, offset, length, flags
  kReceive = 17,        // flow, request_id, offset, length, flags
  kReceiveReturn = 18,  // flow, chunk, length
  kDisconnect = 19,     // flow, request_id, flags
};

enum RequestFlag : uint16_t {
  kFlagMoreOfNbl = 1u << 0,    // kSend: the NBL goes on in the next entry
  kFlagNoPush = 1u << 1,       // kReceive: complete only when full (R131)
  kFlagAbortive = 1u << 2,     // kDisconnect
  kFlagNeverUpload = 1u << 3,  // kInitiate: reserved
  kFlagResumed = 1u << 4,      // kSend, kDisconnect: kOffloaded was seen
};

struct RequestEntry {
  RequestOp op = RequestOp::kSend;
  uint16_t flags = 0;
  uint32_t length = 0;
  uint64_t request_id = 0;
  uint64_t flow = 0;  // as given by kOffloaded
  uint64_t offset = 0;
  uint64_t cookie = 0;
  uint32_t chunk = 0;
  uint32_t reserved[5] = {};
};
static_assert(sizeof(RequestEntry) == 64);
static_assert(std::is_trivially_copyable_v<RequestEntry>);

// Daemon -> session.
enum class NoticeOp : uint16_t {
  // On lane 0.
  kInitiateFailed = 1,   // request_id, cookie, status, error, error_errno
  kTerminateFailed = 2,  // request_id, cookie, flow, status
  kQueryDone = 3,        // request_id, flow, status, query (see QueryEntry)
  kControlDone = 4,      // request_id, status, bytes = connections concerned
  kPaused = 5,           // NDIS_STATUS_OFFLOAD_PAUSE (R183)
  kResumed = 6,          // NDIS_STATUS_OFFLOAD_RESUME (R184)
  kUploadingAll = 7,     // NDIS_STATUS_UPLOAD_ALL (R182)
  kLinkState = 8,        // bytes: 1 up, 0 down (R185)
  kDaemonStopping = 9,
  // On lane 1 + w: worker::Notice::Kind + 16, in its order.
  kSendComplete = 16,
  kReceiveComplete = 17,
  kReceiveIndication = 18,
  kDisconnectComplete = 19,
  kDisconnectEvent = 20,
  kAbortEvent = 21,
  kRetrieveEvent = 22,
  kOffloaded = 23,  // cookie, flow, request_id: success of kInitiate
  kUploaded = 24,   // cookie, flow: the socket is the kernel's again
};

// request_id of the kSendComplete of the send data that came with an offload,
// whose length is `bytes` of kOffloaded.
inline constexpr uint64_t kImportedSendId = ~uint64_t{0};

struct NoticeEntry {
  NoticeOp op = NoticeOp::kSendComplete;
  uint8_t status = 0;  // offload::Status
  uint8_t reason = 0;  // offload::UploadReason
  uint32_t bytes = 0;
  uint64_t request_id = 0;
  uint64_t flow = 0;
  uint64_t cookie = 0;
  uint32_t chunk = 0;
  uint32_t offset_in_chunk = 0;
  uint16_t error = 0;  // kernel::KernelErrorCode of a failed hand-over
  uint16_t lane = 0;
  int32_t error_errno = 0;
  // Nanoseconds the hand-over took from before the hold to after the release:
  // on kOffloaded and kUploaded.
  uint32_t elapsed_ns = 0;
  uint32_t reserved[3] = {};
};
static_assert(sizeof(NoticeEntry) == 64);
static_assert(std::is_trivially_copyable_v<NoticeEntry>);

// kQueryDone carries this in place of everything after request_id.
struct QueryEntry {
  NoticeOp op = NoticeOp::kQueryDone;
  uint8_t status = 0;
  uint8_t state = 0;  // tcp::ConnectionState
  uint32_t cwnd_bytes = 0;
  uint64_t request_id = 0;
  uint64_t flow = 0;
  uint32_t rcv_nxt = 0;
  uint32_t rcv_wnd_bytes = 0;
  uint32_t snd_una = 0;
  uint32_t snd_nxt = 0;
  uint32_t snd_max = 0;
  uint32_t snd_wnd_bytes = 0;
  uint32_t ssthresh_bytes = 0;
  uint32_t srtt_us = 0;
  uint32_t rttvar_us = 0;
  uint32_t path_mtu_bytes = 0;
};
static_assert(sizeof(QueryEntry) == 64);
static_assert(std::is_trivially_copyable_v<QueryEntry>);

}  // namespace chimney::abi

#endif  // CHIMNEY_ABI_RING_ENTRY_H_
