// SPDX-License-Identifier: BSD-3-Clause
// The receive path: which frames are of a flow, and what becomes of all others.
#include <algorithm>

#include "base/prefetch.h"
#include "tcp/prefetch.h"
#include "worker/worker_impl.h"

namespace chimney::worker {

using packet::FrameVerdict;

namespace {

constexpr uint8_t kIcmp = 1;
constexpr uint8_t kIcmpv6 = 58;
constexpr uint8_t kTcp = 6;

// The tuple of a plain TCP frame of which only the first piece is at hand, as
// its sender sees it.
bool ScatteredTuple(ByteSpan bytes, FlowTuple* out) {
  packet::EthernetHeader ethernet;
  if (!packet::ParseEthernet(bytes, &ethernet)) return false;
  ByteReader reader(bytes.subspan(ethernet.length));
  uint8_t first = 0;
  uint8_t protocol = 0;
  if (ethernet.ether_type == packet::kEtherTypeIpv4) {
    std::array<uint8_t, 4> src{};
    std::array<uint8_t, 4> dst{};
    reader.ReadU8(&first);
    reader.Skip(8);
    reader.ReadU8(&protocol);
    reader.Skip(2);
    reader.ReadInto(src);
    reader.ReadInto(dst);
    const size_t header_bytes = size_t{first & 0x0fu} * 4;
    if (first >> 4 != 4 || header_bytes < 20) return false;
    reader.Skip(header_bytes - 20);
    out->local = IpAddress::FromV4Bytes(src);
    out->remote = IpAddress::FromV4Bytes(dst);
  } else if (ethernet.ether_type == packet::kEtherTypeIpv6) {
    std::array<uint8_t, 16> src{};
    std::array<uint8_t, 16> dst{};
    reader.ReadU8(&first);
    reader.Skip(5);
    reader.ReadU8(&protocol);
    reader.Skip(1);
    reader.ReadInto(src);
    reader.ReadInto(dst);
    if (first >> 4 != 6) return false;
    out->local = IpAddress::FromV6Bytes(src);
    out->remote = IpAddress::FromV6Bytes(dst);
  } else {
    return false;
  }
  reader.ReadBe16(&out->local_port);
  reader.ReadBe16(&out->remote_port);
  return reader.ok() && protocol == kTcp;
}

}  // namespace

void Worker::Impl::ProcessFrames(Instant now, Side from,
                                 std::span<const Frame> frames,
                                 std::span<Disposition> dispositions) {
  const bool from_wire = from == Side::kWire;
  Count(from_wire ? Counter::kWireFramesIn : Counter::kHostFramesIn,
        frames.size());
  if (table_.size() == 0 && ended_.empty(now)) {
    std::fill_n(dispositions.begin(), frames.size(), Disposition::kForward);
    Count(from_wire ? Counter::kWireFramesForwarded
                    : Counter::kHostFramesForwarded,
          frames.size());
    return;
  }
  for (size_t done = 0; done < frames.size(); done += kBatch) {
    const size_t count = std::min(kBatch, frames.size() - done);
    ProcessBatch(now, from, frames.subspan(done, count),
                 dispositions.subspan(done, count));
  }
}

void Worker::Impl::LookAt(Side from, const Frame& frame, Looked* looked) const {
  looked->has_tuple = false;
  if (!frame.contiguous) {
    looked->verdict = FrameVerdict::kTruncated;
    looked->has_tuple = ScatteredTuple(frame.bytes, &looked->tuple);
    if (looked->has_tuple && from == Side::kWire) {
      looked->tuple = looked->tuple.Reversed();
    }
  } else {
    // Checksums are only worth their price once the frame has a flow.
    const packet::ParseOptions trust_all{.ip_checksum_trusted = true,
                                         .l4_checksum_trusted = true};
    looked->verdict = packet::ParseFrame(frame.bytes, trust_all, &looked->view);
    if (looked->view.has_tuple) {
      looked->has_tuple = true;
      looked->tuple = from == Side::kWire ? looked->view.TupleAsReceiver()
                                          : looked->view.TupleAsSender();
    }
  }
  if (!looked->has_tuple) return;
  looked->hash = table_.Hash(looked->tuple);
  table_.Prefetch(looked->hash);
}

// Each stage asks for what the next one reads, for all frames: what they miss
// in the cache is waited for together.
void Worker::Impl::FindFlows(std::span<Looked> batch) {
  for (Looked& looked : batch) {
    if (!looked.has_tuple) continue;
    const FlowKey* candidate = table_.Candidate(looked.hash);
    if (candidate != nullptr) {
      PrefetchObject(static_cast<const Flow*>(candidate));
    }
  }
  for (Looked& looked : batch) {
    looked.flow = nullptr;
    if (!looked.has_tuple) continue;
    looked.flow = static_cast<Flow*>(table_.Find(looked.hash, looked.tuple));
    if (looked.flow == nullptr) continue;
    tcp::PrefetchParts(looked.flow->tcb);
    if (looked.flow->work != nullptr) PrefetchObject(looked.flow->work);
  }
  for (Looked& looked : batch) {
    if (looked.flow != nullptr) tcp::PrefetchRecords(looked.flow->tcb);
  }
}

void Worker::Impl::ProcessBatch(Instant now, Side from,
                                std::span<const Frame> frames,
                                std::span<Disposition> dispositions) {
  const std::span<Looked> looked = std::span(looked_).first(frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    LookAt(from, frames[i], &looked[i]);
  }
  FindFlows(looked);
  uint64_t forwarded = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    if (from == Side::kWire) {
      dispositions[i] = OnWireFrame(now, frames[i], &looked[i]);
    } else {
      dispositions[i] = looked[i].flow == nullptr
                            ? OnHostFrameWithoutFlow(now, looked[i])
                            : OnHostFrame(looked[i]);
    }
    if (dispositions[i] == Disposition::kForward) ++forwarded;
  }
  Count(from == Side::kWire ? Counter::kWireFramesForwarded
                            : Counter::kHostFramesForwarded,
        forwarded);
}

