// SPDX-License-Identifier: BSD-3-Clause
// The inside of a worker. One class, implemented by verb: each group of methods
// below names its file.
#ifndef CHIMNEY_WORKER_WORKER_IMPL_H_
#define CHIMNEY_WORKER_WORKER_IMPL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "packet/frame_builder.h"
#include "packet/frame_view.h"
#include "worker/ended_flows.h"
#include "worker/flow.h"
#include "worker/flow_table.h"
#include "worker/lent_ledger.h"
#include "worker/session.h"
#include "worker/timing_wheel.h"
#include "worker/worker.h"

namespace chimney::worker {

class Worker::Impl {
 public:
  Impl(const WorkerConfig& config, FramePort* frames, ControlPort* control);
  ~Impl();

  void ProcessFrames(Instant now, Side from, std::span<const Frame> frames,
                     std::span<Disposition> dispositions);
  void Execute(Instant now, Operation* operation);
  void Expect(std::span<const FlowHandle> flows);
  RequestVerdict OnRequest(Instant now, uint32_t session_id,
                           const Request& request);
  size_t Poll(Instant now);
  Instant NextDeadline() const;

  uint32_t flow_count() const { return table_.size(); }
  const WorkerCounters& counters() const { return counters_; }
  const SegmentCounters& segment_counters() const { return segment_counters_; }
  Census TakeCensus() const;

 private:
  using Counter = WorkerCounter;
  using ScheduleList = IntrusiveList<Flow, ScheduleTag>;

  // Frames whose look-ups overlap in time.
  static constexpr size_t kBatch = 32;
  // A frame on its way through a batch.
  struct Looked {
    packet::FrameView view;
    packet::FrameVerdict verdict = packet::FrameVerdict::kNotIp;
    uint64_t hash = 0;
    FlowTuple tuple;  // as this end sees it; only if has_tuple
    bool has_tuple = false;
    Flow* flow = nullptr;
  };
  // What a frame of a flow is for.
  enum class Fate : uint8_t { kForward, kConsume, kPark };
  // One flow's turn: what it may still say, and what it is short of.
  struct Turn {
    Instant now;
    Flow* flow = nullptr;
    size_t room = 0;  // notices its session takes
    bool wants_room = false;
    bool wants_wire = false;
    bool wants_turn = false;
    bool wants_io = false;
  };

  // process_frames.cc: the receive path.
  void ProcessBatch(Instant now, Side from, std::span<const Frame> frames,
                    std::span<Disposition> dispositions);
  void FindFlows(std::span<Looked> batch);
  void LookAt(Side from, const Frame& frame, Looked* looked) const;
  Disposition OnWireFrame(Instant now, const Frame& frame, Looked* looked);
  bool IsForeign(const Flow& flow, const packet::EthernetHeader& ethernet);

  // wire_segment.cc: a wire frame of a running flow.
  Fate OnRunningFrame(Instant now, Flow* flow, const Frame& frame,
                      const Looked& looked);
  Fate OnPlainSegment(Instant now, Flow* flow, const Frame& frame,
                      const packet::FrameView& view);
  Fate DivertToHost(Flow* flow, Counter counter);
  bool ChecksumsGood(const Frame& frame, const packet::FrameView& view);

  // host_gate.cc: a host frame of a flow.
  Disposition OnHostFrame(const Looked& looked);
  Disposition OnHostFrameWithoutFlow(Instant now, const Looked& looked);
  Disposition PassRestricted(Flow* flow, const Looked& looked);

  // fence.cc
  void ExecuteFence(Instant now, Operation* operation, Flow* flow);
  bool SendFence(Instant now, Operation* operation, Flow* flow);
  bool IsFenceAnswer(Flow* flow, const packet::FrameView& view) const;
  bool IsFenceReset(const Flow& flow, const packet::Segment& segment) const;
  void EndFence(Flow* flow, offload::Status status);
  void ExpireFence(Flow* flow);

