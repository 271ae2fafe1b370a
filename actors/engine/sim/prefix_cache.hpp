#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "actors/engine/backend.hpp"

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
  std::size_t blocks_max_;
  std::size_t block_tokens_;
  /// Least recently used last.
  std::list<std::uint64_t> order_;
  std::unordered_map<std::uint64_t, std::list<std::uint64_t>::iterator> blocks_;
};

}  // namespace tandem
