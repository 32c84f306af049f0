// SPDX-License-Identifier: BSD-3-Clause
// The seals of session memory against a client that tries everything it can do
// with the two files (design D5).
#include "daemon/session_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace chimney::daemon {
namespace {

ring::SessionShape SmallShape() {
  ring::SessionShape shape;
  shape.worker_count = 1;
  shape.ring_entries = 64;
  shape.arena_bytes = 65536;
  shape.chunk_bytes = 2048;
  shape.chunks_per_lane = 16;
  shape.record_count = 8;
  return shape;
}

std::unique_ptr<SessionMemory> Make() {
  std::string error;
  auto memory = SessionMemory::Create(SmallShape(), ring::SessionIdentity{},
                                      /*huge=*/false, &error);
  EXPECT_NE(memory, nullptr) << error;
  return memory;
}

void* Map(int fd, uint64_t bytes, int protection) {
  return mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
}

TEST(SessionMemory, PublishedFileIsReadOnlyForTheClientFromTheStart) {
  const auto memory = Make();
  const int fd = memory->published_fd();
  const uint64_t bytes = memory->layout().published_bytes;
  EXPECT_EQ(Map(fd, bytes, PROT_READ | PROT_WRITE), MAP_FAILED);
  void* readable = Map(fd, bytes, PROT_READ);
  ASSERT_NE(readable, MAP_FAILED);
  EXPECT_NE(mprotect(readable, bytes, PROT_READ | PROT_WRITE), 0);
  const char byte = 1;
  EXPECT_LT(pwrite(fd, &byte, 1, 0), 0);
  munmap(readable, bytes);
}

TEST(SessionMemory, PagesGivenBackBeforeTheSealAreThereAgain) {
  const auto memory = Make();
  const int fd = memory->shared_fd();
  const auto bytes = static_cast<off_t>(memory->layout().shared_bytes);
  ASSERT_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, bytes),
            0);
  struct stat status {};
  ASSERT_EQ(fstat(fd, &status), 0);
  ASSERT_EQ(status.st_blocks, 0);
  std::string error;
  ASSERT_TRUE(memory->Seal(&error)) << error;
  ASSERT_EQ(fstat(fd, &status), 0);
  EXPECT_EQ(status.st_blocks * 512, bytes);
}

TEST(SessionMemory, ASealedClientCanTakeNoPageAway) {
  const auto memory = Make();
  const int fd = memory->shared_fd();
  const uint64_t bytes = memory->layout().shared_bytes;
  void* client = Map(fd, bytes, PROT_READ | PROT_WRITE);
  ASSERT_NE(client, MAP_FAILED);
  std::string error;
  ASSERT_TRUE(memory->Seal(&error)) << error;
  EXPECT_NE(ftruncate(fd, 0), 0);
  EXPECT_NE(ftruncate(fd, static_cast<off_t>(bytes) * 2), 0);
  EXPECT_NE(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                      static_cast<off_t>(bytes)),
            0);
  EXPECT_EQ(Map(fd, bytes, PROT_READ | PROT_WRITE), MAP_FAILED);
  EXPECT_NE(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
  // What was mapped before goes on working, on both sides.
  static_cast<char*>(client)[bytes - 1] = 42;
  EXPECT_EQ(memory->shared()[bytes - 1], 42);
  munmap(client, bytes);
}

TEST(SessionMemory, AClientThatForbidsFurtherSealsIsRefused) {
  const auto memory = Make();
  ASSERT_EQ(fcntl(memory->shared_fd(), F_ADD_SEALS, F_SEAL_SEAL), 0);
  std::string error;
  EXPECT_FALSE(memory->Seal(&error));
  EXPECT_FALSE(error.empty());
}

TEST(SessionMemory, OutlivesItsDescriptors) {
  const auto memory = Make();
  std::string error;
  ASSERT_TRUE(memory->Seal(&error)) << error;
  memory->CloseFiles();
  memory->shared()[memory->layout().shared_bytes - 1] = 1;
  memory->published()[memory->layout().published_bytes - 1] = 1;
}

TEST(SessionMemory, SaysWhyAShapeIsImpossible) {
  ring::SessionShape shape = SmallShape();
  shape.ring_entries = 63;
  std::string error;
  EXPECT_EQ(
      SessionMemory::Create(shape, ring::SessionIdentity{}, false, &error),
      nullptr);
  EXPECT_FALSE(error.empty());
}

}  // namespace
}  // namespace chimney::daemon
