#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tandem::bench {

/// A question and the same in other words.
struct reworded {
  std::string original;
  std::string rewording;
};

struct semantic_data {
  /// GSM8K (RouteLLM's table) with its rewordings (llm-decontaminator), by index.
  std::vector<reworded> questions;
  /// Goals of AsyncHow.
  std::vector<std::string> goals;
  /// False: only the samples in tests/data, too few to learn a bound from.
  bool full = false;
};

/// From `folder`, or the samples when it is empty; exits when a file cannot be read.
[[nodiscard]] semantic_data read_semantic_data(const std::filesystem::path& folder);

}  // namespace tandem::bench
