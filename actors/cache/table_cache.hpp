#pragma once

#include "actors/cache/cache_memory.hpp"
#include "actors/cache/item_table.hpp"

namespace tandem {

/// All of a cache but the choice of what goes first.
class table_cache : public cache_memory {
 public:
  explicit table_cache(std::size_t bytes_max);

  [[nodiscard]] const cache_item* find(const cache_key& key, std::uint64_t now_ms) final;
  [[nodiscard]] const cache_item* peek(const cache_key& key, std::uint64_t now_ms) final;
  bool put(const cache_key& key, cache_item item) final;
  bool erase(const cache_key& key) final;
  [[nodiscard]] std::optional<cache_item> take(const cache_key& key) final;
  [[nodiscard]] std::size_t bytes() const final { return table_.bytes(); }
  [[nodiscard]] std::size_t bytes_max() const final { return bytes_max_; }
  [[nodiscard]] std::size_t size() const final { return table_.size(); }
  [[nodiscard]] const cache_counts& counts() const final { return counts_; }
  void erase_if(cache_sweep& sweep, const predicate& matches, std::size_t visits_max) final;

 protected:
  /// A fresh item was found.
  virtual void on_use(item_table::number n) = 0;
  virtual void on_replaced(item_table::number n) = 0;
  /// Where a new item goes.
  [[nodiscard]] virtual std::uint8_t queue_for(const cache_key& key) = 0;
  /// False: there is nothing left that could go.
  virtual bool evict() = 0;

  void drop(item_table::number n) {
    ++counts_.evicted;
    table_.erase(n);
  }

  item_table table_;

 private:
  /// Until `more` bytes fit, beside what insert() of `key` may take.
  void make_room(const cache_key& key, std::size_t more);

  std::size_t bytes_max_;
  cache_counts counts_;
};

}  // namespace tandem
