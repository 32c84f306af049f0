// SPDX-License-Identifier: BSD-3-Clause
// Which scripts a kernel can be asked, by what is in them.
#ifndef CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_APPLICABLE_H_
#define CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_APPLICABLE_H_

#include <string>

#include "base/time.h"
#include "tests/script/script.h"

namespace chimney::differential {

// Empty, or why a kernel cannot be asked.
std::string NotForKernels(const script::Script& script);

// How long it takes in real time.
Duration RunningTime(const script::Script& script);

// The script without what says nothing about a kernel: conditions over numbers
// that it does not show; and PSH, which a sender sets as it likes (RFC 9293
// section 3.9.1.2): Linux at the end of a call and every half window, the
// engine where the send queue ends.
script::Script AsAskedOfKernels(script::Script script);

}  // namespace chimney::differential

#endif  // CHIMNEY_TESTS_INTEGRATION_DIFFERENTIAL_APPLICABLE_H_
