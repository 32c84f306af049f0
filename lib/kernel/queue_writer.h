// SPDX-License-Identifier: BSD-3-Clause
// Filling a socket's queues, whatever its buffer sizes. Internal to the room.
#ifndef CHIMNEY_KERNEL_QUEUE_WRITER_H_
#define CHIMNEY_KERNEL_QUEUE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/kernel_error.h"

namespace chimney::kernel {

// A buffer size, as getsockopt would report it, that surely takes a queue of
// so many bytes: packets are charged with more than their payload.
uint64_t QueueBufferBytes(uint64_t queue_bytes);

// Sets a size that getsockopt then reports; `option` is SO_SNDBUFFORCE or
// SO_RCVBUFFORCE. Fixes the buffer until SO_BUF_LOCK frees it.
KernelError SetBufferBytes(int fd, int option, uint64_t reported_bytes);

// Writes bytes[*written..] without blocking, counting in *written.
// kQueueTooLarge when the socket takes no more for now.
KernelError WriteQueue(int fd, std::span<const uint8_t> bytes, size_t* written);

}  // namespace chimney::kernel

#endif  // CHIMNEY_KERNEL_QUEUE_WRITER_H_
