#include "actors/router/engines/block_engines.hpp"

#include <algorithm>
#include <bit>

namespace tandem {
namespace {

std::size_t words_for(std::size_t engines_max) {
  return (engines_max + 63) / 64;
}

}  // namespace

block_engines::block_engines(std::size_t blocks_max, std::size_t bitmaps_max,
                             std::size_t engines_max)
    : words_{words_for(engines_max)},
      bitmaps_max_{bitmaps_max},
      table_{slot_table::slots_for(blocks_max)},
      blocks_{blocks_max},
      bits_{bitmaps_max * words_} {}

std::size_t block_engines::bytes(std::size_t blocks_max, std::size_t bitmaps_max,
                                 std::size_t engines_max) {
  return slot_table::bytes(slot_table::slots_for(blocks_max)) + blocks_max * sizeof(block) +
         bitmaps_max * words_for(engines_max) * sizeof(std::uint64_t);
}

std::uint32_t block_engines::add(std::uint64_t hash) {
  auto number = free_block_ != 0 ? free_block_ - 1 : blocks_touched_++;
  auto& b = blocks_[number];
  if (free_block_ != 0) free_block_ = static_cast<std::uint32_t>(b.hash);
  b.hash = hash;
  b.bitmap = 0;
  b.count = 0;
  table_.insert(hash, number);
  ++used_;
  return number;
}

bool block_engines::insert(std::uint32_t number, engine_slot engine) {
  auto& b = blocks_[number];
  if (b.bitmap == 0 && b.count == few_max && !to_bitmap(b)) return false;
  if (b.bitmap != 0)
    words_of(b)[engine / 64] |= std::uint64_t{1} << engine % 64;
  else
    b.engines[b.count] = engine;
  ++b.count;
  return true;
}

void block_engines::erase(std::uint32_t number, engine_slot engine) {
  auto& b = blocks_[number];
  if (b.bitmap != 0) {
    words_of(b)[engine / 64] &= ~(std::uint64_t{1} << engine % 64);
    if (--b.count == few_again) to_few(b);
    return;
  }
  auto* end = b.engines + b.count;
  std::copy(std::find(b.engines, end, engine) + 1, end, std::find(b.engines, end, engine));
  --b.count;
  if (b.count == 0) drop(number);
}

void block_engines::drop(std::uint32_t number) {
  auto& b = blocks_[number];
  table_.erase(b.hash, number);
  b.hash = free_block_;
  free_block_ = number + 1;
  --used_;
}

bool block_engines::has(std::uint32_t number, engine_slot engine) const {
  auto all = bits(number);
  if (!all.empty()) return (all[engine / 64] >> engine % 64 & 1) != 0;
  auto some = few(number);
  return std::find(some.begin(), some.end(), engine) != some.end();
}

std::span<const std::uint64_t> block_engines::bits(std::uint32_t number) const {
  const auto& b = blocks_[number];
  if (b.bitmap == 0) return {};
  return {&bits_[(b.bitmap - 1) * words_], words_};
}

std::span<const engine_slot> block_engines::few(std::uint32_t number) const {
  const auto& b = blocks_[number];
  return {b.engines, b.count};
}

bool block_engines::to_bitmap(block& b) {
  if (free_bitmap_ == 0 && bitmaps_touched_ == bitmaps_max_) return false;
  b.bitmap = free_bitmap_ != 0 ? free_bitmap_ : ++bitmaps_touched_;
  auto* words = words_of(b);
  if (free_bitmap_ != 0) free_bitmap_ = static_cast<std::uint32_t>(words[0]);
  std::fill(words, words + words_, 0);
  for (std::size_t i = 0; i < b.count; ++i)
    words[b.engines[i] / 64] |= std::uint64_t{1} << b.engines[i] % 64;
  return true;
}

void block_engines::to_few(block& b) {
  auto* words = words_of(b);
  std::size_t found = 0;
  for (std::size_t w = 0; w < words_; ++w)
    for (auto left = words[w]; left != 0; left &= left - 1)
      b.engines[found++] = static_cast<engine_slot>(w * 64 + std::countr_zero(left));
  words[0] = free_bitmap_;
  free_bitmap_ = b.bitmap;
  b.bitmap = 0;
}

}  // namespace tandem
