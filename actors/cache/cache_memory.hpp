#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "schema/cache_item.hpp"

namespace tandem {

/// Since the cache was made.
struct cache_counts {
  std::uint64_t hits = 0;
  /// Without the expired ones.
  std::uint64_t misses = 0;
  /// To make room.
  std::uint64_t evicted = 0;
  /// Found, but too old or from the future: a miss, and dropped.
  std::uint64_t expired = 0;
  /// Larger than the cache takes.
  std::uint64_t refused = 0;
};

/// Where a walk over a whole cache stands; see cache_memory::erase_if.
struct cache_sweep {
  /// Items that are still to be looked at; nothing: it has not begun.
  std::optional<std::size_t> left;
  std::uint64_t erased = 0;
  [[nodiscard]] bool done() const { return left == 0; }
};

/// Answers in memory, bounded in bytes; what goes first is the policy's business. Times are Unix
/// milliseconds. One thread at a time.
class cache_memory {
 public:
  using predicate = std::function<bool(const cache_key&, const cache_item&)>;

  virtual ~cache_memory() = default;

  /// Nothing when it is not there, or no longer fresh (is_fresh). Valid until the next call that
  /// may change the cache. Counts as a use.
  [[nodiscard]] virtual const cache_item* find(const cache_key& key, std::uint64_t now_ms) = 0;
  /// The same, but no use, and not counted.
  [[nodiscard]] virtual const cache_item* peek(const cache_key& key, std::uint64_t now_ms) = 0;
  /// Replaces what is there. False: empty, or larger than item_bytes_max; what was there under this
  /// key is gone then too.
  virtual bool put(const cache_key& key, cache_item item) = 0;
  /// False: it was not there.
  virtual bool erase(const cache_key& key) = 0;
  /// The same, with what was there; that is no use of it.
  [[nodiscard]] virtual std::optional<cache_item> take(const cache_key& key) = 0;

  /// All that the cache has taken from the heap, by glibc's rules: values (a shared one in full),
  /// keys, links, index, ghosts, and what the allocator adds. Never above bytes_max().
  [[nodiscard]] virtual std::size_t bytes() const = 0;
  [[nodiscard]] virtual std::size_t bytes_max() const = 0;
  [[nodiscard]] virtual std::size_t size() const = 0;
  [[nodiscard]] virtual const cache_counts& counts() const = 0;

  /// At most `n` keys, those that are most likely to be asked for first; looks at some 8 times as
  /// many and 1000 at most.
  [[nodiscard]] virtual std::vector<cache_key> hottest(std::size_t n) const = 0;

  /// Looks at up to `visits_max` items and erases those that `matches` names. Called with the same
  /// sweep until it is done(), it has seen every item that was there at the first call and still
  /// is, whatever happens to the cache in between. Purges, so no eviction is counted.
  virtual void erase_if(cache_sweep& sweep, const predicate& matches, std::size_t visits_max) = 0;
};

/// By the names of the config.
enum class cache_policy : std::uint8_t {
  /// S3-FIFO: many short-lived answers, scans.
  frequency_lru,
  /// LRU; the large tier's, which is semantic beside it.
  semantic_lru,
};
[[nodiscard]] std::optional<cache_policy> parse_cache_policy(std::string_view name);

/// The least that bytes_max may be: below it, it is taken as this.
inline constexpr std::size_t cache_bytes_min = std::size_t{64} << 10;

/// The largest value, as malloc counts it, that a cache of this size takes: an eighth.
[[nodiscard]] constexpr std::size_t item_bytes_max(std::size_t bytes_max) {
  return bytes_max / 8;
}

[[nodiscard]] std::unique_ptr<cache_memory> make_cache_memory(cache_policy policy,
                                                              std::size_t bytes_max);

}  // namespace tandem
