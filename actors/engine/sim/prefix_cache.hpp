#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "actors/engine/backend.hpp"
#include "actors/slot_table.hpp"

namespace tandem {

/// A model of an inference server's prefix cache: whole blocks of a prompt, each known by the hash
/// of all text up to its end; the least recently used block leaves first. Holds hashes only, at
/// most `blocks_max` of them.
class prefix_cache {
 public:
  prefix_cache(std::uint32_t blocks_max, std::uint32_t block_tokens);

  /// The blocks of a prompt, first to last; empty when there is no cache.
  [[nodiscard]] std::vector<std::uint64_t> blocks_of(
      const std::vector<generation_request::turn>& messages) const;
  /// Tokens at the prompt's beginning that are there; they count as used now.
  [[nodiscard]] std::uint64_t hit_tokens(const std::vector<std::uint64_t>& blocks);
  void insert(const std::vector<std::uint64_t>& blocks);
  void clear();
  [[nodiscard]] float usage() const;

 private:
  /// One of a ring in the order of use. Place 0 is no block: the latest comes after it, the one
  /// that leaves next before it.
  struct block {
    std::uint64_t hash = 0;
    std::uint32_t before = 0;
    std::uint32_t after = 0;
  };

  [[nodiscard]] std::uint32_t find(std::uint64_t hash) const;
  void link_first(std::uint32_t place);
  void unlink(std::uint32_t place);

  std::size_t blocks_max_;
  std::size_t block_tokens_;
  std::vector<block> blocks_{1};
  std::optional<slot_table> places_;
  /// While looking a prompt up.
  std::vector<std::uint32_t> found_;
};

}  // namespace tandem
