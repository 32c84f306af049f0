// SPDX-License-Identifier: BSD-3-Clause
// Which received bytes are lent to which session (R140, R145). Kept in private
// memory, so that whatever a session claims to return is checked against what
// it really has.
#ifndef CHIMNEY_WORKER_LENT_LEDGER_H_
#define CHIMNEY_WORKER_LENT_LEDGER_H_

#include <cstdint>
#include <vector>

#include "base/chunk_pool.h"
#include "base/intrusive_list.h"
#include "base/slab.h"

namespace chimney::worker {

struct LentByFlowTag {};
struct LentByChunkTag {};
struct LentChunk;

// Adjacent bytes of one chunk, lent and not returned. Holds one reference on
// the chunk.
struct LentPiece : ListNode<LentByFlowTag>, ListNode<LentByChunkTag> {
  LentChunk* chunk = nullptr;
  uint32_t offset = 0;
  uint32_t length = 0;
};
// The pieces of one flow in the order they were lent.
using LentList = IntrusiveList<LentPiece, LentByFlowTag>;

// What a return names. The session is part of it: no session can return what
// is lent to another.
struct LentKey {
  uint32_t session_slot = 0;
  ChunkIndex chunk = kNoChunk;
  Handle flow;
  friend bool operator==(const LentKey&, const LentKey&) = default;
};

// All pieces of one chunk lent for one flow, oldest first.
struct LentChunk {
  LentKey key;
  uint32_t bytes = 0;
  IntrusiveList<LentPiece, LentByChunkTag> pieces;
  LentChunk* next = nullptr;  // in its bucket
};

class LentLedger {
 public:
  explicit LentLedger(uint32_t max_pieces);
  LentLedger(const LentLedger&) = delete;
  LentLedger& operator=(const LentLedger&) = delete;

  // Notes `length` bytes as lent and takes over one reference on the chunk;
  // `list` is the flow's. Bytes that continue its last piece join it, and the
  // reference is given back. False, and nothing taken, if the ledger is full.
  // `*pieces` grows by what was used up.
  bool Lend(const LentKey& key, uint32_t offset, uint32_t length,
            LentList* list, ChunkPool* pool, uint32_t* pieces);
  // Takes `length` bytes back, the oldest of that chunk first. False, and
  // nothing changed, if not as many are lent.
  bool Return(const LentKey& key, uint32_t length, ChunkPool* pool,
              uint32_t* pieces);
  // Takes back all of a list: its session is gone.
  void ReturnAll(LentList* list, ChunkPool* pool, uint32_t* pieces);

  static const LentKey& KeyOf(const LentPiece& piece);
  uint32_t in_use() const { return pieces_.in_use(); }
  uint32_t free() const { return pieces_.capacity() - pieces_.in_use(); }

 private:
  LentChunk** BucketOf(const LentKey& key);
  LentChunk* Find(const LentKey& key);
  void Drop(LentPiece* piece, ChunkPool* pool, uint32_t* pieces);
  void DropChunk(LentChunk* chunk);

  Slab<LentPiece> pieces_;
  Slab<LentChunk> chunks_;
  std::vector<LentChunk*> buckets_;
};

}  // namespace chimney::worker

#endif  // CHIMNEY_WORKER_LENT_LEDGER_H_
