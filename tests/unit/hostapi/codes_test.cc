// SPDX-License-Identifier: BSD-3-Clause
// The public codes against the lists the daemon uses: values must agree, and
// every value the daemon can send must have a text.
#include "chimney/codes.h"

#include <gtest/gtest.h>

#include <string>

#include "chimney/chimney.h"
#include "offload/status.h"

namespace {

TEST(Codes, EveryStatusOfTheContractHasAText) {
#define CHIMNEY_STATUS(symbol, value, text) \
  EXPECT_STRNE(chimney_status_text(value), "unknown") << #symbol;
#include "offload/status.def"
#undef CHIMNEY_STATUS
}

TEST(Codes, StatusesTheLibraryActsOnHaveTheContractsValues) {
  using chimney::offload::Status;
  EXPECT_EQ(static_cast<int>(Status::kSuccess), CHIMNEY_STATUS_SUCCESS);
  EXPECT_EQ(static_cast<int>(Status::kFailure), CHIMNEY_STATUS_FAILURE);
  EXPECT_EQ(static_cast<int>(Status::kUploadInProgress),
            CHIMNEY_STATUS_UPLOAD_IN_PROGRESS);
  EXPECT_EQ(static_cast<int>(Status::kRequestAborted),
            CHIMNEY_STATUS_REQUEST_ABORTED);
  EXPECT_EQ(static_cast<int>(Status::kInvalidState),
            CHIMNEY_STATUS_INVALID_STATE);
  EXPECT_EQ(static_cast<int>(Status::kPaused), CHIMNEY_STATUS_PAUSED);
  EXPECT_EQ(static_cast<int>(Status::kMovedToKernel),
            CHIMNEY_STATUS_MOVED_TO_KERNEL);
  EXPECT_EQ(static_cast<int>(Status::kConnectionRejected),
            CHIMNEY_STATUS_CONNECTION_REJECTED);
}

TEST(Codes, EveryKernelErrorHasAText) {
#define CHIMNEY_KERNEL_ERROR(symbol, value, text) \
  EXPECT_STRNE(chimney_refusal_text(value), "unknown") << #symbol;
#include "kernel/kernel_error.def"
#undef CHIMNEY_KERNEL_ERROR
}

TEST(Codes, RefusalsHaveTheKernelRoomsValues) {
  enum KernelError {
#define CHIMNEY_KERNEL_ERROR(symbol, value, text) symbol = (value),
#include "kernel/kernel_error.def"
#undef CHIMNEY_KERNEL_ERROR
  };
  EXPECT_EQ(int{kNotSocket}, CHIMNEY_REFUSAL_NOT_SOCKET);
  EXPECT_EQ(int{kMptcp}, CHIMNEY_REFUSAL_MPTCP);
  EXPECT_EQ(int{kNat}, CHIMNEY_REFUSAL_NAT);
  EXPECT_EQ(int{kFastOpen}, CHIMNEY_REFUSAL_FAST_OPEN);
  EXPECT_EQ(int{kPaused}, CHIMNEY_REFUSAL_PAUSED);
  EXPECT_EQ(int{kQuota}, CHIMNEY_REFUSAL_QUOTA);
  EXPECT_EQ(int{kNetlink}, CHIMNEY_REFUSAL_NETLINK);
  EXPECT_EQ(int{kPortPermission}, CHIMNEY_REFUSAL_PORT_PERMISSION);
  EXPECT_EQ(int{kNotDisconnected}, CHIMNEY_REFUSAL_NOT_DISCONNECTED);
}

TEST(Codes, EveryUploadReasonHasAText) {
#define CHIMNEY_UPLOAD_REASON(symbol, value, mandatory, text) \
  EXPECT_STRNE(chimney_reason_text(value), "unknown") << #symbol;
#include "offload/upload_reason.def"
#undef CHIMNEY_UPLOAD_REASON
}

// R179: the library takes these for the end of a flow.
TEST(Codes, MandatoryReasonsAreTheFirstFive) {
#define CHIMNEY_UPLOAD_REASON(symbol, value, mandatory, text) \
  EXPECT_EQ((value) >= CHIMNEY_REASON_HARDWARE_FAILURE &&     \
                (value) <= CHIMNEY_REASON_UPLOAD_REQUESTED,   \
            mandatory)                                        \
      << #symbol;
#include "offload/upload_reason.def"
#undef CHIMNEY_UPLOAD_REASON
}

TEST(Codes, EveryResultHasAText) {
  for (int result = CHIMNEY_OK; result >= CHIMNEY_E_FAILED; --result) {
    EXPECT_STRNE(chimney_strerror(result), "unknown") << result;
  }
}

TEST(Codes, AnyValueIsSafe) {
  EXPECT_STREQ(chimney_strerror(-1000), "unknown");
  EXPECT_STREQ(chimney_strerror(INT32_MIN), "unknown");
  EXPECT_STREQ(chimney_strerror(5), "success");
  EXPECT_STREQ(chimney_status_text(UINT32_MAX), "unknown");
  EXPECT_STREQ(chimney_refusal_text(UINT32_MAX), "unknown");
  EXPECT_STREQ(chimney_reason_text(UINT32_MAX), "unknown");
  EXPECT_STREQ(chimney_conn_state_text(0), "unknown");
}

}  // namespace
