#include "actors/router/engines/policies/engine_policy_entry.hpp"

namespace tandem {
namespace {

/// By engine, not by place: which engines can take a call differs from call to call.
class round_robin_policy : public engine_policy {
 public:
  explicit round_robin_policy(const engine_choice_config&) {}

  std::string_view name() const override { return "round_robin"; }

  std::size_t choose(const engine_question& question, choice_random&) override {
    auto turn = [this](const engine_option& o) {
      return static_cast<engine_slot>(o.engine - next_);
    };
    auto options = question.options;
    std::size_t best = 0;
    for (std::size_t i = 1; i < options.size(); ++i)
      if (turn(options[i]) < turn(options[best])) best = i;
    next_ = static_cast<engine_slot>(options[best].engine + 1);
    return best;
  }
  bool needs_cache() const override { return false; }

 private:
  engine_slot next_ = 0;
};

}  // namespace

const engine_policy_entry round_robin_entry{.summary = {"round_robin", "one after the other"},
                                            .make = make_engine_policy_of<round_robin_policy>};

}  // namespace tandem
