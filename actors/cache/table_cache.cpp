#include "actors/cache/table_cache.hpp"

#include <algorithm>
#include <utility>

#include "actors/cache/frequency_lru.hpp"
#include "actors/cache/heap_size.hpp"
#include "actors/cache/recency_lru.hpp"

namespace tandem {

table_cache::table_cache(std::size_t bytes_max)
    : table_(std::max(bytes_max, cache_bytes_min)),
      bytes_max_(std::max(bytes_max, cache_bytes_min)) {}

const cache_item* table_cache::find(const cache_key& key, std::uint64_t now_ms) {
  const auto n = table_.find(key);
  if (n == item_table::none) {
    ++counts_.misses;
    return nullptr;
  }
  if (!is_fresh(table_.at(n).item, now_ms)) {
    ++counts_.expired;
    table_.erase(n);
    return nullptr;
  }
  ++counts_.hits;
  on_use(n);
  return &table_.at(n).item;
}

const cache_item* table_cache::peek(const cache_key& key, std::uint64_t now_ms) {
  const auto n = table_.find(key);
  return n == item_table::none || !is_fresh(table_.at(n).item, now_ms) ? nullptr
                                                                       : &table_.at(n).item;
}

void table_cache::make_room(const cache_key& key, std::size_t more) {
  while (table_.bytes() + table_.growth_for(key) + more > bytes_max_)
    if (!evict()) return;
}

bool table_cache::put(const cache_key& key, cache_item item) {
  const auto value_bytes = heap_size(item.value);
  if (item.value.empty() || value_bytes > item_bytes_max(bytes_max_)) {
    ++counts_.refused;
    erase(key);
    return false;
  }
  // Making room may take the very item that is to be replaced.
  make_room(key, value_bytes);
  if (const auto n = table_.find(key); n != item_table::none) {
    table_.replace(n, std::move(item));
    on_replaced(n);
  } else {
    table_.insert(key, std::move(item), queue_for(key));
  }
  return true;
}

bool table_cache::erase(const cache_key& key) {
  const auto n = table_.find(key);
  if (n == item_table::none) return false;
  table_.erase(n);
  return true;
}

std::optional<cache_item> table_cache::take(const cache_key& key) {
  const auto n = table_.find(key);
  if (n == item_table::none) return std::nullopt;
  auto item = table_.at(n).item;
  table_.erase(n);
  return item;
}

void table_cache::erase_if(cache_sweep& sweep, const predicate& matches, std::size_t visits_max) {
  // Downwards: an erased item's place is taken by the last one, which has been looked at.
  auto left = std::min(sweep.left.value_or(table_.size()), table_.size());
  for (; left > 0 && visits_max > 0; --visits_max) {
    const auto n = static_cast<item_table::number>(--left);
    if (!matches(table_.at(n).key, table_.at(n).item)) continue;
    table_.erase(n);
    ++sweep.erased;
  }
  sweep.left = left;
}

std::optional<cache_policy> parse_cache_policy(std::string_view name) {
  if (name == "frequency_lru") return cache_policy::frequency_lru;
  if (name == "semantic_lru") return cache_policy::semantic_lru;
  return std::nullopt;
}

std::unique_ptr<cache_memory> make_cache_memory(cache_policy policy, std::size_t bytes_max) {
  if (policy == cache_policy::frequency_lru) return std::make_unique<frequency_lru>(bytes_max);
  return std::make_unique<recency_lru>(bytes_max);
}

}  // namespace tandem
