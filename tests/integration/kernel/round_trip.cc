// SPDX-License-Identifier: BSD-3-Clause
#include "round_trip.h"

namespace chimney::kernel {

namespace {

std::string Text(const char* step, const KernelError& error) {
  return std::string(step) + ": " + error.ToString();
}

HostLimits Limits() {
  HostLimits limits;
  const KernelError error = ReadHostLimits(&limits);
  return error.ok() ? limits : HostLimits{};
}

}  // namespace

std::string TakeAway(int fd, SocketImage* image) {
  KernelError error = Freeze(fd, Limits(), image);
  if (!error.ok()) return Text("freeze", error);
  error = MakePlaceholder(fd, *image);
  return error.ok() ? "" : Text("placeholder", error);
}

std::string GiveBack(int fd, FrameTap& tap, SocketImage* image) {
  KernelError error = Restore(fd, image);
  if (!error.ok()) return Text("restore", error);
  KernelError leftover;
  error = Thaw(fd, *image, &leftover);
  if (error.ok()) error = leftover;
  if (!error.ok()) return Text("thaw", error);
  const InjectPlan plan = PlanInjection(*image);
  for (size_t i = 0; i < plan.count; ++i) tap.Inject(*image, plan.segments[i]);
  UploadProgress progress;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    error = CompleteUpload(fd, *image, true, &progress);
    if (error.code != KernelErrorCode::kNotYet) break;
    SleepMs(1);
  }
  return error.ok() ? "" : Text("complete", error);
}

std::string RoundTrip(int fd, FrameTap& tap, SocketImage* image) {
  const std::string away = TakeAway(fd, image);
  return away.empty() ? GiveBack(fd, tap, image) : away;
}

}  // namespace chimney::kernel
