#include "actors/weights/base_chunk.hpp"

namespace tandem {

std::size_t chunk_at(const weight_manifest& manifest, std::size_t file, std::uint64_t offset) {
  std::size_t before = 0;
  for (std::size_t i = 0; i < file; ++i) before += manifest.files[i].chunks.size();
  return before + static_cast<std::size_t>(offset / manifest.chunk_bytes);
}

std::optional<std::size_t> base_chunk(const weight_manifest& next, std::size_t chunk,
                                      const weight_manifest& base) {
  if (next.chunk_bytes != base.chunk_bytes || chunk >= next.chunk_count()) return std::nullopt;
  auto place = next.place(chunk);
  const auto& path = next.files[place.file].path;
  for (std::size_t i = 0; i < base.files.size(); ++i) {
    if (base.files[i].path != path) continue;
    if (place.offset + place.bytes > base.files[i].bytes) return std::nullopt;
    auto found = chunk_at(base, i, place.offset);
    if (base.place(found).bytes != place.bytes) return std::nullopt;
    return found;
  }
  return std::nullopt;
}

}  // namespace tandem
