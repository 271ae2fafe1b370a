#pragma once

#include <cstdint>

#include "actors/cache/table_cache.hpp"

namespace tandem {

/// S3-FIFO. New items pass a small queue, a tenth of the bytes; those used twice or more there go
/// on to the main queue, the others leave a ghost, and come back straight to the main queue when
/// they are asked for while it is remembered. The main queue gives an item one more round for each
/// use, up to three. There are as many ghosts as a main queue of nine tenths has items. So a scan
/// passes through the small queue alone. Source: Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are
/// all you need for cache eviction", SOSP 2023, algorithm 1.
class frequency_lru final : public table_cache {
 public:
  using table_cache::table_cache;
  [[nodiscard]] std::vector<cache_key> hottest(std::size_t n) const override;

 private:
  void on_use(item_table::number n) override;
  void on_replaced(item_table::number) override {}
  [[nodiscard]] std::uint8_t queue_for(const cache_key& key) override;
  bool evict() override;
  bool evict_small();
  bool evict_main();
  /// Bytes of both queues; when something has to go, that is the whole cache.
  [[nodiscard]] std::size_t total() const;
};

}  // namespace tandem
