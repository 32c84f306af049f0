// SPDX-License-Identifier: BSD-3-Clause
// chimneyctl: looks at a daemon and steers it (design section 5).
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "chimney/chimney.hpp"
#include "hostapi/tools/ctl_options.h"
#include "hostapi/tools/json_table.h"
#include "hostapi/tools/json_value.h"

namespace {

using namespace chimney::tools;
using chimney::hostapi::Session;

enum ExitStatus { kDone = 0, kFailed = 1, kUsage = 2, kNoDaemon = 3 };

constexpr int kQueryMs = 10 * 1000;
// Thousands of connections may have to move.
constexpr int kUploadAllMs = 120 * 1000;

void Complain(const std::string& text) {
  std::fprintf(stderr, "chimneyctl: %s\n", text.c_str());
}

void Print(const std::string& text) { std::fputs(text.c_str(), stdout); }

// Says what a failed call means for this command.
ExitStatus Explain(const CtlOptions& options, int result) {
  switch (result) {
    case CHIMNEY_OK:
      return kDone;
    case CHIMNEY_E_NOT_FOUND:
      Complain("there is no connection " + std::to_string(options.id) +
               " that you may manage; see chimneyctl connections");
      return kFailed;
    case CHIMNEY_E_REFUSED:
      Complain(
          "chimneyd refused: only root and the user it runs as may do this, "
          "and not while it is stopping");
      return kFailed;
    case CHIMNEY_E_SYSTEM:
      Complain(std::strerror(errno));
      return kFailed;
    case CHIMNEY_E_DAEMON_GONE:
      Complain("chimneyd ended while it was asked");
      return kNoDaemon;
    default:
      Complain(chimney_strerror(result));
      return kFailed;
  }
}

ExitStatus Show(Session* session, const CtlOptions& options,
                chimney_topic topic) {
  std::string json;
  const int result = session->StatusJson(topic, &json, kQueryMs);
  if (result != CHIMNEY_OK) return Explain(options, result);
  if (options.json) {
    Print(json + "\n");
    return kDone;
  }
  const std::optional<JsonValue> value = ParseJson(json);
  if (!value) {
    Complain("the answer is not JSON; --json shows it as it is");
    return kFailed;
  }
  TableOptions tables;
  tables.hide_zeros = topic == CHIMNEY_TOPIC_STATS && !options.all;
  Print(RenderForPeople(*value, tables));
  return kDone;
}

// Prints the outcome of a command that changes something.
ExitStatus Report(const CtlOptions& options, int result,
                  const std::string& json, const std::string& words) {
  if (result != CHIMNEY_OK) return Explain(options, result);
  Print((options.json ? json : words) + "\n");
  return kDone;
}

ExitStatus UploadAll(Session* session, const CtlOptions& options) {
  uint64_t count = 0;
  const int result = session->UploadAll(&count, kUploadAllMs);
  const std::string number = std::to_string(count);
  if (result == CHIMNEY_E_FAILED && count > 0) {
    Complain(number + (count == 1 ? " connection" : " connections") +
             " could not go back yet, and the daemon goes on trying: its log "
             "says why, chimneyctl connections which; offloading is paused "
             "until chimneyctl resume");
    return kFailed;
  }
  return Report(options, result, "{\"connections\":" + number + "}",
                number + (count == 1 ? " connection is" : " connections are") +
                    " back in the kernel; offloading is paused until "
                    "chimneyctl resume");
}

ExitStatus Run(Session* session, const CtlOptions& options) {
  switch (options.command) {
    case CtlCommand::kStatus:
      return Show(session, options, CHIMNEY_TOPIC_STATUS);
    case CtlCommand::kConnections:
      return Show(session, options, CHIMNEY_TOPIC_CONNECTIONS);
    case CtlCommand::kStats:
      return Show(session, options, CHIMNEY_TOPIC_STATS);
    case CtlCommand::kUploadAll:
      return UploadAll(session, options);
    case CtlCommand::kPause:
      return Report(options, session->Pause(kQueryMs), "{\"paused\":true}",
                    "offloading is paused");
    case CtlCommand::kResume:
      return Report(options, session->Resume(kQueryMs), "{\"paused\":false}",
                    "offloading goes on");
    case CtlCommand::kTerminate:
      return Report(options, session->Terminate(options.id, kQueryMs),
                    "{\"id\":" + std::to_string(options.id) + "}",
                    "connection " + std::to_string(options.id) +
                        " is going back to the kernel");
    case CtlCommand::kHelp:
      break;
  }
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  CtlOptions options;
  std::string error;
  if (!ParseCtlOptions(argc, argv, &options, &error)) {
    Complain(error + "; see chimneyctl --help");
    return kUsage;
  }
  if (options.command == CtlCommand::kHelp) {
    Print(kCtlUsage);
    return kDone;
  }
  chimney::hostapi::Options wishes = chimney::hostapi::DefaultOptions();
  wishes.flags = CHIMNEY_SESSION_MANAGEMENT;
  wishes.name = "chimneyctl";
  if (!options.socket_path.empty()) {
    wishes.socket_path = options.socket_path.c_str();
  }
  Session session;
  const int opened = Session::Open(wishes, &session, &error);
  if (opened != CHIMNEY_OK) {
    Complain(error);
    return opened == CHIMNEY_E_NO_DAEMON || opened == CHIMNEY_E_DAEMON_GONE
               ? kNoDaemon
               : kFailed;
  }
  return Run(&session, options);
}
