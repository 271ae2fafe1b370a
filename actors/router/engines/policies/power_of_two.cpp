#include "actors/router/engines/policies/engine_policy_entry.hpp"

namespace tandem {
namespace {

/// The less busy of two drawn ones (Mitzenmacher 2001): does not herd where loads are old.
class power_of_two_policy : public engine_policy {
 public:
  explicit power_of_two_policy(const engine_choice_config&) {}

  std::string_view name() const override { return "power_of_two"; }

  std::size_t choose(const engine_question& question, choice_random& random) override {
    auto options = question.options;
    if (options.size() == 1) return 0;
    auto first = random.below(options.size());
    auto second = random.below(options.size() - 1);
    if (second >= first) ++second;
    return is_less_loaded(options[second], options[first]) ? second : first;
  }
  bool needs_cache() const override { return false; }
};

}  // namespace

const engine_policy_entry power_of_two_entry{
    .summary = {"power_of_two", "the less busy of two drawn ones"},
    .make = make_engine_policy_of<power_of_two_policy>};

}  // namespace tandem
