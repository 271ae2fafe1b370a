#include "actors/router/learning/feature_extractor.hpp"

#include <algorithm>
#include <cmath>

#include "actors/router/learning/text_scan.hpp"

namespace tandem {
namespace {

constexpr float value_max = 4;
/// Into which kind, check, tenant and tags are hashed together.
constexpr std::size_t circumstances = 8;
/// Of so many n-grams, from the front, those of sparse_features_max dimensions are kept: words
/// first.
constexpr std::size_t grams_max = 4096;
/// Each in its own half of the dimensions: a word says more than a pair, and there are fewer.
constexpr std::size_t half = sparse_dimensions / 2;
constexpr float pair_value = 0.5f;
constexpr float skip_pair_value = 0.4f;
constexpr float number_value = 1.5f;
/// An ordinary prompt's n-grams have length 1 together, a long one's more: each word adds up.
constexpr float gram_scale = 0.125f;
constexpr float word_scale = 0.2f;

float bounded(double value) {
  return std::isfinite(value) ? static_cast<float>(std::clamp(value, -4.0, 4.0)) : 0;
}

/// Numbers are put one after another until the dense part is full.
class dense_writer {
 public:
  dense_writer(feature_vector& out, std::size_t size) : out_{out}, size_{size} {}
  void put(double value) {
    if (used_ < size_) out_.dense[used_++] = bounded(value);
  }
  [[nodiscard]] std::span<float> take(std::size_t wanted) {
    auto count = std::min(wanted, size_ - used_);
    used_ += count;
    return {out_.dense.data() + used_ - count, count};
  }

