// SPDX-License-Identifier: BSD-3-Clause
// Whether two states of a connection are the same, and where they differ.
#ifndef CHIMNEY_TESTS_SUPPORT_STATE_COMPARISON_H_
#define CHIMNEY_TESTS_SUPPORT_STATE_COMPARISON_H_

#include <string>

#include "tcp/connection_state.h"

namespace chimney::testing {

// Names and values of the variables that differ, empty if none.
std::string Difference(const tcp::TcpState& a, const tcp::TcpState& b);

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_STATE_COMPARISON_H_
