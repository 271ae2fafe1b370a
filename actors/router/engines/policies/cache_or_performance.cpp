#include <utility>

#include "actors/router/engines/policies/engine_policy_entry.hpp"

namespace tandem {
namespace {

/// Above a share of the prompt that is cached somewhere: the engine that has most of it. Else the
/// one that would answer first had nobody anything cached.
class cache_or_performance_policy : public engine_policy {
 public:
  explicit cache_or_performance_policy(const engine_choice_config& config)
      : complexity_threshold_{config.complexity_threshold} {}

  std::string_view name() const override { return "cache_or_performance"; }

  std::size_t choose(const engine_question& question, choice_random& random) override {
    auto options = question.options;
    auto cached = best_option(options, random, [](const auto& option) {
      return std::pair{-static_cast<std::int64_t>(option.cached_tokens), option.ttft_s()};
    });
    auto tokens = static_cast<double>(question.prompt.tokens);
    if (static_cast<double>(options[cached].cached_tokens) > complexity_threshold_ * tokens)
      return cached;
    return best_option(options, random, [tokens](const auto& option) {
      return option.wait_s + option.bias_s + tokens * option.token_s;
    });
  }

 private:
  double complexity_threshold_;
};

}  // namespace

const engine_policy_entry cache_or_performance_entry{
    .summary = {"cache_or_performance", "the most cached where that is enough, else the fastest"},
    .make = make_engine_policy_of<cache_or_performance_policy>};

}  // namespace tandem
