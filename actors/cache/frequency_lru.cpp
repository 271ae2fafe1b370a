#include "actors/cache/frequency_lru.hpp"

#include <algorithm>
#include <array>

namespace tandem {

namespace {

constexpr std::uint8_t small_queue = 0;
constexpr std::uint8_t main_queue = 1;
constexpr std::uint8_t uses_max = 3;
/// In the small queue: below that an item is a passer-by.
constexpr std::uint8_t uses_to_stay = 2;
/// The small queue's part, and the main queue's.
constexpr std::size_t small_tenths = 1, main_tenths = 9;
constexpr std::size_t looked_at_per_key = 8, looked_at_more = 1000;

}  // namespace

std::size_t frequency_lru::total() const {
  return table_.of(small_queue).bytes + table_.of(main_queue).bytes;
}

void frequency_lru::on_use(item_table::number n) {
  auto& uses = table_.at(n).uses;
  if (uses < uses_max) ++uses;
}

std::uint8_t frequency_lru::queue_for(const cache_key& key) {
  return table_.take_ghost(key) ? main_queue : small_queue;
}

bool frequency_lru::evict() {
  if (table_.of(small_queue).bytes * 10 >= total() * small_tenths) {
    if (evict_small()) return true;
  }
  if (evict_main() || evict_small()) return true;
  table_.keep_ghosts(0);
  return false;
}

bool frequency_lru::evict_small() {
  while (table_.of(small_queue).size > 0) {
    const auto n = table_.of(small_queue).oldest;
    if (table_.at(n).uses >= uses_to_stay) {
      table_.at(n).uses = 0;
      table_.make_newest(n, main_queue);
      if (table_.of(main_queue).bytes * 10 > total() * main_tenths) return evict_main();
      continue;
    }
    const auto key = table_.at(n).key;
    drop(n);
    table_.add_ghost(key);
    table_.keep_ghosts(table_.size() * main_tenths / 10);
    return true;
  }
  return false;
}

bool frequency_lru::evict_main() {
  while (table_.of(main_queue).size > 0) {
    const auto n = table_.of(main_queue).oldest;
    if (table_.at(n).uses == 0) {
      drop(n);
      return true;
    }
    --table_.at(n).uses;
    table_.make_newest(n, main_queue);
  }
  return false;
}

std::vector<cache_key> frequency_lru::hottest(std::size_t n) const {
  std::array<std::vector<cache_key>, uses_max + 1> by_uses;
  auto visits = n * looked_at_per_key + looked_at_more;
  for (const auto queue : {main_queue, small_queue}) {
    for (auto at = table_.of(queue).newest; at != item_table::none && visits > 0; --visits) {
      const auto& x = table_.at(at);
      auto& found = by_uses[x.uses];
      if (found.size() < n) found.push_back(x.key);
      at = x.older;
    }
  }
  std::vector<cache_key> keys;
  for (auto found = by_uses.rbegin(); found != by_uses.rend(); ++found)
    keys.insert(
        keys.end(), found->begin(),
        found->begin() + static_cast<std::ptrdiff_t>(std::min(found->size(), n - keys.size())));
  return keys;
}

}  // namespace tandem
