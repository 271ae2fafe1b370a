#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

namespace tandem {

inline constexpr std::size_t embedding_dimensions_max = 4096;
/// Some 60 bytes a number, however it is written.
inline constexpr std::size_t embedding_reply_bytes_max = std::size_t{256} * 1024;

/// The one vector in an answer of `/v1/embeddings`. `dimensions`: so many must it have; 0: from 1
/// to embedding_dimensions_max. `engine_failed` says what is wrong: no JSON, another shape, a
/// number that no float holds, another length.
[[nodiscard]] caf::expected<std::vector<float>> read_embedding(std::string_view body,
                                                               std::size_t dimensions = 0);

}  // namespace tandem
