#include "actors/warm_up/warm_budget.hpp"

#include <algorithm>

namespace tandem {
namespace {

/// A few blocks: what tells whether it is worth it.
constexpr std::uint64_t probe_tokens = 512;

}  // namespace

warm_budget::warm_budget(std::uint64_t tokens_max)
    : max_{tokens_max}, min_{std::min(tokens_max, probe_tokens)}, tokens_{tokens_max} {}

void warm_budget::on_window(std::uint64_t used, std::uint64_t wasted) {
  if (wasted > used)
    tokens_ = std::max(tokens_ / 2, min_);
  else if (used > wasted)
    tokens_ = std::min(std::max<std::uint64_t>(tokens_, 1) * 2, max_);
}

}  // namespace tandem
