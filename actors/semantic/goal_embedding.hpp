#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "actors/semantic/goal_numbers.hpp"
#include "actors/semantic/goal_words.hpp"

namespace tandem {

/// Changes whenever the same text gives another vector: what was stored with another version is
/// another index.
inline constexpr std::uint32_t goal_embedding_version = 1;
inline constexpr std::size_t goal_embedding_dimension = 256;

/// A built-in embedding: stems, pairs of stems, pieces of words and numbers are hashed with a sign
/// (Weinberger et al. 2009, arXiv 0902.2206) into `goal_embedding_dimension` numbers, each weighted
/// by the root of how often, function words low, and the whole scaled to length 1. Equal bits on
/// every machine that rounds as IEEE 754 says. All zeros where the goal has no words.
[[nodiscard]] std::vector<float> embedding_of(const std::vector<goal_word>& words,
                                              const std::vector<goal_number>& numbers);

/// Scales to length 1. False: not all finite, or all zero; then it is no embedding.
[[nodiscard]] bool normalise(std::span<float> vector);

[[nodiscard]] float inner_product(std::span<const float> a, std::span<const float> b);

/// The same of `size` numbers each, as this processor does it fastest; the same bits on all.
using inner_product_call = float (*)(const float* a, const float* b, std::size_t size);
[[nodiscard]] inner_product_call inner_product_function();

}  // namespace tandem
