#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>

#include <caf/expected.hpp>

#include "schema/errc.hpp"

namespace tandem {

/// What one model once answered to a set of prompts.
class recorded_answers {
 public:
  static constexpr std::size_t file_bytes_max = std::size_t{256} << 20;
  static constexpr std::size_t rows_max = 1'000'000;

  struct answer {
    std::string text;
    /// As whoever recorded it judged.
    bool right = false;
  };

  /// From CSV with a header: columns `prompt`, `column` (True or False) and `column`_response.
  /// `invalid_argument` says which line or column is wrong.
  [[nodiscard]] static caf::expected<recorded_answers> parse(std::string_view csv,
                                                             const std::string& column);
  /// The same from a file of at most file_bytes_max.
  [[nodiscard]] static caf::expected<recorded_answers> load(const std::filesystem::path& path,
                                                            const std::string& column);

  /// nullptr: this prompt was not recorded. White space around it does not count. Of prompts that
  /// were recorded twice the first counts.
  [[nodiscard]] const answer* find(std::string_view prompt) const;
  [[nodiscard]] std::size_t size() const { return answers_.size(); }

 private:
  std::unordered_map<std::string, answer> answers_;
};

}  // namespace tandem