  // hold.cc
  void ExecuteHold(Instant now, Operation* operation);
  void ExecuteRelease(Operation* operation, Flow* flow);
  void ExecuteGate(Operation* operation, Flow* flow);
  void ExecuteOpenWire(Operation* operation, Flow* flow);
  void OpenWire(Flow* flow);
  bool EatRepeatedEnd(Flow* flow, const packet::Segment& segment);
  void FinishUpload(Instant now, Operation* operation, Flow* flow);
  void ExecuteInject(Operation* operation, Flow* flow);
  void BeginHold(Instant now, const Operation& operation, Flow* flow);
  void ExpireHold(Flow* flow);

  // parking.cc
  bool HasPlaceFor(const HandOver& hand_over) const;
  Disposition Park(Flow* flow, const Frame& frame);
  void ForwardParked(HandOver* hand_over);
  void ReplayParked(Instant now, Flow* flow);
  void UnparkFirst(HandOver* hand_over);

  // initiate.cc
  void ExecuteInitiate(Instant now, Operation* operation, Flow* flow);
  offload::Status CheckInitiate(const Operation& operation, const Flow& flow,
                                Session* session) const;
  offload::Status TakeOver(Instant now, const Operation& operation, Flow* flow,
                           Session* session);
  void BringToLife(Instant now, const Operation& operation, Flow* flow,
                   Session* session);

  // import_data.cc: bytes into session memory and back.
  bool ImportSends(std::span<const uint8_t> bytes, Session* session,
                   tcp::RecordList* records);
  bool ImportReceives(const Operation& operation, Session* session,
                      tcp::FragmentList* fragments);
  void FreeRecord(Session* session, tcp::SendRecord* record);
  void FreeRecords(Session* session, tcp::RecordList* records);
  void FreeFragments(Session* session, tcp::FragmentList* fragments);
  // Whether a session, or of parking places a flow, that uses `used` of a pool
  // may take one more: never more than what it leaves to the others.
  static bool WithinShare(uint32_t used, uint32_t free_count) {
    return used < free_count;
  }

  // terminate.cc
  void ExecuteTerminate(Instant now, Operation* operation, Flow* flow);
  void Quiesce(Instant now, Flow* flow);
  void ReturnRequests(Flow* flow, offload::Status status);
  void FillTerminate(Instant now, Operation* operation, Flow* flow);

  // finish_upload.cc
  void ExecuteFinishUpload(Instant now, Operation* operation, Flow* flow);
  void RebuildOutOfOrder(Flow* flow);
  void RebuildFragment(Flow* flow, const tcp::Fragment& fragment);
  void Retire(Flow* flow);

  // cancel_upload.cc
  void ExecuteCancelUpload(Instant now, Operation* operation, Flow* flow);
  void RefeedOutOfOrder(Instant now, Flow* flow);

  // update.cc
  void ExecuteQuery(Instant now, Operation* operation, Flow* flow);
  void ExecuteUpdate(Instant now, Operation* operation, Flow* flow);
  void ExecuteDisconnect(Instant now, Operation* operation, Flow* flow);
  void FillSnapshot(Instant now, const Flow& flow,
                    offload::ConnectionSnapshot* snapshot) const;

  // sessions.cc
  void ExecuteOpenSession(Operation* operation);
  void ExecuteCloseSession(Operation* operation);
  size_t SweepClosing();
  void EndSweep();
  void EndSessionIfDone(Session* session);
  void DropRequests(Flow* flow);

  // requests.cc
  bool Bounces(Flow* flow, const Request& request);
  RequestVerdict OnSend(Instant now, Session* session, Flow* flow,
                        const Request& request);
  RequestVerdict OnReceive(Session* session, Flow* flow,
                           const Request& request);
  RequestVerdict OnReceiveReturn(Instant now, Session* session,
                                 const Request& request);
  RequestVerdict OnDisconnect(Instant now, Session* session, Flow* flow,
                              const Request& request);
  RequestVerdict Refuse(Session* session, Flow* flow, const Request& request,
                        offload::Status status);
  void SubmitStaged(Instant now, Flow* flow);

  // delivery.cc: spec section 4.3.
  void Deliver(Turn* turn);
  void Place(Turn* turn);
  void Indicate(Turn* turn);
  bool LendFront(Flow* flow, Notice* notice);
  void CompletePosted(Flow* flow, offload::Status status);

