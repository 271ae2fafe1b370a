#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "actors/router/engines/block_engines.hpp"

namespace tandem {

/// Which engines have which blocks of prompts in their prefix caches, as far as a router can tell:
/// an inverted index (block → engines) with a model of each engine's own cache, which keeps what
/// was used last, within its capacity. All memory is taken at the start and counted: it never
/// grows beyond `bytes_max`, and where it is full the block that was not used for longest leaves
/// (of the oldest ones of eight engines, in turn). Chains are those of one prompt_hasher.
/// An estimate: engines say after a call what they really had. One thread.
class prefix_index {
 public:
  struct limits {
    std::size_t bytes_max = std::size_t{64} << 20;
    /// Engines are numbers below this one; 65,535 at the most.
    std::uint32_t engines_max = 1024;
  };
  /// The least that an index of so many engines works with.
  [[nodiscard]] static std::size_t bytes_min(std::uint32_t engines_max);

  struct match {
    engine_slot engine = 0;
    /// From the first on, without gaps.
    std::uint32_t blocks = 0;
  };

  /// `bytes_max` below bytes_min() counts as that.
  explicit prefix_index(const limits& bounds);

  /// How many blocks the engine keeps; 0: not known, all that there is room for.
  void set_capacity(engine_slot engine, std::uint32_t blocks);
  /// Engines that have the first block, each once with how far it goes; in no order. Valid until
  /// the next call of anything. O(blocks) for all engines together, and takes no memory.
  [[nodiscard]] std::span<const match> find(std::span<const std::uint64_t> chain);

  /// A point in the order of use.
  using stamp = std::uint32_t;
  /// The engine computes this chain now, and keeps it. Returns when the deepest block that it had
  /// of it was last used; the present where it had none.
  stamp learn(engine_slot engine, std::span<const std::uint64_t> chain);
  /// The engine did not have what was used then: nor does it have what was used no later.
  void forget_until(engine_slot engine, stamp then);
  /// It has left, was started again or has other weights.
  void forget(engine_slot engine);

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Pairs of block and engine, now and at the most.
  [[nodiscard]] std::size_t pairs() const { return used_; }
  [[nodiscard]] std::size_t pairs_max() const { return pairs_max_; }
  [[nodiscard]] std::size_t blocks() const { return blocks_.blocks(); }
  [[nodiscard]] std::size_t blocks_of(engine_slot engine) const { return engines_[engine].count; }
  /// Pairs that left for want of room in the index, ever.
  [[nodiscard]] std::uint64_t crowded_out() const { return crowded_out_; }

 private:
  static constexpr std::uint32_t none = slot_table::none;
  /// One block at one engine, in that engine's order of use.
  struct pair {
    std::uint32_t block;
    /// Of a free one: the next free one + 1.
    std::uint32_t older;
    std::uint32_t newer;
    stamp used;
    engine_slot engine;
  };
  struct engine_order {
    /// + 1; 0: none.
    std::uint32_t oldest = 0;
    std::uint32_t newest = 0;
    /// When the oldest was used.
    stamp oldest_used = 0;
    std::uint32_t count = 0;
    std::uint32_t capacity = 0;
  };
  struct sizes {
    std::size_t pairs = 0;
    std::size_t bitmaps = 0;
    std::size_t bytes = 0;
  };
  [[nodiscard]] static sizes divide(const limits& bounds);
  prefix_index(const limits& bounds, const sizes& room);

  [[nodiscard]] static std::uint64_t hash_of(std::uint32_t block, engine_slot engine);
  [[nodiscard]] std::uint32_t find_pair(std::uint32_t block, engine_slot engine) const;
  [[nodiscard]] bool add(engine_slot engine, std::uint64_t hash);
  [[nodiscard]] bool make_room(engine_slot engine);
  void append(pair& p, std::uint32_t number);
  void unlink(const pair& p);
  void remove(std::uint32_t number);

  void find_among_many(std::span<const std::uint64_t> chain, std::uint32_t block);
  void find_among_few(std::span<const std::uint64_t> chain, std::size_t depth);
  void emit_lost(std::size_t word, std::uint64_t lost, std::uint32_t depth);

  std::size_t bytes_;
  std::size_t pairs_max_;
  block_engines blocks_;
  slot_table table_;
  zeroed_array<pair> pairs_;
  std::vector<engine_order> engines_;
  /// While looking: engines that have all blocks so far.
  std::vector<std::uint64_t> alive_;
  std::vector<engine_slot> few_;
  std::vector<match> found_;
  std::vector<std::uint32_t> had_;
  std::uint32_t free_ = 0;
  std::uint32_t touched_ = 0;
  std::size_t used_ = 0;
  stamp now_ = 0;
  /// Above all that ever learned.
  std::size_t engines_top_ = 0;
  std::size_t hand_ = 0;
  std::uint64_t crowded_out_ = 0;
};

}  // namespace tandem
