// SPDX-License-Identifier: BSD-3-Clause
// What people ask: status, connections, stats, as JSON.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/inet_text.h"
#include "daemon/control_core.h"
#include "daemon/json_writer.h"
#include "daemon/open_descriptors.h"
#include "tcp/connection_state.h"
#include "worker/worker_counter.h"

namespace chimney::daemon {
namespace {

void WriteSummary(const HandoverStats& stats, HandoverStep step,
                  JsonWriter* json) {
  const HandoverStats::Percentiles summary = stats.Summary(step);
  json->BeginObject(HandoverStepName(step));
  json->Value("samples", summary.samples);
  json->Value("p50_ns", summary.p50_ns);
  json->Value("p99_ns", summary.p99_ns);
  json->Value("max_ns", summary.max_ns);
  json->EndObject();
}

void WriteHandovers(const HandoverStats& stats, JsonWriter* json) {
  json->BeginObject("handovers");
  for (size_t i = 0; i < kHandoverCountCount; ++i) {
    const auto count = static_cast<HandoverCount>(i);
    json->Value(HandoverCountName(count), stats.count(count));
  }
  json->BeginObject("steps");
  for (size_t i = 0; i < kHandoverStepCount; ++i) {
    WriteSummary(stats, static_cast<HandoverStep>(i), json);
  }
  json->EndObject();
  json->EndObject();
}

void WriteCounters(const WorkerLink& link, JsonWriter* json) {
  if (const worker::WorkerCounters* counters = link.counters()) {
    for (size_t i = 0; i < worker::kWorkerCounterCount; ++i) {
      const auto counter = static_cast<worker::WorkerCounter>(i);
      json->Value(worker::WorkerCounterName(counter), counters->Get(counter));
    }
  }
  const CoreCounters* counters = link.core_counters();
  if (counters == nullptr) return;
  json->BeginObject("core");
  for (size_t i = 0; i < kCoreCounterCount; ++i) {
    const auto counter = static_cast<CoreCounter>(i);
    json->Value(CoreCounterName(counter), counters->Get(counter));
  }
  json->EndObject();
}

void WritePort(const char* name, const dpdkio::PortStatistics& port,
               JsonWriter* json) {
  json->BeginObject(name);
  json->Value("frames_in", port.frames_in);
  json->Value("frames_out", port.frames_out);
  json->Value("missed_in", port.missed_in);
  json->Value("errors_in", port.errors_in);
  json->Value("errors_out", port.errors_out);
  json->Value("mbufs_empty", port.mbufs_empty);
  json->EndObject();
}

void WriteCensus(const std::vector<WorkerLink*>& links, JsonWriter* json) {
  json->BeginArray("workers");
  for (const WorkerLink* link : links) {
    const worker::Worker::Census census = link->census();
    json->BeginObject();
    json->Value("index", link->worker_index());
    json->Value("flows", census.flows);
    json->Value("send_records", census.send_records);
    json->Value("fragments", census.fragments);
    json->Value("flight_ranges", census.flight_ranges);
    json->Value("posted_receives", census.posted_receives);
    json->Value("lent_pieces", census.lent_pieces);
    json->Value("timers", census.timers);
    json->Value("parked_frames", census.parked_frames);
    json->Value("parts", census.parts);
    json->Value("sessions", census.sessions);
    json->EndObject();
  }
  json->EndArray();
}

}  // namespace

void ControlCore::OnManagementQuery(Session& session,
                                    const abi::ManagementQuery& query) {
  std::string text;
  switch (query.topic) {
    case abi::QueryTopic::kStatus:
      text = StatusJson();
      break;
    case abi::QueryTopic::kConnections:
      text = ConnectionsJson(session);
      break;
    case abi::QueryTopic::kStats:
      text = StatsJson();
      break;
    default:
      text = "{\"error\":\"unknown topic\"}";
      break;
  }
  auto part = std::make_unique<abi::ManagementPart>();
  part->query_id = query.query_id;
  for (size_t sent = 0;;) {
    const size_t length =
        std::min<size_t>(text.size() - sent, abi::kManagementPartBytes);
    std::memcpy(part->text, text.data() + sent, length);
    std::memset(part->text + length, 0, abi::kManagementPartBytes - length);
    part->text_bytes = static_cast<uint32_t>(length);
    sent += length;
    part->last_part = sent == text.size() ? 1 : 0;
    // An asker that does not read its answer is not waited for.
    if (!SendStruct(session.socket.get(), *part)) {
      EndSession(session, "it does not read its answers");
      return;
    }
    if (part->last_part != 0) return;
  }
}

std::string ControlCore::StatusJson() const {
  JsonWriter json;
  json.BeginObject();
  json.Value("version", CHIMNEY_VERSION);
  json.Value("pid", getpid());
  json.Value("uptime_ms", (context_.now() - started_at_).millis());
  json.Value("wire_port", host_.wire_port_text);
  json.Value("host_port", host_.host_port_text);
  json.Value("host_interface", host_.name);
  json.Value("mtu_bytes", host_.mtu_bytes);
  json.Value("paused", paused_);
  json.Value("stopping", draining_);
  json.Value("connections", connections_.size());
  json.Value("max_connections", config_.max_connections);
  json.Value("open_descriptors", CountOpenDescriptors());
  WriteCensus(operations_.links(), &json);
  if (host_.read_numbers) {
    const PortNumbers numbers = host_.read_numbers();
    json.Value("mbufs", numbers.mbufs);
    json.Value("mbufs_in_use", numbers.mbufs_in_use);
  }
  json.BeginArray("sessions");
  for (const auto& [id, session] : sessions_) {
    json.BeginObject();
    json.Value("id", id);
    json.Value("name", session->name);
    json.Value("kind", session->kind == abi::SessionKind::kData ? "data"
                                                                : "management");
    json.Value("phase", SessionPhaseName(session->phase));
    json.Value("pid", session->pid);
    json.Value("uid", session->uid);
    json.Value("connections", session->connection_count);
    json.EndObject();
  }
  json.EndArray();
  WriteHandovers(stats_, &json);
  json.EndObject();
  return json.text();
}

// Everybody sees their own connections, those who may manage see all.
std::string ControlCore::ConnectionsJson(const Session& asker) const {
  JsonWriter json;
  json.BeginObject();
  json.BeginArray("connections");
  const bool all = MayManage(asker);
  connections_.ForEach([&](const Connection& connection) {
    if (!all && connection.session->uid != asker.uid) return;
    json.BeginObject();
    json.Value("id", connection.id);
    json.Value("local", ToString(connection.tuple.local));
    json.Value("local_port", connection.tuple.local_port);
    json.Value("remote", ToString(connection.tuple.remote));
    json.Value("remote_port", connection.tuple.remote_port);
    json.Value("phase", ConnectionPhaseName(connection.phase));
    json.Value("worker", connection.worker_index);
    json.Value("session", connection.session->id);
    json.Value("uid", connection.session->uid);
    const PublishedView view = connection.record->Read();
    json.Value("state", tcp::ConnectionStateName(
                            static_cast<tcp::ConnectionState>(view.state)));
    json.Value("bytes_sent", view.bytes_sent);
    json.Value("bytes_received", view.bytes_received);
    json.Value("unacked_bytes", view.snd_max - view.snd_una);
    json.Value("path_mtu_bytes", connection.image.snapshot.path.path_mtu_bytes);
    json.EndObject();
  });
  json.EndArray();
  json.EndObject();
  return json.text();
}

std::string ControlCore::StatsJson() const {
  JsonWriter json;
  json.BeginObject();
  json.BeginArray("workers");
  for (const WorkerLink* link : operations_.links()) {
    json.BeginObject();
    json.Value("index", link->worker_index());
    WriteCounters(*link, &json);
    json.EndObject();
  }
  json.EndArray();
  if (host_.read_numbers) {
    const PortNumbers numbers = host_.read_numbers();
    WritePort("wire_port", numbers.wire, &json);
    WritePort("host_port", numbers.host, &json);
  }
  WriteHandovers(stats_, &json);
  json.EndObject();
  return json.text();
}

}  // namespace chimney::daemon
