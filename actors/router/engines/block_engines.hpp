#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "actors/slot_table.hpp"

namespace tandem {

using engine_slot = std::uint16_t;
constexpr engine_slot no_engine = UINT16_MAX;

/// For each block the engines that have it: up to nine beside its hash, more as a bit for each
/// engine. Of a fixed size; blocks are numbers below `blocks_max`. One thread.
class block_engines {
 public:
  static constexpr std::uint32_t none = slot_table::none;

  block_engines(std::size_t blocks_max, std::size_t bitmaps_max, std::size_t engines_max);
  /// What one of so many engines takes, the table that finds it included.
  [[nodiscard]] static std::size_t bytes(std::size_t blocks_max, std::size_t bitmaps_max,
                                         std::size_t engines_max);

  [[nodiscard]] std::uint32_t find(std::uint64_t hash) const {
    return table_.find(hash, [this, hash](auto number) { return blocks_[number].hash == hash; });
  }
  void prefetch(std::uint64_t hash) const { table_.prefetch(hash); }
  /// A block of no engine yet, which the next `insert` is for; there is room while blocks() <
  /// blocks_max.
  [[nodiscard]] std::uint32_t add(std::uint64_t hash);
  /// False: the block has nine already, and there is no bitmap for more. Not there yet.
  [[nodiscard]] bool insert(std::uint32_t block, engine_slot engine);
  /// Is there. A block that no engine has is gone.
  void erase(std::uint32_t block, engine_slot engine);

  [[nodiscard]] std::uint32_t count(std::uint32_t block) const { return blocks_[block].count; }
  [[nodiscard]] bool has(std::uint32_t block, engine_slot engine) const;
  /// One bit an engine; empty: see `few`.
  [[nodiscard]] std::span<const std::uint64_t> bits(std::uint32_t block) const;
  [[nodiscard]] std::span<const engine_slot> few(std::uint32_t block) const;
  [[nodiscard]] std::size_t words() const { return words_; }
  [[nodiscard]] std::size_t blocks() const { return used_; }

 private:
  static constexpr std::size_t few_max = 9;
  /// Fewer than that move back from a bitmap.
  static constexpr std::size_t few_again = 6;
  struct block {
    /// Of a free one: the next free one + 1.
    std::uint64_t hash;
    /// + 1; 0: none.
    std::uint32_t bitmap;
    std::uint16_t count;
    engine_slot engines[few_max];
  };
  static_assert(sizeof(block) == 32);

  [[nodiscard]] std::uint64_t* words_of(const block& b) { return &bits_[(b.bitmap - 1) * words_]; }
  [[nodiscard]] bool to_bitmap(block& b);
  void to_few(block& b);
  void drop(std::uint32_t block);

  std::size_t words_;
  std::size_t bitmaps_max_;
  slot_table table_;
  zeroed_array<block> blocks_;
  zeroed_array<std::uint64_t> bits_;
  /// Of free bitmaps: the next one + 1, in its first word.
  std::uint32_t free_bitmap_ = 0;
  std::uint32_t bitmaps_touched_ = 0;
  std::uint32_t free_block_ = 0;
  std::uint32_t blocks_touched_ = 0;
  std::size_t used_ = 0;
};

}  // namespace tandem
