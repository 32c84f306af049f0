// SPDX-License-Identifier: BSD-3-Clause
#include "worker_fixture.h"

#include <map>

namespace chimney::worker {

namespace {

const MacAddress kOurMac{{2, 0, 0, 0, 0, 1}};
const MacAddress kPeerMac{{2, 0, 0, 0, 0, 2}};

Bytes Build(const packet::HeaderTemplate& headers, const SegmentSpec& spec) {
  packet::SegmentHeader header;
  header.seq = SeqNum(spec.seq);
  header.ack = SeqNum(spec.ack);
  header.flags = spec.flags;
  header.window_raw = spec.window;
  header.options = spec.options;
  header.urgent_pointer = spec.urgent_pointer;
  Bytes bytes(packet::kMaxHeaderBytes + spec.payload.size());
  bytes.resize(packet::BuildFrame(headers, header, 7, spec.payload, bytes));
  return bytes;
}

}  // namespace

Bytes Pattern(size_t count, size_t from) {
  Bytes bytes(count);
  for (size_t i = 0; i < count; ++i) {
    const size_t at = from + i;
    bytes[i] = static_cast<uint8_t>(at * 7 + at / 251);
  }
  return bytes;
}

WorkerTest::WorkerTest() = default;

WorkerConfig WorkerTest::Config() const {
  WorkerConfig config;
  config.max_flows = 8;
  config.max_sessions = 4;
  config.max_send_records = 256;
  config.max_fragments = 256;
  config.max_flight_ranges = 256;
  config.max_posted_receives = 64;
  config.max_lent_pieces = 64;
  config.max_parked_per_flow = 8;
  config.max_parked_frames = 32;
  config.hash_key[0] = 0x0706050403020100;
  config.hash_key[1] = 0x0f0e0d0c0b0a0908;
  return config;
}

FlowTuple WorkerTest::Tuple() const {
  return FlowTuple{IpAddress::FromV4(0x0a4d0001), IpAddress::FromV4(0x0a4d0002),
                   5000, 80};
}

packet::HeaderTemplate WorkerTest::OurHeaders() const {
  packet::HeaderTemplate headers;
  headers.src_mac = kOurMac;
  headers.dst_mac = kPeerMac;
  headers.tuple = Tuple();
  return headers;
}

void WorkerTest::SetUp() {
  worker = std::make_unique<Worker>(Config(), &frames, &control);
  Operation open;
  open.kind = Operation::Kind::kOpenSession;
  open.session_id = kSessionId;
  open.session_port = &session;
  ASSERT_TRUE(Run(&open));
  control.completed.clear();
}

void WorkerTest::TearDown() {
  frames.wire_room = frames.host_room = 1000;
  session.room = 1000;
  control.room = 1000;
  // First of all: the test's receive buffers are gone by now.
  if (close.kind != Operation::Kind::kCloseSession) CloseSession();
  if (worker->flow_count() > 0 && !control.IsDone(terminate) &&
      control.IsDone(initiate)) {
    EXPECT_TRUE(Terminate());
  }
  if (control.IsDone(terminate) && !control.IsDone(finish)) {
    EXPECT_TRUE(Finish());
  }
  if (worker->flow_count() > 0) {
    Operation release;
    release.kind = Operation::Kind::kRelease;
    release.flow = flow;
    EXPECT_TRUE(Run(&release));
  }
  frames.CleanUpDriver();
  Poll();
  EXPECT_TRUE(control.IsDone(close));
  const Worker::Census census = worker->TakeCensus();
  EXPECT_EQ(census.flows, 0u);
  EXPECT_EQ(census.send_records, 0u);
  EXPECT_EQ(census.fragments, 0u);
  EXPECT_EQ(census.flight_ranges, 0u);
  EXPECT_EQ(census.posted_receives, 0u);
  EXPECT_EQ(census.lent_pieces, 0u);
  EXPECT_EQ(census.timers, 0u);
  EXPECT_EQ(census.parked_frames, 0u);
  EXPECT_EQ(census.parts, 0u);
  EXPECT_EQ(census.sessions, 0u);
  EXPECT_EQ(frames.held(), 0u);
  EXPECT_EQ(session.chunks()->in_use(), 0u);
}

Bytes WorkerTest::PeerFrame(const SegmentSpec& spec) const {
  packet::HeaderTemplate headers = OurHeaders();
  std::swap(headers.src_mac, headers.dst_mac);
  headers.tuple = headers.tuple.Reversed();
  return Build(headers, spec);
}

Bytes WorkerTest::KernelFrame(const SegmentSpec& spec) const {
  return Build(OurHeaders(), spec);
}

Bytes WorkerTest::PeerData(const Bytes& payload, uint32_t at, uint32_t ack,
                           bool push) const {
  SegmentSpec spec;
  spec.seq = kRemoteSeq + at;
  spec.ack = kLocalSeq + ack;
  spec.payload = payload;
  if (push) spec.flags |= packet::kTcpPsh;
  spec.options.has_timestamps = true;
  spec.options.tsval = kPeerTs;
  spec.options.tsecr = kTsNow;
  return PeerFrame(spec);
}

Bytes WorkerTest::PeerAck(uint32_t acked_bytes, uint32_t received_bytes) const {
  return PeerData({}, received_bytes, acked_bytes, false);
}

Disposition WorkerTest::FromWire(const Bytes& bytes) {
  const Frame frame = frames.Receive(bytes);
  Disposition disposition = Disposition::kHeld;
  worker->ProcessFrames(now, Side::kWire, {&frame, 1}, {&disposition, 1});
  frames.Settle(Side::kWire, frame, disposition);
  return disposition;
}

Disposition WorkerTest::FromHost(const Bytes& bytes) {
  const Frame frame = frames.Receive(bytes);
  Disposition disposition = Disposition::kHeld;
  worker->ProcessFrames(now, Side::kHost, {&frame, 1}, {&disposition, 1});
  frames.Settle(Side::kHost, frame, disposition);
  return disposition;
}

// With both checksums verified.
packet::FrameView WorkerTest::Parsed(const Bytes& bytes) const {
  packet::FrameView view;
  EXPECT_EQ(packet::ParseFrame(bytes, {}, &view), packet::FrameVerdict::kTcp);
  return view;
}

Bytes WorkerTest::WirePayload(size_t first) const {
  std::map<uint32_t, uint8_t> stream;
  for (size_t i = first; i < frames.to_wire.size(); ++i) {
    const packet::Segment segment = Parsed(frames.to_wire[i]).segment;
    for (size_t j = 0; j < segment.payload.size(); ++j) {
      stream[segment.seq.value() + static_cast<uint32_t>(j)] =
          segment.payload[j];
    }
  }
  Bytes bytes;
  for (const auto& [seq, byte] : stream) bytes.push_back(byte);
  return bytes;
}

bool WorkerTest::Run(Operation* operation) {
  worker->Execute(now, operation);
  return control.IsDone(*operation) &&
         operation->status == offload::Status::kSuccess;
}

bool WorkerTest::Hold(Duration timeout) {
  hold.kind = Operation::Kind::kHold;
  hold.tuple = Tuple();
  hold.timeout = timeout;
  const bool done = Run(&hold);
  flow = hold.flow;
  return done;
}

std::unique_ptr<Operation> WorkerTest::NewInitiate() const {
  auto operation = std::make_unique<Operation>();
  operation->kind = Operation::Kind::kInitiate;
  operation->flow = flow;
  operation->session_id = kSessionId;
  operation->cookie = kCookie;
  operation->published = const_cast<PublishedRecord*>(&published);
  offload::ConnectionSnapshot& snapshot = operation->snapshot;
  snapshot.neighbor.source_mac = kOurMac;
  snapshot.neighbor.destination_mac = kPeerMac;
  snapshot.path.source = Tuple().local;
  snapshot.path.destination = Tuple().remote;
  snapshot.path.path_mtu_bytes = 1500;
  tcp::TcpConstState& constant = snapshot.tcp.constant;
  constant.timestamps_enabled = true;
  constant.sack_enabled = true;
  constant.window_scaling_enabled = true;
  constant.snd_wind_scale = 7;
  constant.rcv_wind_scale = 7;
  constant.remote_mss = 1460;
  constant.local_port = Tuple().local_port;
  constant.remote_port = Tuple().remote_port;
  snapshot.tcp.cached.initial_rcv_wnd = 65536;
  tcp::TcpDelegatedState& delegated = snapshot.tcp.delegated;
  delegated.rcv_nxt = SeqNum(kRemoteSeq);
  delegated.rcv_wnd = 65536;
  delegated.snd_una = delegated.snd_nxt = delegated.snd_max = SeqNum(kLocalSeq);
  delegated.snd_wnd = delegated.max_snd_wnd = 64000;
  delegated.snd_wl1 = SeqNum(kRemoteSeq);
  delegated.cwnd = 14480;
  delegated.srtt = Duration::Millis(1);
  delegated.rttvar = Duration::Micros(100);
  delegated.ts_recent = kPeerTs;
  delegated.ts_time = kTsNow;
  return operation;
}

bool WorkerTest::Initiate(Operation* operation) {
  operation->flow = flow;
  return Run(operation);
}

bool WorkerTest::Offload() {
  if (!Hold()) return false;
  initiate = *NewInitiate();
  return Initiate(&initiate);
}

bool WorkerTest::Terminate() {
  terminate.kind = Operation::Kind::kTerminate;
  terminate.flow = flow;
  return Run(&terminate);
}

bool WorkerTest::Finish() {
  finish.kind = Operation::Kind::kFinishUpload;
  finish.flow = flow;
  return Run(&finish);
}

void WorkerTest::CloseSession() {
  close.kind = Operation::Kind::kCloseSession;
  close.session_id = kSessionId;
  worker->Execute(now, &close);
  Poll();
}

RequestVerdict WorkerTest::Send(uint64_t id, const Bytes& data, bool ends_nbl) {
  Bytes& kept = send_memory.emplace_back(data);
  Request request;
  request.kind = Request::Kind::kSend;
  request.flow = flow;
  request.id = id;
  request.data = kept.data();
  request.length = static_cast<uint32_t>(kept.size());
  request.ends_nbl = ends_nbl;
  return worker->OnRequest(now, kSessionId, request);
}

RequestVerdict WorkerTest::Post(uint64_t id, Bytes* buffer, bool no_push) {
  Request request;
  request.kind = Request::Kind::kReceive;
  request.flow = flow;
  request.id = id;
  request.data = buffer->data();
  request.length = static_cast<uint32_t>(buffer->size());
  request.no_push = no_push;
  return worker->OnRequest(now, kSessionId, request);
}

RequestVerdict WorkerTest::Return(const Notice& notice, uint32_t bytes) {
  Request request;
  request.kind = Request::Kind::kReceiveReturn;
  request.flow = notice.flow;
  request.chunk = notice.chunk;
  request.length = bytes;
  return worker->OnRequest(now, kSessionId, request);
}

RequestVerdict WorkerTest::Disconnect(uint64_t id, bool abortive) {
  Request request;
  request.kind = Request::Kind::kDisconnect;
  request.flow = flow;
  request.id = id;
  request.abortive = abortive;
  return worker->OnRequest(now, kSessionId, request);
}

void WorkerTest::Poll() {
  for (int i = 0; i < 100; ++i) {
    if (worker->Poll(now) == 0) return;
  }
}

void WorkerTest::Advance(Duration by) {
  now = now + by;
  Poll();
}

}  // namespace chimney::worker
