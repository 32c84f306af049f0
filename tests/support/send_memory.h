// SPDX-License-Identifier: BSD-3-Clause
// The send memory of an application under test: records with bytes of their
// own, watched from the write to the completion.
#ifndef CHIMNEY_TESTS_SUPPORT_SEND_MEMORY_H_
#define CHIMNEY_TESTS_SUPPORT_SEND_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tcp/fragments.h"

namespace chimney::testing {

class SendMemory {
 public:
  SendMemory() = default;
  SendMemory(const SendMemory&) = delete;
  SendMemory& operator=(const SendMemory&) = delete;
  ~SendMemory();

  // A record over `bytes`, which stand at `offset` in the stream.
  tcp::SendRecord* Make(std::vector<uint8_t> bytes, uint64_t offset,
                        bool ends_nbl);
  // Stream offset behind the record's last byte.
  uint64_t EndOffset(const tcp::SendRecord* record) const;
  // The record is done with. If the wire still refers to it, it lives on until
  // the last ReleaseFromWire.
  void Retire(tcp::SendRecord* record);

  // A driver takes and drops a reference into the record's memory.
  void HoldOnWire(tcp::SendRecord* record) { ++record->io_refs; }
  void ReleaseFromWire(tcp::SendRecord* record);

  size_t live() const { return owned_.size(); }

 private:
  struct Owned {
    std::vector<uint8_t> bytes;
    uint64_t end_offset = 0;
    bool retired = false;
    std::unique_ptr<tcp::SendRecord> record;
  };

  uint64_t next_nbl_id_ = 1;
  std::map<const tcp::SendRecord*, Owned> owned_;
};

}  // namespace chimney::testing

#endif  // CHIMNEY_TESTS_SUPPORT_SEND_MEMORY_H_
