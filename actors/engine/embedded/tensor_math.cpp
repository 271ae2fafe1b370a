#include "actors/engine/embedded/tensor_math.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace tandem::embedded {

namespace {

constexpr std::size_t panel_rows = packed_matrix::panel_rows;

// Eight floats that the compiler keeps in one register, or in two where there is no AVX.
using lanes = float __attribute__((vector_size(32), aligned(4), may_alias));

/// One panel times one input row. Four accumulators hide the latency of the multiply-adds.
__attribute__((always_inline)) inline void panel_times_row(const float* panel, const float* in,
                                                           std::size_t columns, float* sums) {
  const auto* at = reinterpret_cast<const lanes*>(panel);
  lanes sum0 = {};
  lanes sum1 = {};
  lanes sum2 = {};
  lanes sum3 = {};
  for (std::size_t c = 0; c < columns; ++c, at += 4) {
    sum0 += at[0] * in[c];
    sum1 += at[1] * in[c];
    sum2 += at[2] * in[c];
    sum3 += at[3] * in[c];
  }
  auto* out = reinterpret_cast<lanes*>(sums);
  out[0] = sum0;
  out[1] = sum1;
  out[2] = sum2;
  out[3] = sum3;
}

struct product {
  const float* panels;
  std::size_t rows;
  std::size_t columns;
  const float* in;
  std::size_t batch;
  float* out;
};

/// Panel by panel, so that each is read from memory once for the whole batch.
__attribute__((always_inline)) inline void multiply_panels(const product& p) {
  float sums[panel_rows];
  for (std::size_t first = 0; first < p.rows; first += panel_rows) {
    const auto* panel = p.panels + first * p.columns;
    const auto used = std::min(panel_rows, p.rows - first);
    for (std::size_t b = 0; b < p.batch; ++b) {
      panel_times_row(panel, p.in + b * p.columns, p.columns, sums);
      std::memcpy(p.out + b * p.rows + first, sums, used * sizeof(float));
    }
  }
}

void multiply_plain(const product& p) {
  multiply_panels(p);
}

#if defined(__x86_64__)
// By hand instead of target_clones, whose resolvers run before a sanitizer is ready.
__attribute__((target("avx2,fma"))) void multiply_avx2(const product& p) {
  multiply_panels(p);
}

bool has_avx2() {
  static const bool found = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return found;
}
#endif

/// Eight partial sums, since a compiler may not reorder one.
float dot(const float* a, const float* b, std::size_t size) {
  float partial[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    for (std::size_t j = 0; j < 8; ++j) partial[j] += a[i + j] * b[i + j];
  }
  float sum = 0;
  for (; i < size; ++i) sum += a[i] * b[i];
  for (const float part : partial) sum += part;
  return sum;
}

void unpack_q8_0(const std::byte* from, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); i += 32, from += 34) {
    std::uint16_t half = 0;
    std::int8_t quants[32];
    std::memcpy(&half, from, 2);
    std::memcpy(quants, from + 2, 32);
    const float scale = half_to_float(half);
    for (std::size_t j = 0; j < 32; ++j) out[i + j] = scale * static_cast<float>(quants[j]);
  }
}

}  // namespace

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1fU;
  const std::uint32_t fraction = half & 0x3ffU;
  if (exponent == 0) {
    const float small = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -small : small;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

void unpack(const gguf_tensor& tensor, std::span<float> out) {
  switch (tensor.type) {
    case tensor_type::f32:
      std::memcpy(out.data(), tensor.data.data(), out.size_bytes());
      break;
    case tensor_type::f16:
      for (std::size_t i = 0; i < out.size(); ++i) {
        std::uint16_t half = 0;
        std::memcpy(&half, tensor.data.data() + i * 2, 2);
        out[i] = half_to_float(half);
      }
      break;
    case tensor_type::q8_0:
      unpack_q8_0(tensor.data.data(), out);
      break;
  }
}

packed_matrix::packed_matrix(const gguf_tensor& tensor)
    : rows_(tensor.dims[1]),
      columns_(tensor.dims[0]),
      panels_((rows_ + panel_rows - 1) / panel_rows * panel_rows * columns_) {
  std::vector<float> plain(rows_ * columns_);
  unpack(tensor, plain);
  for (std::size_t r = 0; r < rows_; ++r) {
    float* panel = panels_.data() + r / panel_rows * panel_rows * columns_ + r % panel_rows;
    for (std::size_t c = 0; c < columns_; ++c) panel[c * panel_rows] = plain[r * columns_ + c];
  }
}

void packed_matrix::multiply(const float* in, std::size_t batch, float* out) const {
  const product p{panels_.data(), rows_, columns_, in, batch, out};
#if defined(__x86_64__)
  if (has_avx2()) return multiply_avx2(p);
#endif
  multiply_plain(p);
}

void rms_norm(std::span<const float> in, std::span<const float> weight, float epsilon, float* out) {
  const float mean = dot(in.data(), in.data(), in.size()) / static_cast<float>(in.size());
  const float scale = 1.0F / std::sqrt(mean + epsilon);
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = in[i] * scale * weight[i];
}

void rotate_pairs(std::span<float> x, const float* angles) {
  for (std::size_t i = 0; i + 1 < x.size(); i += 2) {
    const float first = x[i];
    const float second = x[i + 1];
    x[i] = first * angles[i] - second * angles[i + 1];
    x[i + 1] = first * angles[i + 1] + second * angles[i];
  }
}

void gate_silu(std::span<float> gate, const float* up) {
  for (std::size_t i = 0; i < gate.size(); ++i) {
    gate[i] = gate[i] / (1.0F + std::exp(-gate[i])) * up[i];
  }
}

void attend(std::span<const float> query, const float* keys, const float* values,
            std::size_t stride, std::size_t count, float* scores, float* out) {
  const std::size_t width = query.size();
  const float scale = 1.0F / std::sqrt(static_cast<float>(width));
  float largest = dot(query.data(), keys, width) * scale;
  scores[0] = largest;
  for (std::size_t t = 1; t < count; ++t) {
    scores[t] = dot(query.data(), keys + t * stride, width) * scale;
    largest = std::max(largest, scores[t]);
  }
  float sum = 0;
  for (std::size_t t = 0; t < count; ++t) {
    scores[t] = std::exp(scores[t] - largest);
    sum += scores[t];
  }
  std::fill_n(out, width, 0.0F);
  for (std::size_t t = 0; t < count; ++t) {
    const float share = scores[t] / sum;
    const float* value = values + t * stride;
    for (std::size_t i = 0; i < width; ++i) out[i] += share * value[i];
  }
}

}  // namespace tandem::embedded
