#include <cstdint>
#include <utility>
#include <vector>

#include "actors/router/engines/policies/engine_policy_entry.hpp"

namespace tandem {
namespace {

/// The one whose last call is longest ago. By engine, not by place: which engines can take a call
/// differs from call to call, and not every choice becomes a call.
class round_robin_policy : public engine_policy {
 public:
  explicit round_robin_policy(const engine_choice_config&) {}

  std::string_view name() const override { return "round_robin"; }

  std::size_t choose(const engine_question& question, choice_random&) override {
    auto turn = [this](const engine_option& o) {
      return std::pair{o.engine < last_.size() ? last_[o.engine] : 0, o.engine};
    };
    auto options = question.options;
    std::size_t best = 0;
    for (std::size_t i = 1; i < options.size(); ++i)
      if (turn(options[i]) < turn(options[best])) best = i;
    return best;
  }
  void on_assigned(engine_slot engine) override {
    if (last_.size() <= engine) last_.resize(std::size_t{engine} + 1);
    last_[engine] = ++calls_;
  }
  bool needs_cache() const override { return false; }

 private:
  std::uint64_t calls_ = 0;
  /// By slot: the number of its last call.
  std::vector<std::uint64_t> last_;
};

}  // namespace

const engine_policy_entry round_robin_entry{.summary = {"round_robin", "one after the other"},
                                            .make = make_engine_policy_of<round_robin_policy>};

}  // namespace tandem
