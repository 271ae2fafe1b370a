#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/router/engines/prompt_blocks.hpp"

namespace tandem {

/// Remembers what calls begin with, so that it can be said again: a tree of blocks of their text,
/// shared parts once. A block is kept from its second sighting on; of the first a tag stays. Counts
/// decay, and the block that was not seen for longest leaves when the memory is full: always one
/// that none follows. Time is seconds on any clock that does not go back. One thread.
class prefix_memory {
 public:
  struct limits {
    /// Text, tree and lists.
    std::size_t bytes_max = std::size_t{8} << 20;
    /// Of one prefix, 256 bytes each.
    std::size_t blocks_max = 512;
    /// Models times purposes.
    std::size_t roots_max = 256;
    /// Mean life of a count; also how far ahead reuse is expected: about as long as a busy engine
    /// keeps what it has read.
    double life_s = 600;
    /// Chance of reuse below which nothing is replayed.
    double chance_min = 0.5;
  };

  /// `seed` is that of the hashes: not to be known outside.
  prefix_memory(const limits& bounds, std::uint64_t seed);

  struct call {
    std::string_view model;
    /// What it is for, as a number; chooses the model's own first words.
    std::uint16_t purpose = 0;
    /// Of plans: it is among those words.
    std::uint32_t steps_max = 0;
    /// Of those words.
    std::uint64_t head_tokens = 0;
    /// One byte of `role` each.
    std::span<const prompt_part> messages;
  };
  /// `chain` becomes the names of the call's beginnings, each longer than the one before; the first
  /// is that of the model's own words. Takes no memory where all of them are known.
  void note(const call& seen, double now_s, std::vector<std::uint64_t>& chain);

  struct turn {
    char role = 0;
    std::string text;
  };
  struct prefix {
    std::uint16_t purpose = 0;
    std::uint32_t steps_max = 0;
    /// Not empty; the last one may be cut, between UTF-8 characters.
    std::vector<turn> turns;
    /// What it adds to those before it in the list.
    std::uint64_t tokens = 0;
    /// A call whose chain has this name uses at least half of what it adds.
    std::uint64_t mark = 0;
  };
  /// What is worth most on one of so many engines of the model: by the chance that it is used again
  /// there, times its tokens; the best first. Adds up to `budget_tokens` at most.
  [[nodiscard]] std::vector<prefix> pick(std::string_view model, std::uint64_t budget_tokens,
                                         std::size_t engines, double now_s) const;

  /// As much as is remembered of a chain, or of its beginning; none: too little to be worth a call.
  [[nodiscard]] std::optional<prefix> prefix_of(std::span<const std::uint64_t> chain) const;

  [[nodiscard]] std::size_t bytes() const;
  /// Blocks that are remembered.
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

 private:
  using name = std::uint64_t;
  struct count {
    double seen = 0;
    double at_s = 0;
  };
  struct root {
    std::string model;
    std::uint16_t purpose = 0;
    std::uint32_t steps_max = 0;
    std::uint64_t head_tokens = 0;
    /// That are remembered.
    std::size_t blocks = 0;
    count hits;
  };
  struct node {
    name root = 0;
    /// 0: it is the first block.
    name before = 0;
    std::uint32_t depth = 0;
    count hits;
    std::unique_ptr<char[]> text;
    std::list<name>::iterator place;
  };
  struct candidate {
    name id = 0;
    std::uint32_t depth = 0;
    double chance = 0;
  };

  void hit(count& hits, double now_s) const;
  [[nodiscard]] double chance(const count& hits, std::size_t engines, double now_s) const;
  /// False: there are too many that have blocks.
  [[nodiscard]] bool note_root(name id, const call& seen, double now_s);
  [[nodiscard]] bool make_root(double now_s);
  /// Names of the call's blocks, into `blocks_`.
  void cut(const call& seen);
  [[nodiscard]] std::vector<candidate> candidates(std::string_view model, std::size_t engines,
                                                  double now_s) const;
  /// `path` is from its end to its root; the first `own` of it are what it adds, one at least.
  [[nodiscard]] prefix replay(const std::vector<name>& path, std::size_t own) const;

  limits limits_;
  prompt_hasher hasher_;
  std::uint64_t seed_;
  std::unordered_map<name, root> roots_;
  std::unordered_map<name, node> nodes_;
  /// Seen last first.
  std::list<name> order_;
  /// Tags of blocks that were seen once.
  std::vector<std::uint32_t> once_;
  /// While noting.
  prompt_blocks blocks_;
  std::vector<prompt_part> parts_;
};

}  // namespace tandem
