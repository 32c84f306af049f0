// SPDX-License-Identifier: BSD-3-Clause
// Runs a fuzz target over files and folders of files, for compilers that have
// no libFuzzer: the corpus is a test everywhere.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

bool Replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  const std::vector<char> contents((std::istreambuf_iterator<char>(file)),
                                   std::istreambuf_iterator<char>());
  // A buffer of exactly the input's size, so that the address sanitizer sees a
  // read past its end.
  const auto exact = std::make_unique<uint8_t[]>(contents.size());
  std::copy(contents.begin(), contents.end(), exact.get());
  LLVMFuzzerTestOneInput(exact.get(), contents.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  int inputs = 0;
  for (int i = 1; i < argc; ++i) {
    const std::filesystem::path path(argv[i]);
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
      if (!Replay(path)) return 1;
      ++inputs;
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (!Replay(entry.path())) return 1;
      ++inputs;
    }
  }
  std::printf("%d inputs replayed\n", inputs);
  return inputs == 0 ? 1 : 0;
}
