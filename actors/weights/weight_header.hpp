#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "actors/weights/weight_manifest.hpp"

namespace tandem {

struct header_tensor {
  std::string name;
  /// As the file writes it.
  std::vector<std::uint64_t> shape;
  /// `F16`; of a GGUF type that is not known here: `type 99`.
  std::string type;
  std::uint64_t elements = 0;
};

/// What the header of one file of weights says.
struct weight_header {
  /// Empty: not said.
  std::string architecture;
  std::vector<header_tensor> tensors;
};

inline constexpr std::size_t header_tensors_max = 1'000'000;
/// Of a header in a GGUF file, and of one in a safetensors file (as its reference implementation
/// has it).
inline constexpr std::uint64_t gguf_header_bytes_max = std::uint64_t{256} * 1024 * 1024;
inline constexpr std::uint64_t safetensors_header_bytes_max = 100'000'000;

/// Reads and checks a GGUF header (version 2 or 3, little-endian) without the tensors: counts,
/// lengths, dimensions, and that every tensor lies within the file. Of any element type, unlike the
/// embedded engine's own reader, which knows those that it computes with. `invalid_argument`.
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
[[nodiscard]] caf::expected<weight_header> read_gguf_header(const std::filesystem::path& path);

/// The same for a safetensors file: its tensors follow each other without gap up to its end.
/// Element types that are not known here are taken as they are.
/// Format: https://github.com/huggingface/safetensors#format
[[nodiscard]] caf::expected<weight_header> read_safetensors_header(
    const std::filesystem::path& path);

/// What all headers of a model say, as a manifest keeps it.
struct weight_facts {
  schema::WeightFormat format = schema::WeightFormat::UNKNOWN;
  std::string architecture;
  weight_hash shapes{};
  std::uint64_t parameters = 0;
  std::string types;
};

/// `files` relative to `folder`: its headers where they are weights, with the model's index and
/// config.json beside them. `invalid_argument`.
[[nodiscard]] caf::expected<weight_facts> read_facts(const std::filesystem::path& folder,
                                                     const std::vector<std::string>& files);

/// Of one file alone.
[[nodiscard]] caf::expected<weight_facts> read_facts(const std::filesystem::path& file);

/// Why this can't be the text of a header or manifest (too long, control characters, not UTF-8);
/// empty: it can.
[[nodiscard]] std::string why_no_text(std::string_view text, std::size_t bytes_max);

}  // namespace tandem
