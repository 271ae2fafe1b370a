#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <caf/expected.hpp>

namespace tandem {

/// The difference of two chunks of the same size: XOR, its zero runs and values coded apart, zstd
/// over each. Nothing when it would not be smaller than 3/4 of `next`, or when samples of chunks
/// that differ in a third of their 2-byte elements say that it would save less than half.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> make_delta(
    std::span<const std::uint8_t> base, std::span<const std::uint8_t> next);

/// `malformed_message` for anything that make_delta did not write for a base of this size; never
/// allocates more than a few times `base`. The result is to be checked against its hash.
[[nodiscard]] caf::expected<std::vector<std::uint8_t>> apply_delta(
    std::span<const std::uint8_t> base, std::span<const std::uint8_t> delta);

}  // namespace tandem
