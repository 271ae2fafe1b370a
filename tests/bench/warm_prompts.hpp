#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::bench {

/// Text for a trace that has none: `block_bytes` for each block id, so that the blocks into which
/// the product cuts a call's only message (after two bytes of role and mark) begin where those of
/// the trace do. `block_bytes` is a multiple of 256.
[[nodiscard]] std::string prompt_text(std::span<const std::uint64_t> blocks,
                                      std::size_t block_bytes);

/// Back again, from the beginning of such a text: its whole blocks.
[[nodiscard]] std::vector<std::uint64_t> blocks_of_text(std::string_view text,
                                                        std::size_t block_bytes);

}  // namespace tandem::bench
