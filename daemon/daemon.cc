// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/daemon.h"

#include <glog/logging.h>
#include <sys/random.h>

#include <algorithm>

#include "daemon/cpu_list.h"
#include "daemon/open_descriptors.h"
#include "daemon/signals.h"
#include "dpdkio/eal.h"
#include "dpdkio/tsc_clock.h"

namespace chimney::daemon {

Daemon::~Daemon() {
  StopWorkers();
  control_.reset();
  cores_.clear();
  links_.clear();
  ports_.reset();
}

bool Daemon::Start(std::string* error) {
  RaiseDescriptorLimit();
  ports_ = PortPair::Start(config_, error);
  if (ports_ == nullptr || !StartWorkers(error)) return false;
  std::vector<WorkerLink*> links;
  for (const auto& link : links_) links.push_back(link.get());
  control_ = std::make_unique<ControlCore>(config_, std::move(links),
                                           ports_->host_interface(), gatehouse_,
                                           dpdkio::MonotonicNow);
  return control_->Open(error);
}

int Daemon::Run() {
  const StopSignals signals(control_.get());
  // Mostly asleep; but while a hand-over waits for it a connection stands
  // still.
  if (!PreferThread()) LOG(INFO) << "the control core has no priority";
  return control_->Run();
}

bool Daemon::StartWorkers(std::string* error) {
  for (uint32_t i = 0; i < config_.worker_cores.size(); ++i) {
    links_.push_back(std::make_unique<WorkerLink>(i));
    if (!links_.back()->ok()) {
      *error = "no event descriptors left for worker " + std::to_string(i);
      return false;
    }
    cores_.push_back(
        std::make_unique<WorkerCore>(OptionsOf(i), links_.back().get()));
    threads_.emplace_back(
        [core = cores_.back().get(), cpu = config_.worker_cores[i]] {
          if (!PinThread(cpu))
            LOG(WARNING) << "cannot pin a worker to CPU " << cpu;
          const dpdkio::ThreadRegistration registration;
          if (!registration.ok())
            LOG(WARNING) << "a worker runs without mbuf cache";
          core->Run();
        });
  }
  return true;
}

WorkerCoreOptions Daemon::OptionsOf(uint32_t worker) const {
  WorkerCoreOptions options;
  options.idle = config_.idle;
  options.frames.wire = ports_->WireSide(worker);
  options.frames.host = ports_->HostSide(worker);
  options.frames.zero_copy_threshold_bytes = config_.zero_copy_threshold_bytes;
  worker::WorkerConfig& w = options.worker;
  w.worker_index = worker;
  w.max_flows = config_.max_connections;
  w.max_sessions = config_.max_sessions;
  w.max_parked_per_flow = config_.max_parked_per_flow;
  // Parked frames may not starve the ports.
  w.max_parked_frames =
      std::min(config_.max_parked_frames, ports_->mbuf_count() / 4);
  w.max_path_mtu_bytes = ports_->mtu_bytes();
  w.hold_timeout = config_.hold_timeout;
  w.parameters = config_.parameters;
  if (getrandom(w.hash_key, sizeof(w.hash_key), 0) !=
      static_cast<ssize_t>(sizeof(w.hash_key))) {
    LOG(WARNING) << "no random key for the flow table";
  }
  return options;
}

void Daemon::StopWorkers() {
  for (const auto& core : cores_) core->RequestStop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace chimney::daemon
