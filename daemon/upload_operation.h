// SPDX-License-Identifier: BSD-3-Clause
// The way of one connection from a worker back into its kernel socket (design
// D2): cut and park, return to the socket, release what was parked. A failure
// leaves the connection running in its worker.
#ifndef CHIMNEY_DAEMON_UPLOAD_OPERATION_H_
#define CHIMNEY_DAEMON_UPLOAD_OPERATION_H_

#include <cstdint>
#include <memory>

#include "daemon/connection.h"
#include "daemon/handover_context.h"
#include "daemon/socket_return.h"
#include "worker/operation.h"

namespace chimney::daemon {

class UploadOperation : public OperationOwner {
 public:
  // `include_lent`: the host process is dead, so what it was lent and never
  // read goes back into the socket's receive queue. References outlive the
  // operation.
  UploadOperation(HandoverContext& context, HandoverListener& listener,
                  Connection& connection, bool include_lent);

  void Start();

  void OnOperationDone(worker::Operation* operation) override;

 private:
  enum class Step : uint8_t {
    kTerminating,
    kFinishing,
    kCancelling,
  };

  void SubmitMain(worker::Operation::Kind kind);
  void OnTerminated();
  void TakeImage();
  void ReturnSocket();
  void OnReturned(kernel::KernelError error);
  void End();
  void RecordStep(HandoverStep step);

  HandoverContext& context_;
  HandoverListener& listener_;
  Connection& connection_;
  const bool include_lent_;

  worker::Operation main_;
  std::unique_ptr<SocketReturn> return_;
  Step step_ = Step::kTerminating;
  bool reset_ = false;  // a reset ended it here
  Instant started_at_;
  Instant step_started_at_;
  kernel::KernelError error_;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_UPLOAD_OPERATION_H_
