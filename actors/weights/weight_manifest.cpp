#include "actors/weights/weight_manifest.hpp"

#include <algorithm>
#include <cstring>

#include <openssl/evp.h>

#include "schema/errc.hpp"

namespace tandem {
namespace {

const EVP_MD* sha256() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return method;
}

const char* name_of(schema::WeightFormat format) {
  switch (format) {
    case schema::WeightFormat::GGUF:
      return "gguf";
    case schema::WeightFormat::SAFETENSORS:
      return "safetensors";
    case schema::WeightFormat::UNKNOWN:
      break;
  }
  return "of no known format";
}

std::string or_nothing(const std::string& text) {
  return text.empty() ? "of no stated architecture" : text;
}

}  // namespace

std::string to_hex(const weight_hash& hash) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const auto byte : hash) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

caf::expected<weight_hash> weight_hash_from(std::string_view bytes) {
  weight_hash out;
  if (bytes.size() == out.size()) {
    std::memcpy(out.data(), bytes.data(), out.size());
    return out;
  }
  return make_error(errc::malformed_message,
                    "a hash of weights has " + std::to_string(bytes.size()) + " bytes, not 32");
}

weight_hash hash_of(std::string_view bytes) {
  weight_hash out{};
  EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, sha256(), nullptr);
  return out;
}

std::uint64_t weight_manifest::bytes() const {
  std::uint64_t out = 0;
  for (const auto& file : files) out += file.bytes;
  return out;
}

std::size_t weight_manifest::chunk_count() const {
  std::size_t out = 0;
  for (const auto& file : files) out += file.chunks.size();
  return out;
}

chunk_place weight_manifest::place(std::size_t chunk) const {
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& file = files[i];
    if (chunk < file.chunks.size()) {
      const auto offset = std::uint64_t{chunk} * chunk_bytes;
      const auto bytes = std::min<std::uint64_t>(chunk_bytes, file.bytes - offset);
      return {i, offset, static_cast<std::uint32_t>(bytes)};
    }
    chunk -= file.chunks.size();
  }
  return {files.size(), 0, 0};
}

const weight_hash& weight_manifest::chunk_hash(std::size_t chunk) const {
  static constexpr weight_hash none{};
  const auto at = place(chunk);
  return at.file < files.size() ? files[at.file].chunks[at.offset / chunk_bytes] : none;
}

std::optional<std::size_t> same_place(const weight_manifest& next, std::size_t chunk,
                                      const weight_manifest& base) {
  const auto at = next.place(chunk);
  if (at.file >= next.files.size() || base.chunk_bytes != next.chunk_bytes) return std::nullopt;
  std::size_t first = 0;
  for (const auto& file : base.files) {
    const auto index = static_cast<std::size_t>(at.offset / next.chunk_bytes);
    if (file.path == next.files[at.file].path) {
      if (index >= file.chunks.size()) return std::nullopt;
      const auto bytes = std::min<std::uint64_t>(base.chunk_bytes, file.bytes - at.offset);
      return bytes == at.bytes ? std::optional{first + index} : std::nullopt;
    }
    first += file.chunks.size();
  }
  return std::nullopt;
}

std::string why_no_fit(const weight_manifest& next, const weight_manifest& now) {
  if (next.format != now.format) {
    return std::string("the new weights are ") + name_of(next.format) + ", those of now are " +
           name_of(now.format);
  }
  if (next.architecture != now.architecture) {
    return "the new weights are " + or_nothing(next.architecture) + ", those of now are " +
           or_nothing(now.architecture);
  }
  if (next.shapes != now.shapes) {
    return "names or shapes of tensors differ: the new weights are " +
           or_nothing(next.architecture) + " with " + std::to_string(next.parameters) +
           " parameters, those of now are " + or_nothing(now.architecture) + " with " +
           std::to_string(now.parameters);
  }
  return {};
}

}  // namespace tandem
