#include "tests/bench/warm_foresight.hpp"

#include <algorithm>

namespace tandem::bench {

void warm_foresight::remember(std::span<const traced_request> before) {
  for (const auto& each : before) seen_.insert(each.blocks.begin(), each.blocks.end());
}

void warm_foresight::plan(std::span<const traced_request> coming, std::size_t number_of_first,
                          std::span<const warm_engine> engines, std::uint32_t first,
                          std::uint32_t count) {
  for (std::size_t i = 0; i < coming.size(); ++i) {
    auto known = coming[i];
    auto is_new = [&](auto block) { return !seen_.contains(block); };
    auto& blocks = known.blocks;
    blocks.erase(std::find_if(blocks.begin(), blocks.end(), is_new), blocks.end());
    std::size_t had = 0;
    for (const auto& each : engines) had = std::max<std::size_t>(had, each.timed.cached(known));
    auto to = first + turn_ % count;
    // A conversation stays where its beginning is; the first block is common to all.
    for (; had < blocks.size() && places_.contains(blocks[had]); ++had)
      if (had > 0) to = places_[blocks[had]];
    if (had >= blocks.size()) continue;
    ++turn_;
    for (auto block : blocks) places_.emplace(block, to);
    plans_[to].push_back({number_of_first + i, std::move(blocks)});
  }
}

std::optional<std::vector<std::uint64_t>> warm_foresight::next(std::uint32_t engine,
                                                               std::size_t number) {
  auto& plan = plans_[engine];
  while (!plan.empty() && plan.front().request < number) plan.pop_front();
  if (plan.empty()) return std::nullopt;
  return plan.front().blocks;
}

void warm_foresight::done(std::uint32_t engine) {
  if (!plans_[engine].empty()) plans_[engine].pop_front();
}

}  // namespace tandem::bench
