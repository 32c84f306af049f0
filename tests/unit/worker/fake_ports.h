// SPDX-License-Identifier: BSD-3-Clause
// The ports of a worker over vectors. Every frame handed in is accounted for:
// forwarded, freed or held, never twice.
#ifndef CHIMNEY_TESTS_UNIT_WORKER_FAKE_PORTS_H_
#define CHIMNEY_TESTS_UNIT_WORKER_FAKE_PORTS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <vector>

#include "worker/frame.h"
#include "worker/operation.h"
#include "worker/session_port.h"

namespace chimney::worker {

using Bytes = std::vector<uint8_t>;

class FakeFramePort : public FramePort {
 public:
  size_t TransmitRoom(Side side) const override {
    return side == Side::kWire ? wire_room : host_room;
  }
  bool Transmit(Side side, const OutFrame& frame) override {
    size_t& room = side == Side::kWire ? wire_room : host_room;
    if (room == 0) return false;
    --room;
    if (on_transmit) on_transmit(side);
    Bytes bytes(frame.headers.begin(), frame.headers.end());
    for (size_t i = 0; i < frame.piece_count; ++i) {
      const ByteSpan piece = frame.pieces[i].bytes;
      bytes.insert(bytes.end(), piece.begin(), piece.end());
      if (zero_copy && frame.pieces[i].record != nullptr) {
        ++frame.pieces[i].record->io_refs;
        in_driver.push_back(frame.pieces[i].record);
      }
    }
    Sent(side).push_back(std::move(bytes));
    return true;
  }
  void ForwardHeld(Side to, void* handle) override {
    Sent(to).push_back(Take(handle));
  }
  void FreeHeld(void* handle) override { Take(handle); }
  bool ChecksumByPort() const override { return false; }

  // Takes in a frame the test received; the worker sees it by this handle.
  Frame Receive(Bytes bytes) {
    auto* handle = reinterpret_cast<void*>(++last_handle_);
    Bytes& stored = frames_[handle] = std::move(bytes);
    Frame frame;
    frame.bytes = stored;
    frame.handle = handle;
    return frame;
  }
  void Settle(Side from, const Frame& frame, Disposition disposition) {
    if (disposition == Disposition::kHeld) return;
    Bytes bytes = Take(frame.handle);
    if (disposition != Disposition::kForward) return;
    Sent(from == Side::kWire ? Side::kHost : Side::kWire)
        .push_back(std::move(bytes));
  }
  // The driver is done with all send memory.
  void CleanUpDriver() {
    for (tcp::SendRecord* record : in_driver) --record->io_refs;
    in_driver.clear();
  }
  size_t held() const { return frames_.size(); }

  std::vector<Bytes> to_host;
  std::vector<Bytes> to_wire;
  size_t wire_room = 1000;
  size_t host_room = 1000;
  bool zero_copy = false;
  std::vector<tcp::SendRecord*> in_driver;
  std::function<void(Side)> on_transmit;

 private:
  std::vector<Bytes>& Sent(Side side) {
    return side == Side::kWire ? to_wire : to_host;
  }
  Bytes Take(void* handle) {
    const auto found = frames_.find(handle);
    if (found == frames_.end()) {
      ADD_FAILURE() << "frame given back twice";
      return {};
    }
    Bytes bytes = std::move(found->second);
    frames_.erase(found);
    return bytes;
  }

  std::map<void*, Bytes> frames_;
  uintptr_t last_handle_ = 0;
};

class FakeSessionPort : public SessionPort {
 public:
  FakeSessionPort(uint32_t chunk_bytes, uint32_t chunk_count)
      : memory_(size_t{chunk_bytes} * chunk_count),
        chunks_(memory_.data(), chunk_bytes, chunk_count) {}

  size_t Room() const override { return room; }
  void Push(const Notice& notice) override {
    ASSERT_GT(room, 0u) << "pushed into a full ring";
    --room;
    notices.push_back(notice);
  }
  void Ring() override { ++rings; }
  ChunkPool* chunks() override { return &chunks_; }
  void SetUntold(uint32_t flows) override { untold = flows; }

  std::vector<Notice> OfKind(Notice::Kind kind) const {
    std::vector<Notice> found;
    std::copy_if(notices.begin(), notices.end(), std::back_inserter(found),
                 [kind](const Notice& n) { return n.kind == kind; });
    return found;
  }
  Bytes Lent(const Notice& notice) const {
    const uint8_t* from = chunks_.Data(notice.chunk) + notice.offset_in_chunk;
    return Bytes(from, from + notice.bytes);
  }

  size_t room = 1000;
  int rings = 0;
  uint32_t untold = 0;
  std::vector<Notice> notices;

 private:
  std::vector<uint8_t> memory_;
  ChunkPool chunks_;
};

class FakeControlPort : public ControlPort {
 public:
  void Complete(Operation* operation) override {
    EXPECT_EQ(std::count(completed.begin(), completed.end(), operation), 0)
        << "completed twice";
    completed.push_back(operation);
  }
  bool Notify(const ControlNotice& notice) override {
    if (room == 0) return false;
    --room;
    notices.push_back(notice);
    return true;
  }
  bool IsDone(const Operation& operation) const {
    return std::find(completed.begin(), completed.end(), &operation) !=
           completed.end();
  }

  size_t room = 1000;
  std::vector<Operation*> completed;
  std::vector<ControlNotice> notices;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_TESTS_UNIT_WORKER_FAKE_PORTS_H_
