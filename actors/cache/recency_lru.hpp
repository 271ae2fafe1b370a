#pragma once

#include <cstdint>

#include "actors/cache/table_cache.hpp"

namespace tandem {

/// What was not used for the longest time goes first.
class recency_lru final : public table_cache {
 public:
  using table_cache::table_cache;

  [[nodiscard]] std::vector<cache_key> hottest(std::size_t n) const override {
    std::vector<cache_key> keys;
    for (auto at = table_.of(0).newest; at != item_table::none && keys.size() < n;
         at = table_.at(at).older)
      keys.push_back(table_.at(at).key);
    return keys;
  }

 private:
  void on_use(item_table::number n) override { table_.make_newest(n, 0); }
  void on_replaced(item_table::number n) override { table_.make_newest(n, 0); }
  [[nodiscard]] std::uint8_t queue_for(const cache_key&) override { return 0; }
  bool evict() override {
    if (table_.size() == 0) return false;
    drop(table_.of(0).oldest);
    return true;
  }
};

}  // namespace tandem
