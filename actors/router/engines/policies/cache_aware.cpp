#include <algorithm>

#include "actors/router/engines/policies/engine_policy_entry.hpp"

namespace tandem {
namespace {

/// The rule of sglang's router: while loads are balanced, the engine with the longest cached prefix
/// if that is more than a share of the prompt; else the least busy one. 0 as the absolute threshold
/// puts load first. Of engines with the same prefix the less busy.
class cache_aware_policy : public engine_policy {
 public:
  explicit cache_aware_policy(const engine_choice_config& config)
      : cache_threshold_{config.cache_threshold},
        abs_threshold_{config.balance_abs_threshold},
        rel_threshold_{config.balance_rel_threshold} {}

  std::string_view name() const override { return "cache_aware"; }

  std::size_t choose(const engine_question& question, choice_random& random) override {
    auto options = question.options;
    auto [least, most] =
        std::minmax_element(options.begin(), options.end(),
                            [](const auto& a, const auto& b) { return a.in_flight < b.in_flight; });
    auto unbalanced = most->in_flight - least->in_flight > abs_threshold_ &&
                      most->in_flight > rel_threshold_ * least->in_flight;
    if (!unbalanced) {
      auto best = best_option(options, random, [](const auto& option) {
        return -static_cast<std::int64_t>(option.cached_blocks);
      });
      auto blocks = static_cast<double>(question.prompt.hashes.size());
      if (options[best].cached_blocks > cache_threshold_ * blocks) return best;
    }
    return least_loaded(options, random);
  }

 private:
  double cache_threshold_;
  std::uint32_t abs_threshold_;
  double rel_threshold_;
};

}  // namespace

const engine_policy_entry cache_aware_entry{
    .summary = {"cache_aware", "the longest cached prefix while loads are balanced (sglang)"},
    .make = make_engine_policy_of<cache_aware_policy>};

}  // namespace tandem
