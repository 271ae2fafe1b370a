#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <rocksdb/env.h>
#include <rocksdb/system_clock.h>

#include "storage/cache_store.hpp"
#include "storage/rocksdb_options.hpp"

namespace tandem::storage {

/// The time that callers have told last, for RocksDB, which dates its files by it and finds by it
/// which of them are too old; the system's until one is told.
class told_clock final : public rocksdb::SystemClockWrapper {
 public:
  told_clock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  [[nodiscard]] const char* Name() const override { return "TandemToldClock"; }
  void tell(std::uint64_t now_ms) { now_ms_.store(now_ms, std::memory_order_relaxed); }
  rocksdb::Status GetCurrentTime(std::int64_t* unix_time) override;

 private:
  std::atomic<std::uint64_t> now_ms_{0};
};

/// An environment of that clock and `file_system`.
[[nodiscard]] std::unique_ptr<rocksdb::Env> make_cache_env(
    const std::shared_ptr<rocksdb::FileSystem>& file_system,
    const std::shared_ptr<told_clock>& clock);

/// How much of a tier's bytes_max is in memory before it becomes a file.
[[nodiscard]] std::uint64_t cache_buffer_bytes(const cache_store_options& options,
                                               const cache_tier_options& tier);

/// Files whose oldest item is older are deleted: the ttl of their newest, which is at most half a
/// ttl younger, has passed too.
[[nodiscard]] constexpr std::uint64_t cache_file_ttl_ms(std::uint64_t ttl_ms) {
  return ttl_ms + ttl_ms / 2;
}

/// The family `default` for lists and rules, then one for each tier. `env` outlives the database.
[[nodiscard]] rocksdb_setup make_cache_setup(const cache_store_options& options, rocksdb::Env* env);

}  // namespace tandem::storage
