#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "schema/cache_item.hpp"

namespace tandem {

/// Whether an answer that is still good should be computed again now, so that no crowd finds it
/// expired: the closer the end and the dearer the computation, the likelier. `uniform`: a random
/// number in (0, 1]. `beta`: 1 is optimal, above it earlier, 0 never before the end. Source:
/// Vattani, Chierichetti, Lowenstein: "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015.
[[nodiscard]] bool is_refresh_due(const cache_item& item, std::uint64_t now_ms, double beta,
                                  double uniform);

/// One who refreshes at a time for each key. Bounded: beyond the bound nobody begins.
class early_refresh {
 public:
  explicit early_refresh(std::size_t keys_max = 10'000) : keys_max_(keys_max) {}

  /// False: somebody does already, or too many are under way. Who does not end in time (until_ms,
  /// Unix milliseconds) is taken for lost.
  [[nodiscard]] bool begin(const cache_key& key, std::uint64_t now_ms, std::uint64_t until_ms);
  void end(const cache_key& key);
  [[nodiscard]] std::size_t size() const { return until_.size(); }

 private:
  std::size_t keys_max_;
  std::unordered_map<cache_key, std::uint64_t> until_;
};

}  // namespace tandem
