#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "storage/cache_store.hpp"

namespace tandem::storage {

/// For tests: goes through a closed cache store's records of all families, key by key, and writes
/// back each value that `change` has changed. Returns how many it has; -1 when the database cannot
/// be opened.
[[nodiscard]] int change_raw_cache_records(
    const cache_store_options& options,
    const std::function<void(const std::string& key, std::string& value)>& change);

/// For benches: a closed cache store's database, read as it lies, with the same options.
class raw_cache_reader {
 public:
  /// Throws std::runtime_error when it cannot be opened.
  explicit raw_cache_reader(const cache_store_options& options);
  ~raw_cache_reader();

  /// RocksDB's get alone: the record's bytes; 0: none.
  [[nodiscard]] std::size_t get(std::size_t tier, const cache_key& key);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace tandem::storage
