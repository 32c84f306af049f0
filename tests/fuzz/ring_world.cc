// SPDX-License-Identifier: BSD-3-Clause
// Building the two sessions, playing their peers, taking everything back.
#include "tests/fuzz/ring_world.h"

#include <algorithm>

#include "packet/frame_builder.h"
#include "tests/fuzz/fuzz_input.h"

namespace chimney::testing {
namespace {

using worker::Operation;

const MacAddress kOurMac{{2, 0, 0, 0, 0, 1}};
const MacAddress kPeerMac{{2, 0, 0, 0, 0, 2}};
constexpr uint16_t kPeerPort = 80;

std::unique_ptr<uint8_t, RingSession::Free> Pages(uint64_t bytes) {
  auto* memory = static_cast<uint8_t*>(std::aligned_alloc(4096, bytes));
  std::fill_n(memory, bytes, uint8_t{0});
  return std::unique_ptr<uint8_t, RingSession::Free>(memory);
}

worker::WorkerConfig SmallWorker() {
  worker::WorkerConfig config;
  config.max_flows = 4;
  config.max_sessions = 2;
  config.max_send_records = 32;
  config.max_fragments = 64;
  config.max_flight_ranges = 64;
  config.max_posted_receives = 16;
  config.max_lent_pieces = 32;
  config.max_parked_per_flow = 4;
  config.max_parked_frames = 8;
  config.hash_key[0] = 0x0706050403020100;
  config.hash_key[1] = 0x0f0e0d0c0b0a0908;
  return config;
}

}  // namespace

bool WireLog::Transmit(worker::Side side, const worker::OutFrame& frame) {
  if (side != worker::Side::kWire) return true;
  std::vector<uint8_t> bytes(frame.headers.begin(), frame.headers.end());
  for (size_t i = 0; i < frame.piece_count; ++i) {
    const ByteSpan piece = frame.pieces[i].bytes;
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  }
  frames.push_back(std::move(bytes));
  return true;
}

RingSession::RingSession(uint32_t session_id)
    : id(session_id),
      local_port(static_cast<uint16_t>(5000 + session_id)),
      peer_seq(kPeerFirstSeq),
      peer_acks(kOurFirstSeq) {
  ring::SessionShape shape;
  shape.ring_entries = kRingEntries;
  shape.arena_bytes = kArenaBytes;
  shape.chunk_bytes = kChunkBytes;
  shape.chunks_per_lane = kChunks;
  shape.record_count = 1;
  Require(ring::ComputeSessionLayout(shape, &layout) ==
          ring::LayoutVerdict::kOk);
  shared = Pages(layout.shared_bytes);
  published = Pages(layout.published_bytes);
  ring::FormatSession(layout, {}, shared.get(), published.get());
  header = reinterpret_cast<abi::SharedHeader*>(shared.get());
  requests = reinterpret_cast<rte_ring*>(shared.get() +
                                         layout.lanes[1].host_to_daemon_offset);
  notices = reinterpret_cast<rte_ring*>(published.get() +
                                        layout.lanes[1].daemon_to_host_offset);
  arena = MutableByteSpan(shared.get() + layout.arena_offset, kArenaBytes);
  producer = ring::HostProducer(requests);
  consumer =
      ring::HostConsumer(notices, kRingEntries, &header->lanes[1].consumed);
  daemon::SessionLaneMemory memory;
  memory.session_id = id;
  memory.ring_entries = kRingEntries;
  memory.host_to_daemon = requests;
  memory.daemon_to_host = notices;
  memory.shared = header;
  memory.arena = arena;
  memory.chunk_base = published.get() + ring::ReceiveLaneOffset(layout, 0);
  memory.chunk_bytes = kChunkBytes;
  memory.chunk_count = kChunks;
  lane = std::make_unique<daemon::SessionLane>(memory);
}

RingWorld::RingWorld()
    : worker_(
          std::make_unique<worker::Worker>(SmallWorker(), &wire_, &control_)) {
  Offload(&hostile_);
  Offload(&honest_);
}

FlowTuple RingWorld::TupleOf(const RingSession& session) const {
  return FlowTuple{IpAddress::FromV4(0x0a4d0001), IpAddress::FromV4(0x0a4d0002),
                   session.local_port, kPeerPort};
}

void RingWorld::Run(Operation* operation) {
  worker_->Execute(now_, operation);
  Require(control_.IsDone(*operation));
  Require(operation->status == offload::Status::kSuccess);
}

void RingWorld::Offload(RingSession* session) {
  session->open.kind = Operation::Kind::kOpenSession;
  session->open.session_id = session->id;
  session->open.session_port = session->lane.get();
  Run(&session->open);
  session->hold.kind = Operation::Kind::kHold;
  session->hold.tuple = TupleOf(*session);
  session->hold.timeout = Duration::Millis(100);
  Run(&session->hold);
  session->flow = session->hold.flow;
  Operation& initiate = session->initiate;
  initiate.kind = Operation::Kind::kInitiate;
  initiate.flow = session->flow;
  initiate.session_id = session->id;
  initiate.published = &records_[session->id - 1];
  offload::ConnectionSnapshot& snapshot = initiate.snapshot;
  snapshot.neighbor.source_mac = kOurMac;
  snapshot.neighbor.destination_mac = kPeerMac;
  snapshot.path.source = session->hold.tuple.local;
  snapshot.path.destination = session->hold.tuple.remote;
  snapshot.tcp.constant.remote_mss = 1460;
  snapshot.tcp.constant.local_port = session->local_port;
  snapshot.tcp.constant.remote_port = kPeerPort;
  tcp::TcpDelegatedState& d = snapshot.tcp.delegated;
  d.rcv_nxt = d.snd_wl1 = SeqNum(kPeerFirstSeq);
  d.snd_una = d.snd_nxt = d.snd_max = SeqNum(kOurFirstSeq);
  d.rcv_wnd = 16'384;  // Fits into the chunks.
  d.snd_wnd = d.max_snd_wnd = 65'535;
  d.srtt = Duration::Millis(1);
  Run(&initiate);
}

void RingWorld::Turn() {
  for (int i = 0; i < 100 && worker_->Poll(now_) != 0; ++i) {
  }
  PeersReceive();
}

void RingWorld::PeerSends(RingSession* session, uint32_t count) {
  packet::HeaderTemplate headers;
  headers.src_mac = kPeerMac;
  headers.dst_mac = kOurMac;
  headers.tuple = TupleOf(*session).Reversed();
  packet::SegmentHeader header;
  header.seq = SeqNum(session->peer_seq);
  header.ack = SeqNum(session->peer_acks);
  header.flags = packet::kTcpAck | packet::kTcpPsh;
  header.window_raw = 65'535;
  const std::vector<uint8_t> payload(count, 0x5a);
  std::vector<uint8_t> bytes(packet::kMaxHeaderBytes + count);
  bytes.resize(packet::BuildFrame(headers, header, 7, payload, bytes));
  worker::Frame frame;
  frame.bytes = bytes;
  worker::Disposition disposition = worker::Disposition::kForward;
  worker_->ProcessFrames(now_, worker::Side::kWire, {&frame, 1},
                         {&disposition, 1});
  session->peer_seq += count;
}

void RingWorld::PeersReceive() {
  for (const std::vector<uint8_t>& bytes : wire_.frames) {
    packet::FrameView view;
    Require(packet::ParseFrame(bytes, {}, &view) == packet::FrameVerdict::kTcp);
    RingSession& session =
        view.src_port == honest_.local_port ? honest_ : hostile_;
    const packet::Segment& segment = view.segment;
    Require(segment.payload.empty() || segment.seq.value() >= kOurFirstSeq);
    if (&session == &honest_) {
      Require(!segment.flags.rst());
      uint32_t at = segment.seq.value() - kOurFirstSeq;
      for (const uint8_t byte : segment.payload) {
        Require(byte == HonestByte(at++));
      }
    }
    if (segment.end().After(SeqNum(session.peer_acks))) {
      session.peer_acks = segment.end().value();
    }
    // What the receiver had no room for comes again.
    session.peer_seq = std::min(session.peer_seq, segment.ack.value());
  }
  wire_.frames.clear();
}

void RingWorld::End() {
  // Both processes are dead: what they had lent is nobody's any more.
  for (RingSession* session : {&hostile_, &honest_}) {
    session->lane->EndSession();
    session->close.kind = Operation::Kind::kCloseSession;
    session->close.session_id = session->id;
    worker_->Execute(now_, &session->close);
    session->terminate.kind = Operation::Kind::kTerminate;
    session->terminate.flow = session->flow;
    session->terminate.include_lent = true;
    Run(&session->terminate);
    session->finish.kind = Operation::Kind::kFinishUpload;
    session->finish.flow = session->flow;
    Run(&session->finish);
  }
  Turn();
  Require(control_.IsDone(hostile_.close) && control_.IsDone(honest_.close));
  const worker::Worker::Census census = worker_->TakeCensus();
  Require(census.flows == 0 && census.send_records == 0 &&
          census.fragments == 0 && census.flight_ranges == 0 &&
          census.posted_receives == 0 && census.lent_pieces == 0 &&
          census.timers == 0 && census.parts == 0 && census.sessions == 0);
  Require(hostile_.lane->chunks()->in_use() == 0);
  Require(honest_.lane->chunks()->in_use() == 0);
}

}  // namespace chimney::testing
