// SPDX-License-Identifier: BSD-3-Clause
// integration_stream: writes a seeded stream to standard output, or compares
// standard input with one. Its verdict goes to standard error as JSON.
#include <gflags/gflags.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "seeded_stream.h"
#include "sha256.h"

DEFINE_int64(bytes, -1, "length of the stream; -1: compare any length");
DEFINE_uint64(seed, 1, "seed of the stream");

namespace {

using chimney::MutableByteSpan;
using chimney::roundtrip::SeededStream;
using chimney::roundtrip::Sha256;

constexpr size_t kChunkBytes = 256 << 10;

int Report(uint64_t bytes, Sha256* hash, const std::string& error) {
  fprintf(stderr, "{\"bytes\": %llu, \"sha256\": \"%s\", \"error\": \"%s\"}\n",
          static_cast<unsigned long long>(bytes), hash->Finish().c_str(),
          error.c_str());
  return error.empty() ? 0 : 1;
}

int Write(const SeededStream& stream) {
  std::vector<uint8_t> chunk(kChunkBytes);
  Sha256 hash;
  uint64_t done = 0;
  const auto wanted = static_cast<uint64_t>(FLAGS_bytes);
  while (done < wanted) {
    MutableByteSpan bytes(chunk.data(),
                          std::min<uint64_t>(wanted - done, kChunkBytes));
    stream.Fill(done, bytes);
    hash.Add(bytes);
    while (!bytes.empty()) {
      const ssize_t count = write(STDOUT_FILENO, bytes.data(), bytes.size());
      if (count < 0) {
        return Report(done, &hash, std::string("write: ") + strerror(errno));
      }
      bytes = bytes.subspan(static_cast<size_t>(count));
      done += static_cast<uint64_t>(count);
    }
  }
  return Report(done, &hash, "");
}

int Compare(const SeededStream& stream) {
  std::vector<uint8_t> chunk(kChunkBytes);
  Sha256 hash;
  uint64_t done = 0;
  std::string error;
  for (;;) {
    const ssize_t count = read(STDIN_FILENO, chunk.data(), chunk.size());
    if (count < 0) error = std::string("read: ") + strerror(errno);
    if (count <= 0) break;
    const MutableByteSpan bytes(chunk.data(), static_cast<size_t>(count));
    hash.Add(bytes);
    if (error.empty()) error = stream.Check(done, bytes).value_or("");
    done += bytes.size();
  }
  if (error.empty() && FLAGS_bytes >= 0 &&
      done != static_cast<uint64_t>(FLAGS_bytes)) {
    error = "ended after " + std::to_string(done) + " bytes instead of " +
            std::to_string(FLAGS_bytes);
  }
  return Report(done, &hash, error);
}

}  // namespace

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  const std::string verb = argc == 2 ? argv[1] : "";
  const SeededStream stream(FLAGS_seed);
  if (verb == "write" && FLAGS_bytes >= 0) return Write(stream);
  if (verb == "compare") return Compare(stream);
  fprintf(stderr,
          "usage: integration_stream write|compare --bytes=N --seed=S\n");
  return 2;
}
