// SPDX-License-Identifier: BSD-3-Clause
#include "fake_kernel.h"

namespace chimney::daemon {

FakeKernel* fake_kernel = nullptr;

kernel::KernelError FakeKernel::Answer(const std::string& function) {
  log.push_back(function);
  return Next(function);
}

kernel::KernelError FakeKernel::Next(const std::string& function) {
  kernel::KernelError error;
  auto& waiting = answers[function];
  if (waiting.empty()) return error;
  error.code = waiting.front();
  waiting.pop_front();
  return error;
}

}  // namespace chimney::daemon

namespace chimney::kernel {

using daemon::fake_kernel;

KernelError CheckEligibility(int, const EligibilityContext&,
                             EligibilityFacts* facts) {
  *facts = fake_kernel->facts;
  return fake_kernel->Answer("check");
}

KernelError PrepareConntrack(NetlinkSockets&, const FlowTuple&,
                             const ConntrackInfo&, uint32_t) {
  return fake_kernel->Answer("conntrack");
}

KernelError PeekReceiveNext(int, SeqNum* rcv_nxt) {
  *rcv_nxt = fake_kernel->frozen.snapshot.tcp.delegated.rcv_nxt;
  return fake_kernel->Answer("peek");
}

KernelError Freeze(int, const HostLimits&, SocketImage* image) {
  const KernelError error = fake_kernel->Answer("freeze");
  if (error.ok()) *image = fake_kernel->frozen;
  return error;
}

KernelError Unfreeze(int, const SocketImage&) {
  return fake_kernel->Answer("unfreeze");
}

KernelError MakePlaceholder(int, const SocketImage&) {
  return fake_kernel->Answer("placeholder");
}

KernelError Restore(int, SocketImage* image) {
  fake_kernel->restored = *image;
  return fake_kernel->Answer("restore");
}

KernelError Thaw(int, const SocketImage&, KernelError* leftover) {
  *leftover = fake_kernel->Next("leftover");
  return fake_kernel->Answer("thaw");
}

KernelError CompleteUpload(int, const SocketImage&, bool await_peer_fin,
                           UploadProgress*) {
  fake_kernel->awaited_peer_fin = await_peer_fin;
  return fake_kernel->Answer("complete");
}

}  // namespace chimney::kernel
