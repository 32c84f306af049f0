// SPDX-License-Identifier: BSD-3-Clause
// Completion statuses and upload reasons of the contract (spec section 5).
#ifndef CHIMNEY_OFFLOAD_STATUS_H_
#define CHIMNEY_OFFLOAD_STATUS_H_

#include <cstdint>

namespace chimney::offload {

enum class Status : uint8_t {
#define CHIMNEY_STATUS(symbol, value, text) symbol = value,
#include "offload/status.def"
#undef CHIMNEY_STATUS
};

// Why the target asks for an upload (R178). Mandatory reasons stop the
// connection (R179), the others leave it running (R180).
enum class UploadReason : uint8_t {
#define CHIMNEY_UPLOAD_REASON(symbol, value, mandatory, text) symbol = value,
#include "offload/upload_reason.def"
#undef CHIMNEY_UPLOAD_REASON
};

// English text for people; never null.
const char* StatusText(Status status);
const char* UploadReasonText(UploadReason reason);
bool IsMandatory(UploadReason reason);

}  // namespace chimney::offload

#endif  // CHIMNEY_OFFLOAD_STATUS_H_
