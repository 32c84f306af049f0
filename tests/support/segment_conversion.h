// SPDX-License-Identifier: BSD-3-Clause
// Segments of the engine from and to segments of the tests' wire.
#ifndef CHIMNEY_TESTS_SUPPORT_SEGMENT_CONVERSION_H_
#define CHIMNEY_TESTS_SUPPORT_SEGMENT_CONVERSION_H_

#include "packet/segment.h"
#include "tcp/engine.h"
#include "tests/support/wire_segment.h"

namespace chimney::testing {

WireSegment FromEngine(const tcp::OutSegment& segment);

// The payload points into `segment`.
packet::Segment ToEngine(const WireSegment& segment);

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_SEGMENT_CONVERSION_H_
