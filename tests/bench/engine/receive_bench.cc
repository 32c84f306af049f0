// SPDX-License-Identifier: BSD-3-Clause
// Segments in: from OnSegment to all that a worker asks the engine afterwards.
#include <cstddef>

#include "tests/bench/engine/batch.h"

namespace chimney::bench {
namespace {

struct Arrival {
  tcp::Tcb* tcb = nullptr;
  packet::Segment segment;
};

void Feed(Connections* connections, tcp::Tcb& tcb, const Arrival& arrival) {
  const tcp::Outcome outcome =
      tcp::OnSegment(tcb, connections->now(), arrival.segment);
  if ((outcome.events & tcp::kEventSendAcked) != 0) connections->Collect(tcb);
  if ((outcome.events & tcp::kEventOutput) != 0) connections->SendAll(tcb);
  benchmark::DoNotOptimize(tcp::NextDeadline(tcb));
}

void QueueSends(Connections* connections, tcp::Tcb& tcb, size_t count) {
  for (size_t k = 0; k < count; ++k) {
    tcp::OnSend(tcb, connections->now(), connections->MakeSend(kMss));
  }
  connections->SendAll(tcb);
}

uint32_t Segments(size_t count) { return static_cast<uint32_t>(count) * kMss; }

}  // namespace

// One segment each is in flight, and acknowledged.
void PureAck(benchmark::State& state, Connections* connections) {
  Walk<Arrival> walk(connections);
  walk.Measure(
      state,
      [&](tcp::Tcb& tcb, Arrival* arrival, size_t k) {
        if (k == 0) QueueSends(connections, tcb, walk.repeats());
        arrival->segment = connections->FromPeer(tcb, {});
        arrival->segment.ack = tcb.snd_una() + Segments(k + 1);
      },
      [&](tcp::Tcb& tcb, const Arrival& arrival) {
        Feed(connections, tcb, arrival);
      },
      [&](tcp::Tcb& tcb, const Arrival&) {
        connections->Advance(Duration::Micros(1));
        connections->AcknowledgeAll(tcb);
      });
}

// The second segment and those behind it are reported, one more each time; all
// were sent at once, so that none counts as lost.
void AckWithSack(benchmark::State& state, Connections* connections) {
  Walk<Arrival> walk(connections);
  walk.Measure(
      state,
      [&](tcp::Tcb& tcb, Arrival* arrival, size_t k) {
        if (k == 0) QueueSends(connections, tcb, walk.repeats() + 3);
        arrival->segment = connections->FromPeer(tcb, {});
        arrival->segment.ack = tcb.snd_una();
        arrival->segment.options.sack_count = 1;
        arrival->segment.options.sack[0] = {tcb.snd_una() + kMss,
                                            tcb.snd_una() + Segments(k + 2)};
      },
      [&](tcp::Tcb& tcb, const Arrival& arrival) {
        Feed(connections, tcb, arrival);
      },
      [&](tcp::Tcb& tcb, const Arrival&) {
        connections->Advance(Duration::Micros(1));
        connections->AcknowledgeAll(tcb);
      });
}

void InOrder(benchmark::State& state, Connections* connections, size_t bytes) {
  const ByteSpan payload = connections->payload(bytes);
  Walk<Arrival> walk(connections);
  walk.Measure(
      state,
      [&](tcp::Tcb& tcb, Arrival* arrival, size_t k) {
        arrival->segment = connections->FromPeer(
            tcb, payload, static_cast<uint32_t>(k * bytes));
      },
      [&](tcp::Tcb& tcb, const Arrival& arrival) {
        Feed(connections, tcb, arrival);
      },
      [&](tcp::Tcb& tcb, const Arrival&) { connections->Deliver(tcb); });
}

// A hole of one segment in front, which is filled afterwards.
void OutOfOrder(benchmark::State& state, Connections* connections) {
  const ByteSpan payload = connections->payload(kMss);
  Walk<Arrival> walk(connections);
  walk.Measure(
      state,
      [&](tcp::Tcb& tcb, Arrival* arrival, size_t k) {
        arrival->segment = connections->FromPeer(tcb, payload, Segments(k + 1));
      },
      [&](tcp::Tcb& tcb, const Arrival& arrival) {
        Feed(connections, tcb, arrival);
      },
      [&](tcp::Tcb& tcb, const Arrival&) {
        if (tcb.out_of_order_bytes() == 0) return;
        tcp::OnSegment(tcb, connections->now(),
                       connections->FromPeer(tcb, payload));
        connections->SendAll(tcb);
        connections->Deliver(tcb);
      });
}

// Received payload to the application, and the room told of; in a crowd one
// segment's.
void Deliver(benchmark::State& state, Connections* connections) {
  const ByteSpan payload = connections->payload(kMss);
  Walk<Arrival> walk(connections);
  walk.Measure(
      state,
      [&](tcp::Tcb& tcb, Arrival*, size_t) {
        tcp::OnSegment(tcb, connections->now(),
                       connections->FromPeer(tcb, payload));
        connections->SendAll(tcb);
      },
      [&](tcp::Tcb& tcb, const Arrival&) { connections->Deliver(tcb); },
      [](tcp::Tcb&, const Arrival&) {});
}

}  // namespace chimney::bench
