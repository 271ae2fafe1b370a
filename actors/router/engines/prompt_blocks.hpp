#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tandem {

/// A prompt as engines' prefix caches see it: a chain of blocks, each named by a hash of all text
/// up to its end. Two prompts have a block in common only with everything before it.
struct prompt_blocks {
  std::vector<std::uint64_t> hashes;
  std::uint32_t block_tokens = 1;
  std::uint64_t tokens = 0;

  [[nodiscard]] std::uint64_t tokens_in(std::uint64_t blocks) const {
    return std::min(blocks * block_tokens, tokens);
  }
};

struct prompt_part {
  std::string_view role;
  std::string_view text;
};

/// Makes chains. The hash (multiply and fold, as in wyhash) is keyed by a seed of this process, so
/// that nobody outside can look for texts that collide; chains of different seeds have nothing in
/// common. A wrong match costs an estimate, never an answer. Value type; any thread.
class prompt_hasher {
 public:
  static constexpr std::size_t block_bytes = 256;
  /// By the usual four bytes a token.
  static constexpr std::uint32_t block_tokens = block_bytes / 4;
  /// 1 MiB of text; what is beyond counts as tokens alone.
  static constexpr std::size_t blocks_max = 4096;

  explicit prompt_hasher(std::uint64_t seed);

  /// Of messages in their order. Only full blocks have a hash: engines keep no others. `out` is
  /// overwritten, its memory used again.
  void from_text(std::span<const prompt_part> parts, prompt_blocks& out) const;
  /// Of blocks that have ids already, as in a trace; the first blocks_max of them.
  void from_ids(std::span<const std::uint64_t> ids, std::uint32_t tokens_per_block,
                std::uint64_t tokens, prompt_blocks& out) const;

 private:
  [[nodiscard]] std::uint64_t chain(std::uint64_t before, const unsigned char* block) const;

  std::uint64_t keys_[4];
};

/// Well spread over 64 bits.
[[nodiscard]] std::uint64_t spread_bits(std::uint64_t value);

}  // namespace tandem
