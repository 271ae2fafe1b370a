#include "actors/router/engines/policies/engine_policy_entry.hpp"

namespace tandem {
namespace {

/// Where the first token comes first. A hot prefix is computed again elsewhere by itself: as soon
/// as waiting for its owner takes longer than that.
class estimated_ttft_policy : public engine_policy {
 public:
  explicit estimated_ttft_policy(const engine_choice_config&) {}

  std::string_view name() const override { return "estimated_ttft"; }

  std::size_t choose(const engine_question& question, choice_random& random) override {
    return best_option(question.options, random,
                       [](const auto& option) { return option.ttft_s() + option.bias_s; });
  }
};

}  // namespace

const engine_policy_entry estimated_ttft_entry{
    .summary = {"estimated_ttft", "where the first token is expected first"},
    .make = make_engine_policy_of<estimated_ttft_policy>};

}  // namespace tandem
