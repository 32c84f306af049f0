// SPDX-License-Identifier: BSD-3-Clause
// Starts DPDK once for all tests of this program: no hugepages, no devices but
// a null port, on whatever CPU the process may use.
#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/cpu_list.h"
#include "dpdkio/eal.h"

namespace {

// Complaints only: they explain a failed test.
void PrintComplaint(uint32_t level, std::string_view line) {
  constexpr uint32_t kError = 4;  // RTE_LOG_ERR
  if (level <= kError) std::cerr << "dpdk: " << line << "\n";
}

class DpdkEnvironment final : public testing::Environment {
 public:
  void SetUp() override {
    chimney::dpdkio::EalOptions options;
    options.devices = {"net_null0"};
    options.memory_bytes = 64u << 20;
    options.main_core = chimney::daemon::AllowedCpus().front();
    options.log = PrintComplaint;
    std::string error;
    eal_ = chimney::dpdkio::Eal::Start(options, &error);
    ASSERT_NE(eal_, nullptr) << error;
  }
  void TearDown() override { eal_.reset(); }

 private:
  std::unique_ptr<chimney::dpdkio::Eal> eal_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new DpdkEnvironment);
  return RUN_ALL_TESTS();
}