Disposition Worker::Impl::OnWireFrame(Instant now, const Frame& frame,
                                      Looked* looked) {
  Flow* flow = looked->flow;
  if (flow == nullptr) {
    if (looked->verdict == FrameVerdict::kNotTcp &&
        (looked->view.ip_protocol == kIcmp ||
         looked->view.ip_protocol == kIcmpv6)) {
      OnIcmpFrame(frame);
    }
    return Disposition::kForward;
  }
  if (frame.contiguous && IsForeign(*flow, looked->view.ethernet)) {
    return Disposition::kForward;
  }
  switch (flow->phase) {
    case FlowPhase::kHeld:
    case FlowPhase::kCut:
      return flow->wire_open ? Disposition::kForward : Park(flow, frame);
    case FlowPhase::kGone:
      return Disposition::kForward;
    case FlowPhase::kRunning:
      break;
  }
  if (flow->diverted) return Park(flow, frame);
  switch (OnRunningFrame(now, flow, frame, *looked)) {
    case Fate::kForward:
      return Disposition::kForward;
    case Fate::kConsume:
      return Disposition::kConsumed;
    case Fate::kPark:
      break;
  }
  return Park(flow, frame);
}

// A frame for another station, or of another VLAN, is no frame of the flow
// (R167), whatever its addresses are.
bool Worker::Impl::IsForeign(const Flow& flow,
                             const packet::EthernetHeader& ethernet) {
  const bool held = flow.phase == FlowPhase::kHeld;
  if (held && !flow.hand_over->learned.valid) return false;
  const MacAddress& mac =
      held ? flow.hand_over->learned.source_mac : flow.next_hop.source_mac;
  const uint16_t vlan_id =
      held ? flow.hand_over->learned.vlan_id : flow.next_hop.vlan_id;
  if (!mac.IsZero() && !(ethernet.dst == mac)) {
    Count(Counter::kForeignMac);
    return true;
  }
  if (vlan_id != 0 && ethernet.vlan_id() != vlan_id) {
    Count(Counter::kVlanMismatch);
    return true;
  }
  return false;
}

}  // namespace chimney::worker
