// SPDX-License-Identifier: BSD-3-Clause
// Runs one scenario to its end and judges it: every byte arrived once and in
// order, both ends reached their final state, nobody got stuck, nothing leaked.
#ifndef CHIMNEY_TESTS_SIM_SIMULATION_H_
#define CHIMNEY_TESTS_SIM_SIMULATION_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tests/sim/scenario.h"
#include "tests/support/pcap_dump.h"
#include "tests/support/stream_app.h"
#include "tests/support/stream_endpoint.h"
#include "tests/support/virtual_clock.h"
#include "tests/support/virtual_wire.h"

namespace chimney::testing {

struct SimulationResult {
  std::string problem;  // empty if all went well
  std::string details;  // for people, when there is a problem
  Duration virtual_time;
  // Until the last byte of A's stream was in order at B; zero if never.
  Duration delivery_time;
  Duration quarter_time;  // the same for the first quarter of the stream
  uint64_t events = 0;
  uint64_t segments = 0;
  uint64_t segments_from_a = 0;
  uint64_t handovers = 0;
};

// What an end is made from.
struct EndContext {
  VirtualClock* clock = nullptr;
  const Scenario* scenario = nullptr;
  bool is_a = false;
  std::function<void(const WireSegment&)> transmit;
  // Reports a violation; the run stops at the first one.
  std::function<void(const std::string&)> fail;

  const EndSpec& own() const { return is_a ? scenario->a : scenario->b; }
  const EndSpec& other() const { return is_a ? scenario->b : scenario->a; }
};

std::unique_ptr<StreamEndpoint> MakeModelEnd(const EndContext& context);
std::unique_ptr<StreamEndpoint> MakeEngineEnd(const EndContext& context);

class Simulation {
 public:
  explicit Simulation(const Scenario& scenario);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Called before each event with its number, counted from 0.
  using Hook = std::function<void(uint64_t event)>;
  void set_hook(Hook hook) { hook_ = std::move(hook); }
  StreamEndpoint* a() { return a_.get(); }
  StreamEndpoint* b() { return b_.get(); }
  VirtualWire& wire() { return wire_; }
  VirtualClock& clock() { return clock_; }

  SimulationResult Run();
  // What was on the wire, lost segments included.
  const PcapDump& capture() const { return capture_; }

 private:
  struct Traced {
    Instant when;
    bool from_a = false;
    WireSegment segment;
    Fate fate = Fate::kDelivered;
  };

  std::unique_ptr<StreamEndpoint> MakeEnd(bool is_a);
  void ScheduleMtuChange();
  void Fail(const std::string& who, const std::string& problem);
  void Trace(bool from_a, const WireSegment& segment, Fate fate);
  void NoteDelivery();
  bool BothDone() const;
  uint64_t Progress() const;
  void RunToCompletion();
  void RunAftermath();
  void TearDown();
  std::string Details() const;

  Scenario scenario_;
  VirtualClock clock_;
  VirtualWire wire_;
  std::unique_ptr<StreamEndpoint> a_;
  std::unique_ptr<StreamEndpoint> b_;
  std::unique_ptr<StreamApp> app_a_;
  std::unique_ptr<StreamApp> app_b_;
  PcapDump capture_;
  std::deque<Traced> last_segments_;
  Instant delivered_at_ = Instant::Never();
  Instant quarter_at_ = Instant::Never();
  std::string problem_;
  Hook hook_;
  uint64_t events_ = 0;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SIM_SIMULATION_H_
