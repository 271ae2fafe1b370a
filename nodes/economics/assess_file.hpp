#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <caf/expected.hpp>

#include "nodes/economics/claims.hpp"
#include "nodes/economics/log_summary.hpp"
#include "nodes/economics/scenario.hpp"

namespace tandem {

/// Everything that an assessment needs.
struct assess_request {
  assess_inputs inputs;
  std::vector<claim> claims;
  /// What was assumed because nobody said it; for people.
  std::vector<std::string> notes;
};

enum class pool_name : unsigned char { large, small };

/// Puts the inputs together: defaults, then what a log, a file and flags say, each over the one
/// before; then `finish`. Errors are `invalid_argument`, with file, line and column where there is
/// a file, or `not_found` for a profile.
class assess_builder {
 public:
  /// `fleets`: the folder of the profiles that names stand for.
  explicit assess_builder(std::filesystem::path fleets);

  /// The calls of one model of a log named `source`: rate, tokens, and what they cost.
  void use_log(const model_traffic& traffic, const std::string& source);
  /// A TOML text: `[workload]`, `[large]`, `[small]`, `[costs]`, `[limits]`, `[[claim]]`.
  [[nodiscard]] caf::error use_text(std::string_view text, const std::string& source);
  [[nodiscard]] caf::error use_profile(pool_name pool, std::string_view which);
  /// US dollars per million tokens, in and out.
  void use_prices(pool_name pool, sourced_number input, sourced_number output);
  void use_qps(sourced_number qps);
  void use_tokens(double input, double output);
  [[nodiscard]] caf::error use_large_share(sourced_number share);
  [[nodiscard]] assess_inputs& inputs() { return request_.inputs; }

  /// Pools that nobody named are public models (qwen3-235b-a22b-fp8, qwen3-14b-fp8), with a note.
  [[nodiscard]] caf::expected<assess_request> finish();

 private:
  class file_reader;

  [[nodiscard]] pool_inputs& pool(pool_name name);

  std::filesystem::path fleets_;
  assess_request request_;
  bool has_qps_ = false;
  bool has_tokens_ = false;
  bool has_pool_[2] = {false, false};
};

/// The model of a log to assess: `named`, or the one that costs the most. `not_found` lists them.
[[nodiscard]] caf::expected<model_traffic> choose_model(const log_summary& log,
                                                        std::string_view named);

}  // namespace tandem