 private:
  feature_vector& out_;
  std::size_t size_;
  std::size_t used_ = 0;
};

void add_hashed(std::span<float> into, std::uint64_t hash, float value) {
  if (into.empty()) return;
  into[(hash >> 1) % into.size()] += (hash & 1) != 0 ? value : -value;
}

double log1(double count) {
  return std::log1p(count);
}

/// Each about zero where prompts are ordinary, and about one apart where they differ much, so that
/// one strength of regularisation suits all.
void put_shape(const text_counts& c, dense_writer& out) {
  double words = std::max<double>(c.words, 1);
  double numbers = c.numbers + c.number_words;
  out.put(std::log(words) - 3.8);
  out.put(log1(c.numbers) - 1.5);
  out.put(log1(c.sentences) - 1.4);
  out.put(log1(numbers) - 1.8);
  out.put(4 * numbers / words - 0.5);
  out.put(std::log(words / std::max<double>(c.sentences, 1)) - 2.6);
  out.put(log1(c.operators));
  out.put(log1(c.longest_number) - 1);
  out.put(c.numbers == 0 ? 0 : c.digits / static_cast<double>(c.numbers) - 1.8);
  out.put(log1(c.fractions));
  out.put(log1(c.number_words));
  out.put(log1(c.currencies));
  out.put(log1(c.commas) - 0.7);
  out.put(log1(c.questions) - 0.7);
  out.put(log1(c.brackets));
  out.put(log1(c.code_signs) / 2);
  out.put(log1(c.lines) / 2);
  out.put(log1(c.quotes) / 2);
  out.put(c.letters / words - 4);
  out.put(4 * c.capitals / words - 0.6);
  out.put(4.0 * c.foreign / std::max<double>(c.letters, 1));
  out.put(4 * (c.distinct_words() / words - 0.7));
  out.put((log1(static_cast<double>(c.bytes)) - 5.5) / 2);
}

void put_circumstances(const decision_facts& facts, dense_writer& out) {
  out.put(log1(facts.tries));
  out.put(log1(facts.position) / 2);
  out.put(log1(facts.fan_in) / 2);
  out.put(facts.max_tokens == 0 ? 0 : (log1(facts.max_tokens) - 5.5) / 3);
  out.put((log1(static_cast<double>(facts.texts.size())) - 0.7) / 2);
  auto into = out.take(circumstances);
  auto hash = [&](std::string_view text, std::uint64_t seed) {
    if (text.empty()) return;
    auto h = feature_hash(text, seed);
    // Twice, so that two names seldom look the same; each in a half of its own, since both in one
    // place could cancel out.
    add_hashed(into.first(into.size() / 2), h, 0.7f);
    add_hashed(into.subspan(into.size() / 2), mix_hash(h + 1), 0.7f);
  };
  hash(facts.kind, 1);
  hash(facts.tenant, 3);
  for (auto tag : facts.tags.first(std::min<std::size_t>(facts.tags.size(), 8))) hash(tag, 4);
  for (auto& value : into) value = bounded(value);
}

void put_embedding(std::span<const float> embedding, std::span<float> into) {
  double norm = 0;
  for (float value : embedding) norm += std::isfinite(value) ? double{value} * value : 0;
  if (!(norm > 0) || !std::isfinite(norm)) return;
  auto scale = 2 / std::sqrt(norm);
  for (std::size_t i = 0; i < embedding.size(); ++i)
    if (std::isfinite(embedding[i]))
      add_hashed(into, mix_hash(i + 0x9e3779b97f4a7c15), static_cast<float>(scale * embedding[i]));
  for (auto& value : into) value = bounded(value);
}

/// Sums what fell into the same dimension.
void fold(std::vector<sparse_feature>& grams) {
  std::sort(grams.begin(), grams.end(), [](auto& a, auto& b) { return a.index < b.index; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < grams.size();) {
    auto sum = grams[i];
    for (++i; i < grams.size() && grams[i].index == sum.index; ++i) sum.value += grams[i].value;
    // The third "the" says less than the first.
    auto count = std::abs(sum.value);
    if (count < 0.01f) continue;
    if (count > 1) sum.value = std::copysign(1 + 0.3f * std::log(count), sum.value);
    sum.value *= gram_scale;
    grams[kept++] = sum;
  }
  grams.resize(std::min(kept, sparse_features_max));
}

}  // namespace

std::uint32_t feature_version_with(std::string_view embedding_model) {
  // Above all versions without.
  return (feature_version << 24) | 0x80000000u |
         static_cast<std::uint32_t>(feature_hash(embedding_model, 5) & 0xffffffu);
}

void feature_extractor::extract(const decision_facts& facts, feature_vector& out) const {
  auto size = std::clamp<std::size_t>(config_.dense, 1, dense_features_max);
  out.dense.fill(0);
  out.dense_size = static_cast<std::uint32_t>(size);
  out.sparse.clear();

  std::array<float, dense_features_max> hashed{};
  // 37: what put_shape and put_circumstances write, the constant included.
  auto fixed = std::min<std::size_t>(size, 1 + 23 + 5 + circumstances);
  std::span<float> words{hashed.data(), size - fixed};
  auto push = [&](std::uint64_t hash, std::size_t from, float value) {
    out.sparse.push_back(
        {static_cast<std::uint16_t>(from + (hash >> 1) % half), (hash & 1) != 0 ? value : -value});
  };
  std::uint64_t last = 0;
  std::uint64_t before_last = 0;
  std::uint32_t numbers = 0;
  text_scan scan;
  scan.read(facts.texts, [&](std::uint64_t word) {
    add_hashed(words, word, 1);
    if (config_.sparse && out.sparse.size() + 3 <= grams_max) {
      bool number = scan.counts().numbers != numbers;
      numbers = scan.counts().numbers;
      push(word, 0, number ? number_value : 1);
      if (last != 0) push(mix_hash(last * 31 + word), half, pair_value);
      if (before_last != 0) push(mix_hash(before_last * 37 + word), half, skip_pair_value);
    }
    before_last = last;
    last = word;
  });

  dense_writer dense{out, size};
  dense.put(1);
  put_shape(scan.counts(), dense);
  put_circumstances(facts, dense);
  auto rest = dense.take(words.size());
  if (facts.embedding.empty() && !config_.embeddings) {
    for (std::size_t i = 0; i < rest.size(); ++i) rest[i] = bounded(word_scale * words[i]);
  } else {
    put_embedding(facts.embedding, rest);
  }
  if (!out.sparse.empty()) fold(out.sparse);
}

}  // namespace tandem
