// SPDX-License-Identifier: BSD-3-Clause
#include "dpdkio/transmit_queue.h"

#include <rte_ethdev.h>

#include <algorithm>

#include "dpdkio/tap_writer.h"

namespace chimney::dpdkio {

namespace {

// Bursts that the drivers are made for.
constexpr size_t kBurst = 32;
// Offers in a row that the driver may refuse before the rest has to wait.
constexpr int kMaxRefusals = 2;

}  // namespace

TransmitQueue::~TransmitQueue() { Drop(); }

void TransmitQueue::Drop() {
  rte_pktmbuf_free_bulk(frames_.data(), static_cast<unsigned int>(count_));
  count_ = 0;
}

size_t TransmitQueue::Offer(std::span<rte_mbuf*> frames) {
  size_t done = 0;
  size_t sent = 0;
  int refusals = 0;
  while (done < frames.size() && refusals < kMaxRefusals) {
    const size_t burst = std::min(kBurst, frames.size() - done);
    const size_t taken =
        rte_eth_tx_burst(options_.port, options_.queue, frames.data() + done,
                         static_cast<uint16_t>(burst));
    done += taken;
    sent += taken;
    if (taken != 0) {
      refusals = 0;
    } else if (frames[done]->pkt_len > options_.longest_frame_bytes) {
      SendLong(frames[done++]);
    } else {
      ++refusals;
    }
  }
  Count(&sent_, sent);
  return done;
}

void TransmitQueue::SendLong(rte_mbuf* frame) {
  const bool written =
      options_.long_frames != nullptr && options_.long_frames->Write(frame);
  Count(written ? &sent_ : &dropped_, 1);
  rte_pktmbuf_free(frame);
}

void TransmitQueue::Send(std::span<rte_mbuf*> frames) {
  if (count_ != 0) Flush();
  size_t sent = 0;
  if (count_ == 0) sent = Offer(frames);
  const size_t wait = std::min(frames.size() - sent, Room());
  std::copy_n(frames.begin() + static_cast<std::ptrdiff_t>(sent), wait,
              frames_.begin() + static_cast<std::ptrdiff_t>(count_));
  count_ += wait;
  const size_t done = sent + wait;
  if (done == frames.size()) return;
  rte_pktmbuf_free_bulk(frames.data() + done,
                        static_cast<unsigned int>(frames.size() - done));
  Count(&dropped_, frames.size() - done);
}

size_t TransmitQueue::Flush() {
  if (count_ == 0) return 0;
  const size_t sent = Offer(std::span(frames_).first(count_));
  if (sent != 0) {
    std::copy(frames_.begin() + static_cast<std::ptrdiff_t>(sent),
              frames_.begin() + static_cast<std::ptrdiff_t>(count_),
              frames_.begin());
    count_ -= sent;
  }
  return sent;
}

}  // namespace chimney::dpdkio
