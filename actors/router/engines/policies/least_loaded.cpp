#include "actors/router/engines/policies/engine_policy_entry.hpp"

namespace tandem {
namespace {

class least_loaded_policy : public engine_policy {
 public:
  explicit least_loaded_policy(const engine_choice_config&) {}

  std::string_view name() const override { return "least_loaded"; }

  std::size_t choose(const engine_question& question, choice_random& random) override {
    return least_loaded(question.options, random);
  }
  bool needs_cache() const override { return false; }
};

}  // namespace

const engine_policy_entry least_loaded_entry{
    .summary = {"least_loaded", "the fewest calls in flight for its concurrency"},
    .make = make_engine_policy_of<least_loaded_policy>};

}  // namespace tandem