  // notices.cc
  void TellOffloaded(Turn* turn);
  void TellDone(Turn* turn);
  void TellAbort(Turn* turn);
  void TellSends(Turn* turn);
  tcp::SendRecord* NextFinished(Turn* turn);
  void TellDisconnects(Turn* turn);
  void TellEvents(Turn* turn);
  bool TellOne(Turn* turn, PendingDisconnect* pending);
  void Emit(Turn* turn, Notice notice);
  void Push(Session* session, const Notice& notice);

  // retrieve.cc
  void Absorb(Instant now, Flow* flow, const tcp::Outcome& outcome);
  void RaiseRetrieve(Flow* flow, offload::UploadReason reason,
                     bool tell_session);
  bool NotifyRetrieve(Flow* flow);
  void RetryRetrieves();
  void OnIcmpFrame(const Frame& frame);

  FlowHandle HandleOf(const Flow* flow) const {
    return FlowHandle{flows_.IndexOf(flow), flow->generation};
  }

  // flow_parts.cc
  HandOver* TakeHandOver(Flow* flow);
  void EndHandOver(Flow* flow);  // if it has ended
  SessionWork* TakeWork(Flow* flow);
  void EndWork(Flow* flow);  // if it is done
  void FreeFlow(Flow* flow);

  // output.cc
  void Output(Turn* turn);
  static packet::HeaderTemplate HeadersOf(const Flow& flow,
                                          const tcp::TcpCachedState& cached);
  void Transmit(Flow* flow, const packet::HeaderTemplate& headers,
                const tcp::OutSegment& segment);
  bool SendToHost(ByteSpan frame_bytes);
  void Publish(Flow* flow);
  uint16_t NextIpId();

  // schedule.cc
  void Schedule(Flow* flow);
  void Unschedule(Flow* flow);
  void ArmTimer(Flow* flow);
  size_t FireTimers(Instant now);
  void Fire(Instant now, Flow* flow);
  void WakeWaiting();
  size_t ServeReady(Instant now);
  void Serve(Instant now, Flow* flow);
  void RingSessions();

  // worker.cc
  void Complete(Operation* operation, offload::Status status);
  void Count(Counter counter, uint64_t amount = 1) {
    counters_.Add(counter, amount);
  }

  const WorkerConfig config_;
  FramePort* const frames_;
  ControlPort* const control_;

  HandleSlab<Flow> flows_;
  FlowTable table_;
  EndedFlows ended_;
  Slab<HandOver> hand_overs_;
  Pool<SessionWork> works_;
  Pool<tcp::Outgoing> outgoing_;
  Slab<tcp::Reassembly> reassemblies_;
  Slab<tcp::History> histories_;
  TimingWheel wheel_;
  SessionTable sessions_;
  Slab<tcp::SendRecord> send_records_;
  Slab<tcp::Fragment> fragments_;
  Slab<tcp::FlightRange> flight_ranges_;
  Slab<PostedReceive> posted_receives_;
  Slab<ParkedFrame> parked_frames_;
  LentLedger ledger_;

  ScheduleList ready_;
  ScheduleList wire_waiters_;  // for room on the wire
  ScheduleList io_waiters_;    // for a driver to let go of send memory
  IntrusiveList<Session, BlockedTag> blocked_sessions_;
  // Of flows that wait, some could have been woken: they are in the next turn.
  bool left_waiting_ = false;
  IntrusiveList<Session, RingTag> ring_sessions_;
  IntrusiveList<HandOver, RetrieveTag> retrieve_waiters_;

  // The sweep for flows of closing sessions: those it is made for, and the
  // place it looks at next.
  IntrusiveList<Session, SweepTag> swept_sessions_;
  uint32_t sweep_next_ = 0;

  // Of the batch under way; what it is not filled with is of no meaning.
  std::array<Looked, kBatch> looked_;
  uint16_t next_ip_id_ = 0;
  WorkerCounters counters_;
  SegmentCounters segment_counters_;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_WORKER_IMPL_H_
