#include <algorithm>
#include <vector>

#include "actors/router/engines/policies/engine_policy_entry.hpp"

namespace tandem {
namespace {

/// The same session, else the same beginning of a prompt, always to the same engine; when engines
/// come or go only what was theirs moves (rendezvous hashing, Thaler and Ravishankar 1998). What
/// most engines have cached is common to all prompts: the block after it tells them apart.
class consistent_hash_policy : public engine_policy {
 public:
  explicit consistent_hash_policy(const engine_choice_config&) {}

  std::string_view name() const override { return "consistent_hash"; }

  std::size_t choose(const engine_question& question, choice_random&) override {
    auto key = question.session != 0 ? question.session : key_of(question);
    auto weight = [key](const engine_option& o) {
      return spread_bits(key ^ spread_bits(o.engine));
    };
    auto options = question.options;
    auto best = std::max_element(options.begin(), options.end(), [&](const auto& a, const auto& b) {
      return weight(a) < weight(b);
    });
    return static_cast<std::size_t>(best - options.begin());
  }

 private:
  std::uint64_t key_of(const engine_question& question) {
    const auto& hashes = question.prompt.hashes;
    if (hashes.empty()) return 0;
    return hashes[std::min<std::size_t>(std::max(common_blocks(question.options), 1u),
                                        hashes.size() - 1)];
  }

  /// How many of the first blocks half of the engines have.
  std::uint32_t common_blocks(std::span<const engine_option> options) {
    blocks_.clear();
    for (const auto& o : options) blocks_.push_back(o.cached_blocks);
    auto middle = blocks_.begin() + static_cast<std::ptrdiff_t>(blocks_.size() / 2);
    std::nth_element(blocks_.begin(), middle, blocks_.end());
    return options.size() < 3 ? 0 : *middle;
  }

  std::vector<std::uint32_t> blocks_;
};

}  // namespace

const engine_policy_entry consistent_hash_entry{
    .summary = {"consistent_hash", "the same session or beginning always to the same engine"},
    .make = make_engine_policy_of<consistent_hash_policy>};

}  // namespace tandem
