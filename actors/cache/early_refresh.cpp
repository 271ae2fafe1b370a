#include "actors/cache/early_refresh.hpp"

#include <cmath>

namespace tandem {

bool is_refresh_due(const cache_item& item, std::uint64_t now_ms, double beta, double uniform) {
  if (now_ms >= item.expires_ms) return true;
  // Also catches what is not a number.
  if (!(uniform > 0 && beta > 0)) return false;
  const auto left_ms = static_cast<double>(item.expires_ms - now_ms);
  const auto compute_ms = static_cast<double>(item.compute_us) / 1000;
  return -compute_ms * beta * std::log(uniform) >= left_ms;
}

bool early_refresh::begin(const cache_key& key, std::uint64_t now_ms, std::uint64_t until_ms) {
  if (const auto found = until_.find(key); found != until_.end()) {
    if (now_ms < found->second) return false;
    found->second = until_ms;
    return true;
  }
  if (until_.size() >= keys_max_)
    std::erase_if(until_, [now_ms](const auto& one) { return one.second <= now_ms; });
  if (until_.size() >= keys_max_) return false;
  until_.emplace(key, until_ms);
  return true;
}

void early_refresh::end(const cache_key& key) {
  until_.erase(key);
}

}  // namespace tandem
