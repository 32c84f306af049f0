// SPDX-License-Identifier: BSD-3-Clause
// Calls that ask something and wait for the answer: queries of a connection,
// and what chimneyctl does.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <utility>

#include "hostapi/client/session.h"

namespace chimney::client {
namespace {

// The contract's numbering of TCP states (spec section 2.5) in the kernel's.
uint32_t KernelTcpState(uint8_t state) {
  static constexpr uint8_t kStates[] = {
      TCP_CLOSE,       TCP_LISTEN,    TCP_SYN_SENT,  TCP_SYN_RECV,
      TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSE_WAIT,
      TCP_CLOSING,     TCP_LAST_ACK,  TCP_TIME_WAIT};
  return state < std::size(kStates) ? kStates[state] : 0u;
}

int AskKernel(int fd, chimney_conn_info* info) {
  tcp_info kernel{};
  socklen_t length = sizeof(kernel);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &kernel, &length) != 0) {
    return CHIMNEY_E_SYSTEM;
  }
  constexpr uint32_t kNoThreshold = 0x7fffffff;
  info->tcp_state = kernel.tcpi_state;
  info->cwnd_bytes = kernel.tcpi_snd_cwnd * kernel.tcpi_snd_mss;
  info->ssthresh_bytes = kernel.tcpi_snd_ssthresh >= kNoThreshold
                             ? UINT32_MAX
                             : kernel.tcpi_snd_ssthresh * kernel.tcpi_snd_mss;
  info->srtt_us = kernel.tcpi_rtt;
  info->rttvar_us = kernel.tcpi_rttvar;
  info->path_mtu_bytes = kernel.tcpi_pmtu;
  info->rcv_wnd_bytes = kernel.tcpi_rcv_space;
  return CHIMNEY_OK;
}

void FillFromDaemon(const abi::QueryEntry& query, chimney_conn_info* info) {
  info->tcp_state = KernelTcpState(query.state);
  info->rcv_nxt = query.rcv_nxt;
  info->snd_una = query.snd_una;
  info->snd_nxt = query.snd_nxt;
  info->snd_max = query.snd_max;
  info->snd_wnd_bytes = query.snd_wnd_bytes;
  info->rcv_wnd_bytes = query.rcv_wnd_bytes;
  info->cwnd_bytes = query.cwnd_bytes;
  info->ssthresh_bytes = query.ssthresh_bytes;
  info->srtt_us = query.srtt_us;
  info->rttvar_us = query.rttvar_us;
  info->path_mtu_bytes = query.path_mtu_bytes;
}

// Fills only as much as the caller's version of the struct has.
void CopyOut(const chimney_conn_info& info, chimney_conn_info* caller) {
  const size_t size = caller->size;
  std::memcpy(caller, &info, std::min(size, sizeof(info)));
  caller->size = size;
}

int ControlResult(abi::RequestOp op, uint8_t status) {
  switch (status) {
    case CHIMNEY_STATUS_SUCCESS:
      return CHIMNEY_OK;
    case CHIMNEY_STATUS_FAILURE:
      // The others fail only for those who may not manage the daemon, and
      // while it is stopping.
      return op == abi::RequestOp::kTerminateAny ? CHIMNEY_E_NOT_FOUND
                                                 : CHIMNEY_E_REFUSED;
    default:
      return CHIMNEY_E_FAILED;
  }
}

}  // namespace

int Session::Query(Connection& connection, chimney_conn_info* info,
                   int timeout_ms) {
  if (info == nullptr || info->size < offsetof(chimney_conn_info, rcv_nxt)) {
    return CHIMNEY_E_INVALID;
  }
  Lock lock(mutex_);
  chimney_conn_info filled{};
  filled.state = connection.state;
  if (connection.InHost()) {
    const int result = AskKernel(connection.fd, &filled);
    if (result == CHIMNEY_OK) CopyOut(filled, info);
    return result;
  }
  if (connection.Lost() || link_.gone()) return CHIMNEY_E_DAEMON_GONE;
  if (!connection.Offloaded()) return CHIMNEY_E_STATE;
  if (waiting_) return CHIMNEY_E_BUSY;
  abi::RequestEntry request;
  request.op = abi::RequestOp::kQuery;
  request.flow = connection.flow;
  request.cookie = connection.wire_id;
  request.request_id = ++last_control_;
  if (!link_.Push(kControlLane, request)) return CHIMNEY_E_AGAIN;
  link_.RingControl();
  const auto answer =
      control_answers_.emplace(request.request_id, ControlAnswer{}).first;
  int result =
      Await(&lock, timeout_ms, [answer] { return answer->second.done; });
  if (result == CHIMNEY_OK) {
    if (answer->second.status == CHIMNEY_STATUS_SUCCESS) {
      FillFromDaemon(answer->second.query, &filled);
      CopyOut(filled, info);
    } else {
      result = CHIMNEY_E_NOT_FOUND;
    }
  }
  control_answers_.erase(answer);
  AfterCall();
  return result;
}

int Session::Control(const abi::RequestEntry& wanted, uint64_t* connections,
                     int timeout_ms) {
  Lock lock(mutex_);
  if (link_.gone()) return CHIMNEY_E_DAEMON_GONE;
  if (waiting_) return CHIMNEY_E_BUSY;
  abi::RequestEntry request = wanted;
  request.request_id = ++last_control_;
  if (!link_.Push(kControlLane, request)) return CHIMNEY_E_AGAIN;
  link_.RingControl();
  const auto answer =
      control_answers_.emplace(request.request_id, ControlAnswer{}).first;
  int result =
      Await(&lock, timeout_ms, [answer] { return answer->second.done; });
  if (result == CHIMNEY_OK) {
    result = ControlResult(request.op, answer->second.status);
    if (connections != nullptr) *connections = answer->second.connections;
  }
  control_answers_.erase(answer);
  AfterCall();
  return result;
}

int Session::StatusJson(uint32_t topic, std::string* text, int timeout_ms) {
  if (topic < CHIMNEY_TOPIC_STATUS || topic > CHIMNEY_TOPIC_STATS) {
    return CHIMNEY_E_INVALID;
  }
  Lock lock(mutex_);
  if (link_.gone()) return CHIMNEY_E_DAEMON_GONE;
  if (waiting_) return CHIMNEY_E_BUSY;
  abi::ManagementQuery query;
  query.topic = static_cast<abi::QueryTopic>(topic);
  query.query_id = ++last_query_;
  const int sent = link_.SendQuery(query);
  if (sent != CHIMNEY_OK) return sent;
  const auto answer = text_answers_.emplace(query.query_id, TextAnswer{}).first;
  const int result =
      Await(&lock, timeout_ms, [answer] { return answer->second.done; });
  if (result == CHIMNEY_OK) *text = std::move(answer->second.text);
  text_answers_.erase(answer);
  AfterCall();
  return result;
}

}  // namespace chimney::client
