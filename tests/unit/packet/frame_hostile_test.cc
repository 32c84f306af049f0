// SPDX-License-Identifier: BSD-3-Clause
// What a stranger may send: frames cut at every length and frames with random
// damage. Each is copied into a buffer of exactly its size, so that a read past
// the end is caught by the address sanitizer.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "base/random.h"
#include "packet/frame_view.h"
#include "packet/icmp.h"
#include "tests/unit/packet/frames.h"

namespace chimney::packet {
namespace {

using frames::Frame;

constexpr ParseOptions kTrustAll = {.ip_checksum_trusted = true,
                                    .l4_checksum_trusted = true};

std::vector<Frame> AllFrames() {
  std::vector<Frame> all = {frames::Ipv4Data(),
                            frames::Ipv6Data(),
                            frames::Ipv4PaddedAck(),
                            frames::Ipv4RouterAlert(),
                            frames::Ipv4FirstFragment(),
                            frames::Ipv4LaterFragment(),
                            frames::Ipv6FirstFragment(),
                            frames::Ipv6LaterFragment(),
                            frames::Ipv6DestinationOptions(),
                            frames::Icmpv4TooBig(),
                            frames::Icmpv6TooBig()};
  const size_t untagged = all.size();
  for (size_t i = 0; i < untagged; ++i) {
    all.push_back(frames::WithTag(all[i], 0x8100, 1));
    all.push_back(frames::WithTag(all.back(), 0x88a8, 2));
  }
  return all;
}

// Bytes on the heap with nothing behind them.
class ExactCopy {
 public:
  explicit ExactCopy(ByteSpan bytes)
      : bytes_(std::make_unique<uint8_t[]>(bytes.size())), size_(bytes.size()) {
    if (size_ != 0) std::memcpy(bytes_.get(), bytes.data(), size_);
  }
  ByteSpan span() const { return ByteSpan(bytes_.get(), size_); }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  size_t size_;
};

// What must hold of a view, whatever the frame was.
void ExpectViewInsideFrame(ByteSpan frame, FrameVerdict verdict,
                           const FrameView& view) {
  if (view.has_ip) {
    ASSERT_LE(view.frame_bytes, frame.size());
    ASSERT_LE(view.ip_offset, view.frame_bytes);
  }
  if (verdict == FrameVerdict::kTcp) {
    ASSERT_TRUE(view.has_ip && view.has_tuple && view.has_segment);
  }
  if (!view.has_segment) return;
  ASSERT_TRUE(view.has_tuple);
  const ByteSpan payload = view.segment.payload;
  ASSERT_EQ(view.payload_offset + payload.size(), view.frame_bytes);
  ASSERT_EQ(payload.data(), frame.data() + view.payload_offset);
}

TEST(HostileFrame, NoPrefixOfAFrameIsAWholeSegment) {
  for (const Frame& frame : AllFrames()) {
    FrameView whole;
    const bool is_tcp = ParseFrame(frame, {}, &whole) == FrameVerdict::kTcp;
    // Padding may be cut, and nothing else.
    const size_t needed = is_tcp ? whole.frame_bytes : frame.size();
    for (size_t length = 0; length < needed; ++length) {
      const ExactCopy cut(ByteSpan(frame).first(length));
      FrameView view;
      for (const ParseOptions options : {ParseOptions{}, kTrustAll}) {
        const FrameVerdict verdict = ParseFrame(cut.span(), options, &view);
        ASSERT_NE(verdict, FrameVerdict::kTcp) << length;
        ASSERT_FALSE(view.has_segment);
        ExpectViewInsideFrame(cut.span(), verdict, view);
      }
      IcmpError error;
      ASSERT_FALSE(ParseIcmpError(cut.span(), &error)) << length;
    }
  }
}

TEST(HostileFrame, PrefixesOfPlainSegmentsAreTruncated) {
  for (const Frame& frame : {frames::Ipv4Data(), frames::Ipv6Data()}) {
    for (size_t length = 0; length < frame.size(); ++length) {
      const ExactCopy cut(ByteSpan(frame).first(length));
      FrameView view;
      ASSERT_EQ(ParseFrame(cut.span(), kTrustAll, &view),
                FrameVerdict::kTruncated);
    }
  }
}

TEST(HostileFrame, EveryValueOfEveryHeaderByteStaysInside) {
  for (const Frame& frame : AllFrames()) {
    for (size_t i = 12; i < frame.size(); ++i) {
      for (int value = 0; value < 256; ++value) {
        Frame changed = frame;
        changed[i] = static_cast<uint8_t>(value);
        const ExactCopy copy(changed);
        FrameView view;
        const FrameVerdict verdict = ParseFrame(copy.span(), kTrustAll, &view);
        ExpectViewInsideFrame(copy.span(), verdict, view);
      }
    }
  }
}

TEST(HostileFrame, RandomDamageStaysInside) {
  const std::vector<Frame> all = AllFrames();
  Random random(1);
  for (int round = 0; round < 100'000; ++round) {
    Frame frame = all[random.Below(static_cast<uint32_t>(all.size()))];
    const uint32_t changes = 1 + random.Below(6);
    for (uint32_t i = 0; i < changes; ++i) {
      const auto size = static_cast<uint32_t>(frame.size());
      frame[random.Below(size)] = static_cast<uint8_t>(random.Next32());
    }
    const auto size = static_cast<uint32_t>(frame.size());
    if (random.Chance(1, 3)) frame.resize(random.Below(size + 1));
    const ExactCopy copy(frame);
    FrameView view;
    const FrameVerdict verdict = ParseFrame(copy.span(), kTrustAll, &view);
    ExpectViewInsideFrame(copy.span(), verdict, view);
    IcmpError error;
    (void)ParseIcmpError(copy.span(), &error);
  }
}

}  // namespace
}  // namespace chimney::packet
