// SPDX-License-Identifier: BSD-3-Clause
#include "offload/status.h"

namespace chimney::offload {

const char* StatusText(Status status) {
  switch (status) {
#define CHIMNEY_STATUS(symbol, value, text) \
  case Status::symbol:                      \
    return text;
#include "offload/status.def"
#undef CHIMNEY_STATUS
  }
  return "unknown status";
}

const char* UploadReasonText(UploadReason reason) {
  switch (reason) {
#define CHIMNEY_UPLOAD_REASON(symbol, value, mandatory, text) \
  case UploadReason::symbol:                                  \
    return text;
#include "offload/upload_reason.def"
#undef CHIMNEY_UPLOAD_REASON
  }
  return "unknown reason";
}

bool IsMandatory(UploadReason reason) {
  switch (reason) {
#define CHIMNEY_UPLOAD_REASON(symbol, value, mandatory, text) \
  case UploadReason::symbol:                                  \
    return mandatory;
#include "offload/upload_reason.def"
#undef CHIMNEY_UPLOAD_REASON
  }
  return false;
}

}  // namespace chimney::offload
