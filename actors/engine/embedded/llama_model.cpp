#include "actors/engine/embedded/llama_model.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace tandem::embedded {

namespace {

std::uint32_t bounded(const gguf_file& file, const std::string& key,
                      std::optional<std::uint64_t> value, std::uint64_t max) {
  if (!value || *value == 0 || *value > max) {
    throw file.error("'" + key + "' is " + (value ? std::to_string(*value) : "absent") + "; 1 to " +
                     std::to_string(max) + " is allowed; export the model again");
  }
  return static_cast<std::uint32_t>(*value);
}

std::uint32_t required(const gguf_file& file, const std::string& key, std::uint64_t max) {
  return bounded(file, key, file.find_uint(key), max);
}

llama_shape read_shape(const gguf_file& file, const model_limits& limits) {
  const auto architecture = file.find_string("general.architecture").value_or("absent");
  if (architecture != "llama") {
    throw file.error("general.architecture is '" + std::string(architecture.substr(0, 64)) +
                     "'; only llama is supported; serve this model with llama-server");
  }
  if (file.find_string("llama.rope.scaling.type").value_or("none") != "none") {
    throw file.error("rope scaling is not supported; serve this model with llama-server");
  }
  llama_shape out;
  out.width = required(file, "llama.embedding_length", 16'384);
  out.layers = required(file, "llama.block_count", 256);
  out.heads = required(file, "llama.attention.head_count", 256);
  out.heads_kv = bounded(file, "llama.attention.head_count_kv",
                         file.find_uint("llama.attention.head_count_kv").value_or(out.heads), 256);
  out.feed_forward = required(file, "llama.feed_forward_length", 65'536);
  out.context = std::min(required(file, "llama.context_length", 1U << 30), limits.context_max);
  if (out.width % out.heads != 0 || out.heads % out.heads_kv != 0) {
    throw file.error(
        "the width is no multiple of the heads, or the heads are no multiple of the "
        "key-value heads; export the model again");
  }
  out.rotated = bounded(file, "llama.rope.dimension_count",
                        file.find_uint("llama.rope.dimension_count").value_or(out.head_width()),
                        out.head_width());
  const auto epsilon = file.find_float("llama.attention.layer_norm_rms_epsilon").value_or(0);
  const auto base = file.find_float("llama.rope.freq_base").value_or(10'000);
  if (out.rotated % 2 != 0 || !(epsilon > 0 && epsilon < 1) || !(base >= 1 && base <= 1e12)) {
    throw file.error(
        "an odd rope dimension count, a norm epsilon outside (0, 1) or a rope base "
        "outside 1 to 1e12; export the model again");
  }
  out.rms_epsilon = static_cast<float>(epsilon);
  out.rope_base = static_cast<float>(base);
  return out;
}

/// Hands out the tensors of a file by name, checks their shapes, and counts what they take in
/// memory.
class tensor_source {
 public:
  tensor_source(const gguf_file& file, std::uint64_t bytes_max)
      : file_(&file), bytes_left_(bytes_max) {}

  const gguf_tensor& get(const std::string& name, std::uint64_t columns, std::uint64_t rows) {
    const auto found = file_->tensors().find(name);
    if (found == file_->tensors().end()) {
      throw file_->error("tensor '" + name + "' is missing; export the model again");
    }
    const auto& tensor = found->second;
    if (tensor.dims[0] != columns || tensor.dims[1] != rows || tensor.dims[2] != 1 ||
        tensor.dims[3] != 1) {
      throw file_->error("tensor '" + name + "' is " + std::to_string(tensor.dims[0]) + " x " +
                         std::to_string(tensor.dims[1]) + " but the metadata ask for " +
                         std::to_string(columns) + " x " + std::to_string(rows) +
                         "; export the model again");
    }
    charge(columns * ((rows + 31) / 32 * 32) * sizeof(float));
    used_.push_back(name);
    return tensor;
  }

  packed_matrix matrix(const std::string& name, std::uint64_t columns, std::uint64_t rows) {
    return packed_matrix(get(name, columns, rows));
  }

  std::vector<float> values(const std::string& name, std::uint64_t columns,
                            std::uint64_t rows = 1) {
    const auto& tensor = get(name, columns, rows);
    std::vector<float> out(columns * rows);
    unpack(tensor, out);
    return out;
  }

  bool has(const std::string& name) const { return file_->tensors().count(name) != 0; }

  /// A tensor that nothing reads would mean that this is another kind of model.
  void expect_all_used() {
    if (used_.size() == file_->tensors().size()) return;
    std::sort(used_.begin(), used_.end());
    for (const auto& [name, tensor] : file_->tensors()) {
      if (std::binary_search(used_.begin(), used_.end(), name)) continue;
      throw file_->error("tensor '" + std::string(name.substr(0, 64)) +
                         "' belongs to no plain llama model; serve this one with llama-server");
    }
  }

 private:
  void charge(std::uint64_t bytes) {
    if (bytes > bytes_left_) {
      throw file_->error(
          "the weights take more memory than allowed; raise the limit, or serve "
          "this model with llama-server");
    }
    bytes_left_ -= bytes;
  }

  const gguf_file* file_;
  std::uint64_t bytes_left_;
  std::vector<std::string> used_;
};

}  // namespace

kv_cache::kv_cache(const llama_shape& shape)
    : context_(shape.context),
      kv_width_(shape.kv_width()),
      keys_(new float[shape.layers * context_ * kv_width_]),
      values_(new float[shape.layers * context_ * kv_width_]) {}

std::uint64_t kv_cache::bytes(const llama_shape& shape) {
  return std::uint64_t{2} * sizeof(float) * shape.layers * shape.context * shape.kv_width();
}

std::shared_ptr<const llama_model> llama_model::load(const gguf_file& file,
                                                     const model_limits& limits) {
  std::shared_ptr<llama_model> out(new llama_model);
  out->shape_ = read_shape(file, limits);
  out->load_tensors(file, limits);
  out->fill_angles();
  return out;
}

void llama_model::load_tensors(const gguf_file& file, const model_limits& limits) {
  const auto width = shape_.width;
  const auto ff = shape_.feed_forward;
  tensor_source source(file, limits.weights_bytes_max);
  const auto tokens = file.find_strings("tokenizer.ggml.tokens");
  shape_.vocabulary =
      bounded(file, "number of tokenizer.ggml.tokens", tokens ? tokens->size() : 0, 262'144);
  embedding_ = source.values("token_embd.weight", width, shape_.vocabulary);
  for (std::uint32_t i = 0; i < shape_.layers; ++i) {
    const auto at = "blk." + std::to_string(i) + ".";
    layer added;
    added.attention_norm = source.values(at + "attn_norm.weight", width);
    added.query = source.matrix(at + "attn_q.weight", width, width);
    added.key = source.matrix(at + "attn_k.weight", width, shape_.kv_width());
    added.value = source.matrix(at + "attn_v.weight", width, shape_.kv_width());
    added.attention_out = source.matrix(at + "attn_output.weight", width, width);
    added.feed_norm = source.values(at + "ffn_norm.weight", width);
    added.gate = source.matrix(at + "ffn_gate.weight", width, ff);
    added.up = source.matrix(at + "ffn_up.weight", width, ff);
    added.down = source.matrix(at + "ffn_down.weight", ff, width);
    layers_.push_back(std::move(added));
  }
  output_norm_ = source.values("output_norm.weight", width);
  const bool tied = !source.has("output.weight");
  if (tied) {
    output_ = packed_matrix(file.tensors().find("token_embd.weight")->second);
  } else {
    output_ = source.matrix("output.weight", width, shape_.vocabulary);
  }
  source.expect_all_used();
}

void llama_model::fill_angles() {
  angles_.resize(std::size_t{shape_.context} * shape_.rotated);
  for (std::uint32_t pair = 0; pair < shape_.rotated; pair += 2) {
    const double frequency = std::pow(static_cast<double>(shape_.rope_base),
                                      -static_cast<double>(pair) / shape_.rotated);
    for (std::size_t position = 0; position < shape_.context; ++position) {
      float* at = angles_.data() + position * shape_.rotated + pair;
      at[0] = static_cast<float>(std::cos(frequency * static_cast<double>(position)));
      at[1] = static_cast<float>(std::sin(frequency * static_cast<double>(position)));
    }
  }
}

void llama_model::norm_rows(const std::vector<float>& weight, std::size_t rows,
                            forward_scratch& s) const {
  const std::size_t width = shape_.width;
  for (std::size_t r = 0; r < rows; ++r) {
    rms_norm({s.hidden.data() + r * width, width}, weight, shape_.rms_epsilon,
             s.normed.data() + r * width);
  }
}

namespace {

void add(const float* from, std::size_t size, float* to) {
  for (std::size_t i = 0; i < size; ++i) to[i] += from[i];
}

void reserve(forward_scratch& s, const llama_shape& shape, std::size_t rows) {
  const auto grow = [](std::vector<float>& v, std::size_t size) {
    if (v.size() < size) v.resize(size);
  };
  for (auto* v : {&s.hidden, &s.normed, &s.query, &s.attended, &s.projected}) {
    grow(*v, rows * shape.width);
  }
  for (auto* v : {&s.key, &s.value}) grow(*v, rows * shape.kv_width());
  for (auto* v : {&s.gate, &s.up}) grow(*v, rows * shape.feed_forward);
  grow(s.scores, shape.context);
}

}  // namespace

void llama_model::attention(const layer& weights, std::size_t index,
                            std::span<const batch_row> rows, forward_scratch& s) const {
  const std::size_t width = shape_.width;
  const std::size_t kv_width = shape_.kv_width();
  const std::size_t head = shape_.head_width();
  norm_rows(weights.attention_norm, rows.size(), s);
  weights.query.multiply(s.normed.data(), rows.size(), s.query.data());
  weights.key.multiply(s.normed.data(), rows.size(), s.key.data());
  weights.value.multiply(s.normed.data(), rows.size(), s.value.data());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const float* angles = angles_.data() + std::size_t{rows[r].position} * shape_.rotated;
    float* query = s.query.data() + r * width;
    float* key = s.key.data() + r * kv_width;
    for (std::size_t at = 0; at < width; at += head) {
      rotate_pairs({query + at, shape_.rotated}, angles);
    }
    for (std::size_t at = 0; at < kv_width; at += head) {
      rotate_pairs({key + at, shape_.rotated}, angles);
    }
    std::copy_n(key, kv_width, rows[r].cache->keys(index, rows[r].position));
    std::copy_n(s.value.data() + r * kv_width, kv_width,
                rows[r].cache->values(index, rows[r].position));
  }
  const std::size_t group = shape_.heads / shape_.heads_kv;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const float* keys = rows[r].cache->keys(index, 0);
    const float* values = rows[r].cache->values(index, 0);
    for (std::size_t h = 0; h < shape_.heads; ++h) {
      const auto at = r * width + h * head;
      const auto shared = h / group * head;
      attend({s.query.data() + at, head}, keys + shared, values + shared, kv_width,
             std::size_t{rows[r].position} + 1, s.scores.data(), s.attended.data() + at);
    }
  }
  weights.attention_out.multiply(s.attended.data(), rows.size(), s.projected.data());
  add(s.projected.data(), rows.size() * width, s.hidden.data());
}

void llama_model::feed_forward(const layer& weights, std::size_t rows, forward_scratch& s) const {
  norm_rows(weights.feed_norm, rows, s);
  weights.gate.multiply(s.normed.data(), rows, s.gate.data());
  weights.up.multiply(s.normed.data(), rows, s.up.data());
  gate_silu({s.gate.data(), rows * shape_.feed_forward}, s.up.data());
  weights.down.multiply(s.gate.data(), rows, s.projected.data());
  add(s.projected.data(), rows * shape_.width, s.hidden.data());
}

void llama_model::forward(std::span<const batch_row> rows, forward_scratch& s) const {
  const std::size_t width = shape_.width;
  reserve(s, shape_, rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::copy_n(embedding_.data() + rows[r].token * width, width, s.hidden.data() + r * width);
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    attention(layers_[i], i, rows, s);
    feed_forward(layers_[i], rows.size(), s);
  }
  std::size_t wanted = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (!rows[r].wants_logits) continue;
    rms_norm({s.hidden.data() + r * width, width}, output_norm_, shape_.rms_epsilon,
             s.normed.data() + wanted * width);
    ++wanted;
  }
  s.logits.resize(wanted * shape_.vocabulary);
  output_.multiply(s.normed.data(), wanted, s.logits.data());
}

}  // namespace tandem::embedded
