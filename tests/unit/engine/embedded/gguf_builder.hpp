// Writes GGUF files in memory for tests: well-formed ones, and ones that lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::embedded::testing {

class gguf_builder {
 public:
  std::uint32_t version = 3;
  std::uint64_t extra_tensors = 0;   // claimed in the header but absent
  std::uint64_t extra_metadata = 0;  // the same

  struct tensor {
    std::string name;
    std::vector<std::uint64_t> dims;
    std::uint32_t type = 0;
    std::string data;
    std::int64_t offset_error = 0;
  };

  template <class T>
  static std::string raw(T value) {
    std::string out(sizeof(T), '\0');
    std::memcpy(out.data(), &value, sizeof(T));
    return out;
  }
  static std::string text(std::string_view value) {
    return raw<std::uint64_t>(value.size()) + std::string(value);
  }

  void put(const std::string& key, std::uint32_t type, const std::string& bytes) {
    erase(key);
    metadata_.emplace_back(key, raw(type) + bytes);
  }
  void put_uint(const std::string& key, std::uint32_t value) { put(key, 4, raw(value)); }
  void put_float(const std::string& key, float value) { put(key, 6, raw(value)); }
  void put_string(const std::string& key, std::string_view value) { put(key, 8, text(value)); }
  void put_strings(const std::string& key, const std::vector<std::string>& values) {
    std::string bytes = raw<std::uint32_t>(8) + raw<std::uint64_t>(values.size());
    for (const auto& value : values) bytes += text(value);
    put(key, 9, bytes);
  }
  void put_ints(const std::string& key, const std::vector<std::int32_t>& values) {
    std::string bytes = raw<std::uint32_t>(5) + raw<std::uint64_t>(values.size());
    for (const auto value : values) bytes += raw(value);
    put(key, 9, bytes);
  }
  /// Adds a second entry of the same key where there is one.
  void append(const std::string& key, std::uint32_t type, const std::string& bytes) {
    metadata_.emplace_back(key, raw(type) + bytes);
  }
  void erase(const std::string& key) {
    std::erase_if(metadata_, [&](const auto& entry) { return entry.first == key; });
  }

  tensor& put_tensor(const std::string& name, const std::vector<std::uint64_t>& dims,
                     const std::vector<float>& values) {
    std::string data(values.size() * 4, '\0');
    std::memcpy(data.data(), values.data(), data.size());
    tensors.push_back({name, dims, 0, data, 0});
    return tensors.back();
  }
  tensor& find(const std::string& name) {
    for (auto& each : tensors) {
      if (each.name == name) return each;
    }
    return tensors.at(tensors.size());
  }

  std::string bytes() const {
    std::string out = "GGUF" + raw(version) + raw<std::uint64_t>(tensors.size() + extra_tensors) +
                      raw<std::uint64_t>(metadata_.size() + extra_metadata);
    for (const auto& [key, value] : metadata_) out += text(key) + value;
    std::string data;
    for (const auto& each : tensors) {
      out += text(each.name) + raw(static_cast<std::uint32_t>(each.dims.size()));
      for (const auto dim : each.dims) out += raw(dim);
      out += raw(each.type) + raw<std::uint64_t>(data.size() + each.offset_error);
      data += each.data;
      data.resize((data.size() + 31) / 32 * 32);
    }
    out.resize((out.size() + 31) / 32 * 32);
    return out + data;
  }

  std::vector<tensor> tensors;

 private:
  std::vector<std::pair<std::string, std::string>> metadata_;
};

inline std::span<const std::byte> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

struct tiny_dims {
  std::uint32_t width = 8, heads = 2, heads_kv = 2, feed_forward = 12, context = 48;
};

/// Reproducible small numbers.
inline std::vector<float> noise(std::size_t count, std::uint32_t seed) {
  std::vector<float> out(count);
  for (auto& value : out) {
    seed = seed * 1664525U + 1013904223U;
    value = static_cast<float>(seed >> 8) / static_cast<float>(1U << 23) - 1.0F;
  }
  return out;
}

/// A whole llama model with one layer, 256 byte tokens and the four control tokens.
inline gguf_builder tiny_model(const tiny_dims& dims = {}) {
  gguf_builder out;
  out.put_string("general.architecture", "llama");
  out.put_string("general.version", "7");
  out.put_uint("llama.context_length", dims.context);
  out.put_uint("llama.embedding_length", dims.width);
  out.put_uint("llama.block_count", 1);
  out.put_uint("llama.feed_forward_length", dims.feed_forward);
  out.put_uint("llama.attention.head_count", dims.heads);
  out.put_uint("llama.attention.head_count_kv", dims.heads_kv);
  out.put_float("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  out.put_string("tokenizer.ggml.model", "gpt2");
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types(256, 1);
  std::uint32_t next = 256;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
    const auto point = printable ? byte : next++;
    if (point < 128) {
      tokens.emplace_back(1, static_cast<char>(point));
    } else {
      tokens.push_back(
          {static_cast<char>(0xc0 | point >> 6), static_cast<char>(0x80 | (point & 63))});
    }
  }
  for (const auto* control : {"<|end|>", "<|system|>", "<|user|>", "<|assistant|>"}) {
    tokens.emplace_back(control);
    types.push_back(3);
  }
  out.put_strings("tokenizer.ggml.tokens", tokens);
  out.put_ints("tokenizer.ggml.token_type", types);
  out.put_uint("tokenizer.ggml.eos_token_id", 256);
  const std::uint64_t w = dims.width, ff = dims.feed_forward;
  const std::uint64_t kv = w / dims.heads * dims.heads_kv;
  const std::vector<float> ones(w, 1.0F);
  std::uint32_t seed = 1;
  const auto matrix = [&](const std::string& name, std::uint64_t columns, std::uint64_t rows) {
    out.put_tensor(name, {columns, rows}, noise(columns * rows, ++seed));
  };
  matrix("token_embd.weight", w, tokens.size());
  out.put_tensor("blk.0.attn_norm.weight", {w}, ones);
  matrix("blk.0.attn_q.weight", w, w);
  matrix("blk.0.attn_k.weight", w, kv);
  matrix("blk.0.attn_v.weight", w, kv);
  matrix("blk.0.attn_output.weight", w, w);
  out.put_tensor("blk.0.ffn_norm.weight", {w}, ones);
  matrix("blk.0.ffn_gate.weight", w, ff);
  matrix("blk.0.ffn_up.weight", w, ff);
  matrix("blk.0.ffn_down.weight", ff, w);
  out.put_tensor("output_norm.weight", {w}, ones);
  matrix("output.weight", w, tokens.size());
  return out;
}

}  // namespace tandem::embedded::testing
