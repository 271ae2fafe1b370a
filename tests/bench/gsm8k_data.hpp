#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <caf/expected.hpp>

namespace tandem::bench {

/// One question of GSM8K with whether a small and a large model (Mixtral 8x7B, GPT-4) were right.
struct graded_prompt {
  std::string prompt;
  bool small = false;
  bool large = false;
};

/// `folder` holds routellm/gsm8k_responses.csv and contaminated_prompts.jsonl (RouteLLM,
/// arXiv 2406.18665); prompts of the latter are left out: 1,307 rows. `not_found` says what to do.
[[nodiscard]] caf::expected<std::vector<graded_prompt>> read_gsm8k(
    const std::filesystem::path& folder);

/// All 1,319 prompts of the table, in its order.
[[nodiscard]] caf::expected<std::vector<std::string>> read_gsm8k_prompts(
    const std::filesystem::path& folder);

/// The argument, or TANDEM_BENCH_DATA, or `../shared/data` beside the checkout.
[[nodiscard]] std::filesystem::path data_folder(int argc, char** argv);

}  // namespace tandem::bench
