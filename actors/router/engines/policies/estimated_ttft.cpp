#include <cmath>

#include "actors/router/engines/policies/engine_policy_entry.hpp"

namespace tandem {
namespace {

/// Times that are nearer to each other than this are equal: nobody sees the difference, rates are
/// not known that well, and what the calls in flight do to the rest of the answer is more.
constexpr double tie_s = 0.01;

/// Where the first token comes first. A hot prefix is computed again elsewhere by itself: as soon
/// as waiting for its owner takes longer than that.
class estimated_ttft_policy : public engine_policy {
 public:
  explicit estimated_ttft_policy(const engine_choice_config&) {}

  std::string_view name() const override { return "estimated_ttft"; }

  std::size_t choose(const engine_question& question, choice_random& random) override {
    return best_option(question.options, random, [](const auto& option) {
      return std::floor((option.ttft_s() + option.bias_s) / tie_s);
    });
  }
};

}  // namespace

const engine_policy_entry estimated_ttft_entry{
    .summary = {"estimated_ttft", "where the first token is expected first"},
    .make = make_engine_policy_of<estimated_ttft_policy>};

}  // namespace tandem
