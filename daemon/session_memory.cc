// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/session_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace chimney::daemon {
namespace {

constexpr uint64_t kHugePageBytes = 2u << 20;
constexpr uint64_t kSmallPageBytes = 4096;

std::string Explain(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

}  // namespace

std::unique_ptr<SessionMemory> SessionMemory::Create(
    const ring::SessionShape& shape, const ring::SessionIdentity& identity,
    bool huge, std::string* error) {
  for (const bool try_huge : {true, false}) {
    if (try_huge && !huge) continue;
    auto memory = std::unique_ptr<SessionMemory>(new SessionMemory());
    ring::SessionShape paged = shape;
    paged.page_bytes = try_huge ? kHugePageBytes : kSmallPageBytes;
    const ring::LayoutVerdict verdict =
        ring::ComputeSessionLayout(paged, &memory->layout_);
    if (verdict != ring::LayoutVerdict::kOk) {
      *error = ring::LayoutVerdictText(verdict);
      return nullptr;
    }
    const ring::SessionLayout& layout = memory->layout_;
    if (!Open("chimney-shared", layout.shared_bytes, try_huge, &memory->shared_,
              error) ||
        !Open("chimney-published", layout.published_bytes, try_huge,
              &memory->published_, error)) {
      continue;
    }
    ring::FormatSession(layout, identity, memory->shared_.base,
                        memory->published_.base);
    // Nobody but the daemon will ever write the published file.
    if (fcntl(memory->published_.fd.get(), F_ADD_SEALS,
              F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE |
                  F_SEAL_SEAL) != 0 ||
        fcntl(memory->shared_.fd.get(), F_ADD_SEALS,
              F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
      *error = Explain("sealing session memory");
      return nullptr;
    }
    return memory;
  }
  return nullptr;
}

bool SessionMemory::Open(const char* name, uint64_t bytes, bool huge,
                         File* file, std::string* error) {
  const unsigned flags =
      MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge ? MFD_HUGETLB : 0u);
  file->fd = UniqueFd(memfd_create(name, flags));
  if (!file->fd.valid()) {
    *error = Explain("creating session memory");
    return false;
  }
  // fallocate, since a page that cannot be had must be an error here and not a
  // SIGBUS later.
  if (ftruncate(file->fd.get(), static_cast<off_t>(bytes)) != 0 ||
      fallocate(file->fd.get(), 0, 0, static_cast<off_t>(bytes)) != 0) {
    *error = Explain("reserving session memory");
    return false;
  }
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_POPULATE, file->fd.get(), 0);
  if (base == MAP_FAILED) {
    *error = Explain("mapping session memory");
    return false;
  }
  file->base = static_cast<uint8_t*>(base);
  file->bytes = bytes;
  return true;
}

bool SessionMemory::Seal(std::string* error) {
  constexpr int kWanted =
      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
  fcntl(shared_.fd.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
  for (const File* file : {&shared_, &published_}) {
    const int seals = fcntl(file->fd.get(), F_GET_SEALS);
    if (seals < 0 || (seals & kWanted) != kWanted) {
      *error = "session memory could not be sealed";
      return false;
    }
  }
  // Until now the session could give pages back. Where none is left to take
  // their place (of hugepages there are few), touching them would be SIGBUS.
  if (fallocate(shared_.fd.get(), 0, 0, static_cast<off_t>(shared_.bytes)) !=
      0) {
    *error = Explain("reserving session memory again");
    return false;
  }
  return true;
}

void SessionMemory::CloseFiles() {
  shared_.fd.Reset();
  published_.fd.Reset();
}

SessionMemory::~SessionMemory() {
  for (File* file : {&shared_, &published_}) {
    if (file->base != nullptr) munmap(file->base, file->bytes);
  }
}

}  // namespace chimney::daemon
