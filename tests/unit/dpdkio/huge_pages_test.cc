// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/huge_pages.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace chimney::dpdkio {
namespace {

constexpr uint64_t kMebibyte = 1u << 20;

// A folder like the kernel's, removed at the end.
class FakeSysfs {
 public:
  FakeSysfs() {
    std::string pattern = testing::TempDir() + "hugeXXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~FakeSysfs() { std::filesystem::remove_all(path_); }
  FakeSysfs(const FakeSysfs&) = delete;
  FakeSysfs& operator=(const FakeSysfs&) = delete;
  void Add(const std::string& size, int free_pages) const {
    const std::filesystem::path folder = path_ / ("hugepages-" + size);
    std::filesystem::create_directory(folder);
    std::ofstream(folder / "free_hugepages") << free_pages << "\n";
  }
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(HugePages, TheSizeWithMostBytesFreeCounts) {
  const FakeSysfs sysfs;
  sysfs.Add("2048kB", 100);
  sysfs.Add("1048576kB", 0);
  EXPECT_EQ(FreeHugePageBytes(sysfs.path()), 200 * kMebibyte);
  sysfs.Add("1048576kB", 1);
  EXPECT_EQ(FreeHugePageBytes(sysfs.path()), 1024 * kMebibyte);
}

TEST(HugePages, NoneWhereTheKernelHasNone) {
  EXPECT_EQ(FreeHugePageBytes("/nonexistent"), 0u);
}

TEST(AvailableMemory, IsTheKernelsEstimate) {
  const FakeSysfs folder;
  const std::string file = folder.path() + "/meminfo";
  std::ofstream(file) << "MemTotal:  24685000 kB\nMemFree:  100 kB\n"
                         "MemAvailable:  2048 kB\nBuffers:  7 kB\n";
  EXPECT_EQ(AvailableMemoryBytes(file), 2 * kMebibyte);
  EXPECT_GT(AvailableMemoryBytes("/nonexistent"), uint64_t{1} << 60);
}

TEST(HugePages, AutoTakesThemWhereEnoughAreFree) {
  bool use = false;
  std::string error;
  EXPECT_TRUE(DecideHugePages(HugePages::kAuto, 100, 100, &use, &error));
  EXPECT_TRUE(use);
  EXPECT_TRUE(DecideHugePages(HugePages::kAuto, 100, 99, &use, &error));
  EXPECT_FALSE(use);
}

TEST(HugePages, OffNeverTakesThem) {
  bool use = true;
  std::string error;
  EXPECT_TRUE(DecideHugePages(HugePages::kOff, 1, 100, &use, &error));
  EXPECT_FALSE(use);
}

TEST(HugePages, OnSaysHowMuchIsMissing) {
  bool use = true;
  std::string error;
  EXPECT_FALSE(DecideHugePages(HugePages::kOn, 100 * kMebibyte, 3 * kMebibyte,
                               &use, &error));
  EXPECT_NE(error.find("100 MiB needed, 3 MiB free"), std::string::npos);
}

}  // namespace
}  // namespace chimney::dpdkio
