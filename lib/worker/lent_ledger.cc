// SPDX-License-Identifier: BSD-3-Clause
// Lending and taking back.
#include "worker/lent_ledger.h"

#include <algorithm>
#include <bit>

namespace chimney::worker {

LentLedger::LentLedger(uint32_t max_pieces)
    : pieces_(max_pieces),
      chunks_(max_pieces),
      buckets_(std::bit_ceil(std::max<uint32_t>(max_pieces, 8)) * 2, nullptr) {}

LentChunk** LentLedger::BucketOf(const LentKey& key) {
  // Chunks and flows are numbered by this process, not by strangers: any
  // mixing of the bits will do.
  uint64_t mixed = (key.flow.Packed() + key.chunk) * 0x9e3779b97f4a7c15;
  mixed ^= key.session_slot;
  mixed ^= mixed >> 32;
  return &buckets_[(mixed * 0xff51afd7ed558ccd >> 20) & (buckets_.size() - 1)];
}

LentChunk* LentLedger::Find(const LentKey& key) {
  LentChunk* chunk = *BucketOf(key);
  while (chunk != nullptr && !(chunk->key == key)) chunk = chunk->next;
  return chunk;
}

const LentKey& LentLedger::KeyOf(const LentPiece& piece) {
  return piece.chunk->key;
}

bool LentLedger::Lend(const LentKey& key, uint32_t offset, uint32_t length,
                      LentList* list, ChunkPool* pool, uint32_t* pieces) {
  if (LentPiece* last = list->back(); last != nullptr &&
                                      last->chunk->key == key &&
                                      last->offset + last->length == offset) {
    last->length += length;
    last->chunk->bytes += length;
    pool->Release(key.chunk);
    return true;
  }
  LentPiece* piece = pieces_.Allocate();
  if (piece == nullptr) return false;
  LentChunk* chunk = Find(key);
  if (chunk == nullptr) {
    // There are as many chunk records as pieces, and each holds one.
    chunk = chunks_.Allocate();
    chunk->key = key;
    LentChunk** bucket = BucketOf(key);
    chunk->next = *bucket;
    *bucket = chunk;
  }
  piece->chunk = chunk;
  piece->offset = offset;
  piece->length = length;
  chunk->bytes += length;
  chunk->pieces.PushBack(piece);
  list->PushBack(piece);
  ++*pieces;
  return true;
}

bool LentLedger::Return(const LentKey& key, uint32_t length, ChunkPool* pool,
                        uint32_t* pieces) {
  LentChunk* chunk = Find(key);
  if (chunk == nullptr || length > chunk->bytes) return false;
  const bool all = length == chunk->bytes;
  while (length > 0) {
    LentPiece* piece = chunk->pieces.front();
    const uint32_t taken = std::min(length, piece->length);
    piece->offset += taken;
    piece->length -= taken;
    chunk->bytes -= taken;
    length -= taken;
    if (piece->length == 0) Drop(piece, pool, pieces);
  }
  if (all) DropChunk(chunk);
  return true;
}

void LentLedger::ReturnAll(LentList* list, ChunkPool* pool, uint32_t* pieces) {
  while (LentPiece* piece = list->front()) {
    LentChunk* chunk = piece->chunk;
    chunk->bytes -= piece->length;
    Drop(piece, pool, pieces);
    if (chunk->pieces.empty()) DropChunk(chunk);
  }
}

void LentLedger::Drop(LentPiece* piece, ChunkPool* pool, uint32_t* pieces) {
  pool->Release(piece->chunk->key.chunk);
  pieces_.Free(piece);  // leaves both lists
  --*pieces;
}

void LentLedger::DropChunk(LentChunk* chunk) {
  LentChunk** link = BucketOf(chunk->key);
  while (*link != chunk) link = &(*link)->next;
  *link = chunk->next;
  chunks_.Free(chunk);
}

}  // namespace chimney::worker
