// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/upload_operation.h"

#include "daemon/session.h"

namespace chimney::daemon {
namespace {

using Kind = worker::Operation::Kind;

// How long a socket that is given the end of a connection may take to say what
// it has to say: as a rule it has said it by then.
constexpr Duration kLastWordsPatience = Duration::Millis(5);

void Append(const std::vector<ByteSpan>& pieces, std::vector<uint8_t>* out) {
  out->clear();
  size_t total = 0;
  for (const ByteSpan& piece : pieces) total += piece.size();
  out->reserve(total);
  for (const ByteSpan& piece : pieces) {
    out->insert(out->end(), piece.begin(), piece.end());
  }
}

}  // namespace

UploadOperation::UploadOperation(HandoverContext& context,
                                 HandoverListener& listener,
                                 Connection& connection, bool include_lent)
    : context_(context),
      listener_(listener),
      connection_(connection),
      include_lent_(include_lent) {
  main_.control_tag =
      reinterpret_cast<uint64_t>(static_cast<OperationOwner*>(this));
}

void UploadOperation::Start() {
  started_at_ = step_started_at_ = context_.now();
  main_.started_at = started_at_;
  main_.include_lent = include_lent_;
  main_.session_id = connection_.session->id;
  if (connection_.cut) {
    reset_ = connection_.cut_by_reset;
    main_.moved = !reset_;
    ReturnSocket();
    return;
  }
  step_ = Step::kTerminating;
  SubmitMain(Kind::kTerminate);
}

void UploadOperation::RecordStep(HandoverStep step) {
  const Instant now = context_.now();
  context_.stats->Record(step, now - step_started_at_);
  step_started_at_ = now;
}

void UploadOperation::SubmitMain(Kind kind) {
  main_.kind = kind;
  main_.status = offload::Status::kSuccess;
  main_.flow = connection_.flow;
  context_.operations->Submit(connection_.worker_index, &main_);
}

void UploadOperation::OnOperationDone(worker::Operation*) {
  switch (step_) {
    case Step::kTerminating:
      OnTerminated();
      return;
    case Step::kCancelling:
      // Refused: there is nothing left that the worker could go on with.
      connection_.cut = main_.status != offload::Status::kSuccess;
      connection_.cut_by_reset = reset_;
      End();
      return;
    case Step::kFinishing:
      End();
      return;
  }
}

void UploadOperation::OnTerminated() {
  if (include_lent_ && main_.status == offload::Status::kResources) {
    // The dead process posted more than the worker can hold: what it posted is
    // sent before its connection ends, however slowly the peer takes it. Others
    // have their turn meanwhile.
    error_.code = kernel::KernelErrorCode::kNotYet;
    End();
    return;
  }
  RecordStep(HandoverStep::kUploadTerminate);
  if (main_.status != offload::Status::kSuccess) {
    error_.code = kernel::KernelErrorCode::kNoSuchConnection;
    End();
    return;
  }
  TakeImage();
  ReturnSocket();
}

void UploadOperation::ReturnSocket() {
  return_ = std::make_unique<SocketReturn>(
      context_, listener_, connection_, reset_,
      [this](kernel::KernelError error) { OnReturned(error); });
  return_->Start();
}

void UploadOperation::TakeImage() {
  kernel::SocketImage& image = connection_.image;
  // The rest of the image stays as the socket was frozen.
  image.snapshot.path = main_.snapshot.path;
  image.snapshot.neighbor = main_.snapshot.neighbor;
  image.snapshot.tcp.delegated = main_.snapshot.tcp.delegated;
  Append(main_.send_data, &image.send_bytes);
  Append(main_.receive_data, &image.receive_bytes);
  tcp::TcpDelegatedState& state = image.snapshot.tcp.delegated;
  main_.moved = true;
  if (state.state != tcp::ConnectionState::kClosed) return;
  if (main_.closed_by_fins) {
    // The socket repeats its FIN and the peer, which has seen it, its ACK: so
    // the program sees the end that it would have seen (R176).
    state.state = tcp::ConnectionState::kLastAck;
    state.snd_nxt = state.snd_max;
    state.snd_una = state.snd_max - 1;
    return;
  }
  // A reset ended it. The socket learns that the way it always does: it goes
  // back as it was before and is given the RST (R175).
  reset_ = true;
  main_.moved = false;
  state.state = tcp::ConnectionState::kEstablished;
  state.fin_queued = false;
  state.snd_una = state.snd_nxt = state.snd_max;
  image.send_bytes.clear();
}

void UploadOperation::OnReturned(kernel::KernelError error) {
  error_ = error;
  step_started_at_ = context_.now();
  if (error_.ok()) {
    step_ = Step::kFinishing;
    main_.timeout = reset_ ? Duration() : kLastWordsPatience;
    SubmitMain(Kind::kFinishUpload);
    return;
  }
  context_.stats->Count(HandoverCount::kUploadsCancelled);
  connection_.placeholder_missing = kernel::LeavesUnconnected(error_.code);
  step_ = Step::kCancelling;
  SubmitMain(Kind::kCancelUpload);
}

void UploadOperation::End() {
  if (error_.ok()) {
    RecordStep(HandoverStep::kUploadFinish);
    context_.stats->Record(HandoverStep::kUploadTotal,
                           context_.now() - started_at_);
    context_.stats->Count(HandoverCount::kUploads);
  }
  if (!connection_.cut || error_.ok()) {
    connection_.image.send_bytes.clear();
    connection_.image.receive_bytes.clear();
  }
  listener_.OnUploadDone(connection_, error_);
}

}  // namespace chimney::daemon
