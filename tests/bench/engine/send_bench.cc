// SPDX-License-Identifier: BSD-3-Clause
// From the application's request to the segment that is ready to leave.
#include <cstddef>

#include "tests/bench/engine/batch.h"

namespace chimney::bench {

void Send(benchmark::State& state, Connections* connections, uint32_t bytes) {
  struct Request {
    tcp::Tcb* tcb = nullptr;
    tcp::SendRecord* record = nullptr;
  };
  Walk<Request> walk(connections);
  walk.Measure(
      state,
      [&](tcp::Tcb&, Request* request, size_t) {
        request->record = connections->MakeSend(bytes);
      },
      [&](tcp::Tcb& tcb, const Request& request) {
        tcp::OutSegment segment;
        tcp::OnSend(tcb, connections->now(), request.record);
        while (tcp::NextSegment(tcb, connections->now(), &segment)) {
          benchmark::DoNotOptimize(segment);
        }
        benchmark::DoNotOptimize(tcp::NextDeadline(tcb));
      },
      [&](tcp::Tcb& tcb, const Request&) {
        connections->Advance(Duration::Micros(1));
        connections->AcknowledgeAll(tcb);
      });
}

}  // namespace chimney::bench
