// SPDX-License-Identifier: BSD-3-Clause
// A connection's state in and out, without data. A crowd of one goes in and
// out again and again, of which one half is measured.
#include <cstddef>
#include <cstdlib>

#include "tests/bench/engine/batch.h"

namespace chimney::bench {
namespace {

struct HandOver {
  tcp::Tcb* tcb = nullptr;
  tcp::TcpState state;
};

tcp::TcpState Take(Connections* connections, tcp::Tcb& tcb) {
  tcp::Exported exported;
  tcp::Export(tcb, connections->now(), &exported);
  return exported.state;
}

void Give(Connections* connections, tcp::Tcb& tcb, const tcp::TcpState& state) {
  tcp::RecordList no_sends;
  tcp::FragmentList no_data;
  tcp::Prepare(tcb, connections->store(), false, 1500);
  const Instant now = connections->now();
  if (!tcp::Import(tcb, now, state, no_sends, no_data)) std::abort();
}

}  // namespace

void Import(benchmark::State& state, Connections* connections) {
  Walk<HandOver> walk(connections);
  walk.Measure(
      state,
      [&](tcp::Tcb& tcb, HandOver* step, size_t k) {
        step->state = k == 0 ? Take(connections, tcb) : (step - 1)->state;
      },
      [&](tcp::Tcb& tcb, const HandOver& step) {
        Give(connections, tcb, step.state);
      },
      [](tcp::Tcb&, const HandOver&) {});
}

void Export(benchmark::State& state, Connections* connections) {
  Walk<HandOver> walk(connections);
  walk.Measure(
      state, [](tcp::Tcb&, HandOver*, size_t) {},
      [&](tcp::Tcb& tcb, HandOver& step) {
        step.state = Take(connections, tcb);
      },
      [&](tcp::Tcb& tcb, const HandOver& step) {
        // What was taken from an empty one says nothing.
        if (tcb.state() != tcp::ConnectionState::kClosed) return;
        Give(connections, tcb, step.state);
      });
}

}  // namespace chimney::bench
