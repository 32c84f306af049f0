// SPDX-License-Identifier: BSD-3-Clause
// Leads DPDK's log lines to a sink.
#ifndef CHIMNEY_DPDKIO_EAL_LOG_H_
#define CHIMNEY_DPDKIO_EAL_LOG_H_

#include "dpdkio/eal.h"

namespace chimney::dpdkio {

// From now on until the process ends; nullptr silences DPDK.
void RouteEalLog(LogSink sink);

}  // namespace chimney::dpdkio

#endif  // CHIMNEY_DPDKIO_EAL_LOG_H_
