#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/weights/weight_manifest.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::test {

template <class T>
void append_number(std::string& out, T number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

inline void append_text(std::string& out, std::string_view text) {
  append_number<std::uint64_t>(out, text.size());
  out += text;
}

struct gguf_part {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
};

/// The header of a GGUF file, filled up to the alignment, and `data_bytes` of data.
inline std::string gguf_text(std::string_view architecture, const std::vector<gguf_part>& parts,
                             std::size_t data_bytes) {
  std::string out = "GGUF";
  append_number<std::uint32_t>(out, 3);
  append_number<std::uint64_t>(out, parts.size());
  append_number<std::uint64_t>(out, 3);
  append_text(out, "general.architecture");
  append_number<std::uint32_t>(out, 8);
  append_text(out, architecture);
  append_text(out, "tokenizer.ggml.tokens");
  append_number<std::uint32_t>(out, 9);
  append_number<std::uint32_t>(out, 8);
  append_number<std::uint64_t>(out, 2);
  append_text(out, "a");
  append_text(out, "b");
  append_text(out, "llama.block_count");
  append_number<std::uint32_t>(out, 4);
  append_number<std::uint32_t>(out, 1);
  for (const auto& part : parts) {
    append_text(out, part.name);
    append_number<std::uint32_t>(out, static_cast<std::uint32_t>(part.shape.size()));
    for (const auto dim : part.shape) append_number<std::uint64_t>(out, dim);
    append_number<std::uint32_t>(out, part.type);
    append_number<std::uint64_t>(out, part.offset);
  }
  out.resize((out.size() + 31) / 32 * 32);
  for (std::size_t i = 0; i < data_bytes; ++i) out += static_cast<char>(i * 7);
  return out;
}

inline std::string safetensors_text(std::string_view json, std::size_t data_bytes) {
  std::string out;
  append_text(out, json);
  out.append(data_bytes, 'x');
  return out;
}

inline std::string random_text(std::size_t bytes, unsigned seed) {
  std::mt19937_64 dice{seed};
  std::string out;
  while (out.size() < bytes) append_number(out, dice());
  out.resize(bytes);
  return out;
}

inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// A version of unknown format with these files, as read_manifest would make it.
struct made_file {
  std::string path;
  std::string text;
};
inline weight_manifest manifest_of(const std::vector<made_file>& files, std::uint32_t chunk_bytes) {
  weight_manifest out;
  out.chunk_bytes = chunk_bytes;
  for (const auto& [path, text] : files) {
    auto& file = out.files.emplace_back();
    file.path = path;
    file.bytes = text.size();
    for (std::size_t at = 0; at < text.size(); at += chunk_bytes)
      file.chunks.push_back(hash_of(std::string_view{text}.substr(at, chunk_bytes)));
  }
  return out;
}

}  // namespace tandem::test
