// A llama-architecture language model in memory: RMS norm, rotary positions on adjacent pairs, full
// attention (grouped heads too), SwiGLU. Weights are unpacked to f32 when they load: right for
// models of some million parameters, eight times too much memory for large quantised ones.
//
// Ownership: a loaded model is immutable and shared; it keeps nothing of the file. Many threads may
// run forward() at once, each with its own caches and scratch. Errors: load() throws gguf_error for
// whatever in the file is missing, unknown or of the wrong shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "actors/engine/embedded/gguf_file.hpp"
#include "actors/engine/embedded/tensor_math.hpp"
#include "actors/engine/embedded/tokenizer.hpp"

namespace tandem::embedded {

/// The hyper-parameters. Two models are interchangeable behind the same caches when these are
/// equal.
struct llama_shape {
  std::uint32_t width = 0;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  std::uint32_t heads_kv = 0;
  std::uint32_t feed_forward = 0;
  std::uint32_t vocabulary = 0;
  std::uint32_t context = 0;  // tokens; the file's, or model_limits::context_max if that is less
  std::uint32_t rotated = 0;  // leading values of each head that carry the position
  float rms_epsilon = 0;
  float rope_base = 0;

  std::uint32_t head_width() const { return width / heads; }
  std::uint32_t kv_width() const { return head_width() * heads_kv; }
  bool operator==(const llama_shape&) const = default;
};

struct model_limits {
  std::uint32_t context_max = 4'096;
  std::uint64_t weights_bytes_max = std::uint64_t{1} << 30;  // as f32 in memory
};

/// Keys and values of one sequence, for all layers and positions: 2 * layers * context * kv_width
/// floats. Memory is touched only as far as positions are written.
class kv_cache {
 public:
  explicit kv_cache(const llama_shape& shape);

  static std::uint64_t bytes(const llama_shape& shape);

  float* keys(std::size_t layer, std::size_t position) {
    return keys_.get() + (layer * context_ + position) * kv_width_;
  }
  float* values(std::size_t layer, std::size_t position) {
    return values_.get() + (layer * context_ + position) * kv_width_;
  }

 private:
  std::size_t context_;
  std::size_t kv_width_;
  std::unique_ptr<float[]> keys_;
  std::unique_ptr<float[]> values_;
};

/// One token to compute. Positions 0..position-1 of its cache must be there already, or come
/// earlier in the same batch.
struct batch_row {
  kv_cache* cache = nullptr;
  std::uint32_t position = 0;  // below shape().context
  token_id token = 0;          // below shape().vocabulary
  bool wants_logits = false;
};

/// Working memory of forward(); grows to the largest batch seen.
struct forward_scratch {
  std::vector<float> hidden, normed, query, key, value, attended, projected, gate, up, scores;
  std::vector<float> logits;  // one row of `vocabulary` floats per row that wanted them, in order
};

class llama_model {
 public:
  static std::shared_ptr<const llama_model> load(const gguf_file& file,
                                                 const model_limits& limits = {});

  const llama_shape& shape() const { return shape_; }

  /// Computes the rows and leaves logits in the scratch. The result of a row does not depend, in
  /// any bit, on the other sequences in its batch or on how its own sequence was cut into batches.
  void forward(std::span<const batch_row> rows, forward_scratch& scratch) const;

 private:
  struct layer {
    std::vector<float> attention_norm;
    packed_matrix query, key, value, attention_out;
    std::vector<float> feed_norm;
    packed_matrix gate, up, down;
  };

  llama_model() = default;
  void load_tensors(const gguf_file& file, const model_limits& limits);
  void fill_angles();
  void attention(const layer& weights, std::size_t index, std::span<const batch_row> rows,
                 forward_scratch& s) const;
  void feed_forward(const layer& weights, std::size_t rows, forward_scratch& s) const;
  void norm_rows(const std::vector<float>& weight, std::size_t rows, forward_scratch& s) const;

  llama_shape shape_;
  std::vector<float> embedding_;  // vocabulary rows of width
  std::vector<layer> layers_;
  std::vector<float> output_norm_;
  packed_matrix output_;
  std::vector<float> angles_;  // per position: cosine, sine for each rotated pair
};

}  // namespace tandem::embedded
