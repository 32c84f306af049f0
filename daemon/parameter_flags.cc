// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/parameter_flags.h"

#include <gflags/gflags.h>

#define CHIMNEY_PARAMETER_DURATION(field, lowest, highest, text) \
  DEFINE_int64(field##_ms, -1, text ", ms; -1 = the profile's");
#define CHIMNEY_PARAMETER_NUMBER(field, lowest, highest, text) \
  DEFINE_int64(field, -1, text "; -1 = the profile's");
#include "daemon/parameter_flags.def"
#undef CHIMNEY_PARAMETER_DURATION
#undef CHIMNEY_PARAMETER_NUMBER

namespace chimney::daemon {

namespace {

constexpr int64_t kUnset = -1;

// Whether the flag overrides; clears `*ok` and says why if it must not.
bool IsOverridden(const char* name, int64_t value, int64_t lowest,
                  int64_t highest, bool* ok, std::string* error) {
  if (value == kUnset || !*ok) return false;
  if (value >= lowest && value <= highest) return true;
  *ok = false;
  *error = std::string("--") + name + ": " + std::to_string(value) +
           " is not between " + std::to_string(lowest) + " and " +
           std::to_string(highest);
  return false;
}

}  // namespace

bool ReadParameterFlags(Profile profile, tcp::Parameters* parameters,
                        std::string* error) {
  tcp::Parameters& p = *parameters;
  p = profile == Profile::kChimney ? tcp::ChimneyProfile()
                                   : tcp::LinuxProfile();
  bool ok = true;
#define CHIMNEY_PARAMETER_DURATION(field, lowest, highest, text)           \
  if (IsOverridden(#field "_ms", FLAGS_##field##_ms, lowest, highest, &ok, \
                   error)) {                                               \
    p.field = Duration::Millis(FLAGS_##field##_ms);                        \
  }
#define CHIMNEY_PARAMETER_NUMBER(field, lowest, highest, text)            \
  if (IsOverridden(#field, FLAGS_##field, lowest, highest, &ok, error)) { \
    p.field = static_cast<decltype(p.field)>(FLAGS_##field);              \
  }
#include "daemon/parameter_flags.def"
#undef CHIMNEY_PARAMETER_DURATION
#undef CHIMNEY_PARAMETER_NUMBER
  if (ok && p.rto_min > p.rto_max) {
    *error = "--rto_min_ms: is above --rto_max_ms";
    ok = false;
  }
  return ok;
}

std::string ParametersText(const tcp::Parameters& p) {
  std::string out;
  const auto line = [&out](const char* name, int64_t value) {
    out += std::string(name) + " = " + std::to_string(value) + "\n";
  };
#define CHIMNEY_PARAMETER_DURATION(field, lowest, highest, text) \
  line(#field "_ms", p.field.millis());
#define CHIMNEY_PARAMETER_NUMBER(field, lowest, highest, text) \
  line(#field, static_cast<int64_t>(p.field));
#include "daemon/parameter_flags.def"
#undef CHIMNEY_PARAMETER_DURATION
#undef CHIMNEY_PARAMETER_NUMBER
  return out;
}

}  // namespace chimney::daemon
