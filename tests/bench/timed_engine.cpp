#include "tests/bench/timed_engine.hpp"

namespace tandem::bench {

void timed_engine::restart(double now_s) {
  free_at_s_ = now_s;
  order_.clear();
  places_.clear();
}

std::uint32_t timed_engine::cached(const traced_request& r) const {
  std::uint32_t count = 0;
  for (auto block : r.blocks) {
    if (!places_.contains(block)) break;
    ++count;
  }
  return count;
}

timed_engine::served timed_engine::serve(const traced_request& r, double now_s) {
  auto blocks = cached(r);
  auto tokens = std::min<std::uint64_t>(std::uint64_t{blocks} * trace_block_tokens, r.input);
  free_at_s_ = std::max(now_s, free_at_s_) + static_cast<double>(r.input - tokens) / speed_;
  for (auto i = r.blocks.size(); i-- > 0;) {
    auto [place, is_new] = places_.try_emplace(r.blocks[i]);
    if (!is_new) {
      order_.splice(order_.end(), order_, place->second);
      continue;
    }
    order_.push_back(r.blocks[i]);
    place->second = std::prev(order_.end());
  }
  while (order_.size() > capacity_) {
    places_.erase(order_.front());
    order_.pop_front();
  }
  return {free_at_s_, free_at_s_, tokens, blocks};
}

}  // namespace tandem::bench
