// Any bytes as a weights file: parsing, tokenizer, model and one forward pass either work or throw
// gguf_error, within bounded memory and time.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "actors/engine/embedded/gguf_file.hpp"
#include "actors/engine/embedded/llama_model.hpp"
#include "actors/engine/embedded/sampler.hpp"
#include "actors/engine/embedded/tokenizer.hpp"

using namespace tandem::embedded;

namespace {

void use(const gguf_file& file) {
  const tokenizer words(file);
  const auto prompt = words.encode("What is <|end|>12+3?", control_tokens::parse, 64);
  static_cast<void>(words.decode(prompt.ids));
  const auto model = llama_model::load(file, {16, 4 << 20});
  kv_cache cache(model->shape());
  forward_scratch scratch;
  std::vector<batch_row> rows;
  const auto count = std::min<std::size_t>({prompt.ids.size(), model->shape().context, 4});
  for (std::uint32_t i = 0; i < count; ++i) rows.push_back({&cache, i, prompt.ids[i], true});
  model->forward(rows, scratch);
  const std::span<const float> logits(scratch.logits.data(), model->shape().vocabulary);
  if (count != 0 && sampler({1, 5, 0.9F, 1}).pick(logits) >= words.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto file =
        gguf_file::parse({reinterpret_cast<const std::byte*>(data), size}, "fuzzed input");
    static_cast<void>(file.version());
    use(file);
  } catch (const gguf_error&) {
  }
  return 0;
}
