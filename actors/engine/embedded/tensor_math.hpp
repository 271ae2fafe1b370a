// The arithmetic of a small transformer: weights unpacked to f32, matrices laid out so that plain
// code runs on the widest vectors of the machine (AVX2 with FMA where present, chosen at run time).
//
// A row's result depends on that row alone, bit for bit: not on how many rows share a batch.
// No function here checks sizes; the model checked them when it loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "actors/engine/embedded/gguf_file.hpp"

namespace tandem::embedded {

/// IEEE half to float.
float half_to_float(std::uint16_t half);

/// Writes all values of the tensor, row after row; `out` holds as many as the tensor.
void unpack(const gguf_tensor& tensor, std::span<float> out);

/// A matrix of `rows` outputs and `columns` inputs, stored as panels of 32 rows: value (r, c) lies
/// at panel r/32, place c*32 + r%32. Missing rows of the last panel are zero.
class packed_matrix {
 public:
  static constexpr std::size_t panel_rows = 32;

  packed_matrix() = default;
  explicit packed_matrix(const gguf_tensor& tensor);

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }

  /// out[b*rows + r] = sum over c of this(r, c) * in[b*columns + c], for b below `batch`.
  void multiply(const float* in, std::size_t batch, float* out) const;

 private:
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
  std::vector<float> panels_;
};

/// out = in / rms(in) * weight.
void rms_norm(std::span<const float> in, std::span<const float> weight, float epsilon, float* out);

/// Turns each adjacent pair (x[2i], x[2i+1]) by the i-th angle; `angles` holds cosine, sine per
/// pair.
void rotate_pairs(std::span<float> x, const float* angles);

/// gate = silu(gate) * up.
void gate_silu(std::span<float> gate, const float* up);

/// Attention of one head over `count` cached rows of keys and values, which lie `stride` apart.
/// `scores` is room for `count` floats; `out` has the width of `query`.
void attend(std::span<const float> query, const float* keys, const float* values,
            std::size_t stride, std::size_t count, float* scores, float* out);

}  // namespace tandem::embedded
