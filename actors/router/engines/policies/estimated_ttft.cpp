#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

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
    const auto options = question.options;
    keys_.resize(options.size());
    auto lowest = UINT64_MAX;
    for (std::size_t i = 0; i < options.size(); ++i) {
      keys_[i] = key_of(options[i]);
      lowest = std::min(lowest, keys_[i]);
    }
    auto bias = std::numeric_limits<double>::infinity();
    equal_.clear();
    for (std::size_t i = 0; i < options.size(); ++i) {
      if (keys_[i] != lowest || options[i].bias_s > bias) continue;
      if (options[i].bias_s < bias) equal_.clear();
      bias = options[i].bias_s;
      equal_.push_back(i);
    }
    return equal_.size() == 1 ? equal_[0] : equal_[random.tie(equal_.size())];
  }

 private:
  /// Ordered as the time in ties, then the load. One number, since there may be a thousand engines,
  /// and most of them nearly equal.
  static std::uint64_t key_of(const engine_option& option) {
    auto ties = std::clamp((option.ttft_s() + option.bias_s) * (1 / tie_s), 0.0, ties_max);
    auto load = static_cast<float>(option.in_flight) / static_cast<float>(option.concurrency);
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(ties)) << 32 |
           std::bit_cast<std::uint32_t>(load);
  }

  static constexpr double ties_max = 4e9;
  std::vector<std::uint64_t> keys_;
  std::vector<std::size_t> equal_;
};

}  // namespace

const engine_policy_entry estimated_ttft_entry{
    .summary = {"estimated_ttft", "where the first token is expected first"},
    .make = make_engine_policy_of<estimated_ttft_policy>};

}  // namespace tandem
