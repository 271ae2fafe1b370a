#include "actors/engine/embedded/llama_model.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/engine/embedded/embedded_fixture.hpp"
#include "tests/unit/engine/embedded/gguf_builder.hpp"

namespace tandem::embedded {
namespace {

using namespace testing;

std::shared_ptr<const llama_model> load(const gguf_builder& from, const model_limits& limits = {}) {
  const auto bytes = from.bytes();
  return llama_model::load(gguf_file::parse(as_bytes(bytes), "tiny"), limits);
}

/// Logits after the last token, the sequence cut into batches of `chunk`.
std::vector<float> logits_after(const llama_model& model, const std::vector<token_id>& ids,
                                std::size_t chunk = 1'000) {
  kv_cache cache(model.shape());
  forward_scratch scratch;
  std::vector<batch_row> rows;
  for (std::uint32_t i = 0; i < ids.size(); ++i) {
    rows.push_back({&cache, i, ids[i], i + 1 == ids.size()});
    if (rows.size() == chunk || i + 1 == ids.size()) {
      model.forward(rows, scratch);
      rows.clear();
    }
  }
  return scratch.logits;
}

const std::vector<token_id> some_ids = {257, 97, 256, 258, 49, 50, 51, 256, 259};

TEST(llama_model, GivesTheLogProbabilitiesOfLlamaServer) {
  int compared = 0;
  for (const std::string name : {"planner", "executor-v2"}) {
    for (const std::string type : {"f16", "q8_0"}) {
      const auto file =
          name == "planner" ? "tandem-planner-v1-" + type : "tandem-" + name + "-" + type;
      const auto model = llama_model::load(gguf_file::open(model_path(file)));
      // llama.cpp rounds activations as it does weights; this engine keeps f32.
      const double tolerance = type == "f16" ? 0.02 : 0.3;
      for_each_golden(name + "-" + type, [&](simdjson::dom::element line) {
        const auto logits = logits_after(*model, ids_of(line["prompt_ids"]));
        double total = 0;
        for (const float logit : logits) total += std::exp(static_cast<double>(logit));
        for (auto top : line["first_logprobs"].at(0)["top"].get_array()) {
          const auto id = top.at(0).get_uint64().value();
          const auto expected = top.at(1).get_double().value();
          if (expected < -8) continue;  // far below the likeliest, rounding shows
          EXPECT_NEAR(logits.at(id) - std::log(total), expected, tolerance) << file;
          ++compared;
        }
      });
    }
  }
  EXPECT_GE(compared, 240);
}

TEST(llama_model, ComputesARowTheSameHoweverItIsBatched) {
  const auto model = load(tiny_model());
  const auto whole = logits_after(*model, some_ids);
  for (const std::size_t chunk : {1, 2, 3, 8}) {
    EXPECT_EQ(logits_after(*model, some_ids, chunk), whole) << chunk;
  }
  kv_cache first(model->shape()), second(model->shape());
  forward_scratch scratch;
  std::vector<batch_row> rows;
  for (std::uint32_t i = 0; i < some_ids.size(); ++i) {
    rows.push_back({&second, i, 65, false});
    rows.push_back({&first, i, some_ids[i], i + 1 == some_ids.size()});
  }
  model->forward(rows, scratch);
  EXPECT_EQ(scratch.logits, whole);
}

TEST(llama_model, SharesKeyValueHeadsAmongGroupsOfHeads) {
  auto grouped = tiny_model({8, 2, 1, 12, 48});
  auto full = tiny_model({8, 2, 2, 12, 48});
  for (auto& tensor : full.tensors) {
    if (tensor.name == "blk.0.attn_k.weight" || tensor.name == "blk.0.attn_v.weight") {
      const auto& one = grouped.find(tensor.name).data;
      tensor.data = one + one;
    } else {
      tensor.data = grouped.find(tensor.name).data;
    }
  }
  EXPECT_EQ(logits_after(*load(grouped), some_ids), logits_after(*load(full), some_ids));
}

TEST(llama_model, UsesTheEmbeddingWhereThereIsNoOutputMatrix) {
  auto untied = tiny_model();
  untied.find("output.weight").data = untied.find("token_embd.weight").data;
  auto tied = untied;
  std::erase_if(tied.tensors, [](const auto& tensor) { return tensor.name == "output.weight"; });
  EXPECT_EQ(logits_after(*load(tied), some_ids), logits_after(*load(untied), some_ids));
}

TEST(llama_model, TellsTheOrderOfTokensApart) {
  const auto model = load(tiny_model());
  EXPECT_NE(logits_after(*model, {97, 98, 99}), logits_after(*model, {98, 97, 99}));
}

TEST(llama_model, CapsTheContextAtTheLimit) {
  EXPECT_EQ(load(tiny_model())->shape().context, 48U);
  EXPECT_EQ(load(tiny_model(), {16, 1 << 30})->shape().context, 16U);
}

TEST(llama_model, ConvertsHalvesExactly) {
  EXPECT_EQ(half_to_float(0x3c00), 1.0F);
  EXPECT_EQ(half_to_float(0xc000), -2.0F);
  EXPECT_EQ(half_to_float(0x0001), std::ldexp(1.0F, -24));
  EXPECT_EQ(half_to_float(0x8400), -std::ldexp(1.0F, -14));
  EXPECT_EQ(half_to_float(0x7bff), 65504.0F);
  EXPECT_TRUE(std::isinf(half_to_float(0x7c00)));
  EXPECT_TRUE(std::isnan(half_to_float(0x7e00)));
}

TEST(llama_model, MultipliesMatricesOfAnySize) {
  for (const std::uint64_t rows : {1, 31, 32, 33, 70}) {
    const std::uint64_t columns = rows + 3;
    gguf_builder file;
    const auto weights = noise(rows * columns, 5);
    file.put_tensor("m", {columns, rows}, weights);
    const auto bytes = file.bytes();
    const auto parsed = gguf_file::parse(as_bytes(bytes), "m");
    const auto in = noise(columns * 2, 6);
    std::vector<float> out(rows * 2);
    packed_matrix(parsed.tensors().at("m")).multiply(in.data(), 2, out.data());
    for (std::size_t i = 0; i < out.size(); ++i) {
      double expected = 0;
      for (std::size_t c = 0; c < columns; ++c) {
        expected += weights[i % rows * columns + c] * in[i / rows * columns + c];
      }
      ASSERT_NEAR(out[i], expected, 1e-4) << rows;
    }
  }
}

TEST(llama_model, RefusesFilesThatAreNoPlainLlamaModel) {
  const auto refuses = [](std::string_view part, auto change, const model_limits& limits = {}) {
    auto file = tiny_model();
    change(file);
    try {
      load(file, limits);
      ADD_FAILURE() << "accepted: " << part;
    } catch (const gguf_error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  const auto sets = [](const std::string& key, std::uint32_t value) {
    return [=](gguf_builder& f) { f.put_uint(key, value); };
  };
  refuses("'mamba'", [](auto& f) { f.put_string("general.architecture", "mamba"); });
  refuses("'absent'", [](auto& f) { f.erase("general.architecture"); });
  refuses("rope scaling", [](auto& f) { f.put_string("llama.rope.scaling.type", "yarn"); });
  refuses("'llama.embedding_length' is 0", sets("llama.embedding_length", 0));
  refuses("'llama.block_count' is 4294967295", sets("llama.block_count", ~0U));
  refuses("is absent", [](auto& f) { f.erase("llama.context_length"); });
  refuses("no multiple", sets("llama.attention.head_count", 3));
  refuses("no multiple", sets("llama.attention.head_count_kv", 3));
  refuses("odd rope", sets("llama.rope.dimension_count", 3));
  refuses("'llama.rope.dimension_count' is 6", sets("llama.rope.dimension_count", 6));
  refuses("epsilon", [](auto& f) { f.put_float("llama.attention.layer_norm_rms_epsilon", NAN); });
  refuses("rope base", [](auto& f) { f.put_float("llama.rope.freq_base", -1); });
  refuses("'blk.1.attn_norm.weight' is missing", sets("llama.block_count", 2));
  refuses("12 x 8 but the metadata ask for 13 x 8", [](auto& f) {
    f.put_uint("llama.feed_forward_length", 13);
    for (const auto* name : {"blk.0.ffn_gate.weight", "blk.0.ffn_up.weight"}) {
      f.find(name).dims = {8, 13};
      f.find(name).data.resize(8 * 13 * 4);
    }
  });
  refuses("ask for 8 x 2", [](auto& f) { f.put_strings("tokenizer.ggml.tokens", {"a", "b"}); });
  refuses("'rope_freqs.weight' belongs to no plain llama", [](auto& f) {
    f.put_tensor("rope_freqs.weight", {2}, {1, 1});
  });
  refuses("more memory than allowed", [](auto&) {}, {48, 10'000});
}

}  // namespace
}  // namespace tandem::embedded
