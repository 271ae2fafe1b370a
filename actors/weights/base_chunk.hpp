#pragma once

#include <cstddef>
#include <optional>

#include "actors/weights/weight_manifest.hpp"

namespace tandem {

/// The chunk of `base` that lies where chunk `chunk` of `next` does: in the file of the same name, at
/// the same offset, of the same size.
[[nodiscard]] std::optional<std::size_t> base_chunk(const weight_manifest& next, std::size_t chunk,
                                                    const weight_manifest& base);

/// The chunk that holds the byte at `offset` of file `file`, which must be there.
[[nodiscard]] std::size_t chunk_at(const weight_manifest& manifest, std::size_t file,
                                   std::uint64_t offset);

}  // namespace tandem
