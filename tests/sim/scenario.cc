// SPDX-License-Identifier: BSD-3-Clause
// How a seed becomes a scenario. Half of the values are the ordinary ones, so
// that the odd ones meet in ever new company.
#include "tests/sim/scenario.h"

#include <algorithm>
#include <sstream>

#include "base/random.h"

namespace chimney::testing {
namespace {

template <typename T, size_t kCount>
T PickOf(Random* random, const T (&values)[kCount]) {
  return values[random->Below(static_cast<uint32_t>(kCount))];
}

// Near a wrap-around half of the time.
uint32_t RandomSeq(Random* random) {
  if (random->Chance(1, 2)) return random->Next32();
  const uint32_t around = random->Chance(1, 2) ? 0u : 0x80000000u;
  return around - random->Below(100'000);
}

LinkConfig RandomLink(Random* random) {
  LinkConfig link;
  const uint64_t kRates[] = {0, 0, 1'000'000'000, 100'000'000, 10'000'000};
  const int64_t kDelaysUs[] = {0, 20, 500, 10'000, 80'000};
  const uint32_t kQueues[] = {1000, 1000, 100, 10};
  const uint32_t kLossPpm[] = {0, 0, 1'000, 10'000, 50'000, 150'000};
  const uint32_t kReorderPpm[] = {0, 0, 10'000, 100'000, 300'000};
  const uint32_t kDuplicatePpm[] = {0, 0, 10'000, 100'000};
  link.rate_bits_per_second = PickOf(random, kRates);
  link.delay = Duration::Micros(PickOf(random, kDelaysUs));
  link.queue_limit_segments = PickOf(random, kQueues);
  link.loss_ppm = PickOf(random, kLossPpm);
  link.reorder_ppm = PickOf(random, kReorderPpm);
  link.reorder_delay_max = Duration::Micros(100 + random->Below(20'000));
  link.duplicate_ppm = PickOf(random, kDuplicatePpm);
  link.corrupt_ppm = random->Chance(1, 4) ? 5'000 : 0;
  link.burst_start_ppm = random->Chance(1, 6) ? 5'000 : 0;
  return link;
}

StreamApp::Plan RandomPlan(Random* random) {
  StreamApp::Plan plan;
  const uint32_t kBytes[] = {0, 1, 3'000, 50'000, 50'000, 200'000};
  const uint32_t kPieces[] = {100, 1'460, 20'000, 60'000};
  const int64_t kGapsUs[] = {10, 500, 5'000, 200'000};
  plan.bytes_to_write = PickOf(random, kBytes);
  plan.max_write_bytes = PickOf(random, kPieces);
  plan.max_read_bytes = PickOf(random, kPieces);
  plan.max_write_gap = Duration::Micros(PickOf(random, kGapsUs));
  plan.max_read_gap = Duration::Micros(PickOf(random, kGapsUs));
  plan.max_backlog_bytes = random->Chance(1, 2) ? 1u << 20 : 16'384;
  plan.rest_ppm = random->Chance(1, 3) ? 30'000 : 0;
  plan.rest = Duration::Millis(500 + random->Below(10'000));
  // Tiny pieces of a large stream would take too many events.
  if (plan.max_write_bytes < 1'000 || plan.max_read_bytes < 1'000) {
    plan.bytes_to_write = std::min<uint64_t>(plan.bytes_to_write, 10'000);
  }
  return plan;
}

EndSpec RandomEnd(Random* random, EndKind kind, bool window_scaling) {
  EndSpec end;
  const uint32_t kBuffers[] = {2'000, 8'192, 65'535, 65'535, 300'000};
  end.kind = kind;
  end.first_seq = RandomSeq(random);
  end.first_tsval = RandomSeq(random);
  end.window_shift =
      window_scaling ? static_cast<uint8_t>(random->Below(15)) : uint8_t{0};
  end.buffer_bytes = PickOf(random, kBuffers);
  // A buffer holds several units of the window field.
  while ((4u << end.window_shift) > end.buffer_bytes) --end.window_shift;
  const uint32_t widest = 65'535u << end.window_shift;
  end.initial_window_bytes = std::min(end.buffer_bytes, widest);
  // What a peer knows is always a multiple of the unit.
  end.initial_window_bytes >>= end.window_shift;
  end.initial_window_bytes <<= end.window_shift;
  end.delayed_ack = Duration::Millis(random->Chance(1, 2) ? 0 : 40);
  end.flight_limit_bytes = random->Chance(1, 2) ? 1u << 20 : 20'000;
  end.silly_windows = random->Chance(1, 4);
  end.nagle = random->Chance(1, 2);
  end.chimney_profile = random->Chance(1, 2);
  end.keepalive = random->Chance(1, 6);
  if (random->Chance(1, 4)) end.update_gap = Duration::Millis(50);
  if (random->Chance(1, 5)) end.forgery_gap = Duration::Millis(20);
  end.tight_memory = random->Chance(1, 8);
  if (random->Chance(2, 3)) {
    const int64_t kGapsUs[] = {300, 5'000, 100'000, 2'000'000};
    end.handover_gap = Duration::Micros(PickOf(random, kGapsUs));
  }
  end.plan = RandomPlan(random);
  return end;
}

void Describe(const EndSpec& end, std::ostringstream* out) {
  *out << (end.kind == EndKind::kModel ? "model" : "engine") << " seq "
       << end.first_seq << " tsval " << end.first_tsval << " shift "
       << int{end.window_shift} << " buffer " << end.buffer_bytes << " window "
       << end.initial_window_bytes << " hand-over every "
       << end.handover_gap.micros() << " us, updates every "
       << end.update_gap.micros() << " us"
       << (end.keepalive ? " keepalive" : "")
       << (end.forgery_gap > Duration() ? " forgeries" : "")
       << (end.tight_memory ? " tight memory" : "")
       << (end.nagle ? " nagle" : "")
       << (end.chimney_profile ? " chimney" : " linux") << " profile; writes "
       << end.plan.bytes_to_write << " by " << end.plan.max_write_bytes
       << " each " << end.plan.max_write_gap.micros() << " us, reads by "
       << end.plan.max_read_bytes << " each " << end.plan.max_read_gap.micros()
       << " us, rests " << end.plan.rest_ppm << " ppm of "
       << end.plan.rest.millis() << " ms"
       << (end.plan.close_last ? ", closes last" : "") << "\n";
}

}  // namespace

Scenario RandomScenario(uint64_t seed, EndKind a, EndKind b) {
  Random random(seed);
  Scenario scenario;
  scenario.seed = seed;
  scenario.window_scaling = random.Chance(2, 3);
  scenario.ipv6 = random.Chance(1, 2);
  scenario.a = RandomEnd(&random, a, scenario.window_scaling);
  scenario.b = RandomEnd(&random, b, scenario.window_scaling);
  scenario.a_to_b = RandomLink(&random);
  scenario.b_to_a = RandomLink(&random);
  scenario.timestamps = random.Chance(2, 3);
  scenario.sack = random.Chance(2, 3);
  scenario.timestamp_unit =
      random.Chance(1, 2) ? Duration::Millis(1) : Duration::Micros(1);
  const uint32_t kMss[] = {1'460, 1'460, 536, 1'000};
  scenario.mss_bytes = PickOf(&random, kMss);
  if (random.Chance(1, 6)) {
    scenario.late_mtu_bytes = 576 + random.Below(600);
    scenario.mtu_changes_after = Duration::Millis(random.Below(1'000));
  }

  StreamApp::Plan& plan_a = scenario.a.plan;
  StreamApp::Plan& plan_b = scenario.b.plan;
  plan_a.write_seed = plan_b.read_seed = seed * 2 + 1;
  plan_b.write_seed = plan_a.read_seed = seed * 2 + 2;
  plan_a.bytes_to_read = plan_b.bytes_to_write;
  plan_b.bytes_to_read = plan_a.bytes_to_write;
  // Who closes first: A, B, or each when it is done.
  const uint32_t order = random.Below(3);
  plan_a.close_last = order == 1;
  plan_b.close_last = order == 0;
  return scenario;
}

std::string Describe(const Scenario& scenario) {
  std::ostringstream out;
  out << "seed " << scenario.seed << ", mss " << scenario.mss_bytes
      << (scenario.timestamps ? ", timestamps" : "")
      << (scenario.sack ? ", sack" : "") << ", unit "
      << scenario.timestamp_unit.micros() << " us, MTU "
      << scenario.late_mtu_bytes << " after "
      << scenario.mtu_changes_after.millis() << " ms\n";
  out << "  A: ";
  Describe(scenario.a, &out);
  out << "  B: ";
  Describe(scenario.b, &out);
  out << "  A->B: " << Describe(scenario.a_to_b) << "\n";
  out << "  B->A: " << Describe(scenario.b_to_a) << "\n";
  return out.str();
}

}  // namespace chimney::testing
