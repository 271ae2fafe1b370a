#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "schema/cache_item.hpp"
#include "storage/store_figures.hpp"

namespace rocksdb {
class FileSystem;
}

namespace tandem::storage {

struct cache_tier_options {
  /// From 1 to 64 bytes.
  std::string name;
  /// All tables of the tier on disk; at least cache_tier_bytes_min.
  std::uint64_t bytes_max = std::uint64_t{1} << 30;
  /// No item is kept longer, whatever it says itself.
  std::uint64_t ttl_ms = 4 * 3'600'000;
};
inline constexpr std::uint64_t cache_tier_bytes_min = std::uint64_t{2} << 20;

struct cache_store_options {
  /// Owned by one process at a time; made with mode 0700 when it is not there. What is in it is
  /// deleted when it cannot be read.
  std::filesystem::path folder;
  /// From 1 to 16; a tier that was there before and is no longer named is deleted.
  std::vector<cache_tier_options> tiers;
  /// RocksDB's write buffers and block cache together. Below a hundredth of the tiers' bytes_max,
  /// indexes and filters may not fit, and a miss may cost a read.
  std::size_t memory_bytes_max = std::size_t{32} << 20;
  /// The time of the opening; 0: the system's. Files are dated by what calls say from then on.
  std::uint64_t now_ms = 0;
  /// What values must be; nothing: any words. Checked when they are read.
  std::optional<capnp::StructSchema> value_schema;
  /// Below RocksDB, for fault tests; nothing: the default one.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

struct stored_item {
  cache_key key;
  cache_item item;
  cache_facts facts;
};

/// Since the store was opened.
struct cache_store_counts {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  /// Found, but expired or from the future: a miss too, left for its file to be deleted.
  std::uint64_t expired = 0;
  /// A wrong checksum, a record under another's key, a later version, no message; deleted.
  std::uint64_t damaged = 0;
  /// Too large to be kept: above a 64th of the tier or 16 MiB, a name above 1024 bytes.
  std::uint64_t refused = 0;
};

/// The third level of one node's caches, in a database of its own: losing it costs only time.
///
/// One column family a tier, compacted first in, first out: files are deleted whole, the oldest
/// first, when the tier is above its bytes, and when all in them has expired. There is no log: a
/// kill or a power cut loses what was put since the last flush (a write buffer's worth, at most a
/// quarter of the ttl where maintain() is called), and opening reads no more than the list of
/// files. Purge rules and lists of hot keys are on the disk when the call returns.
///
/// Each record has a version, and a CRC-32C over key and content (route_record.hpp). What cannot be
/// used is deleted, counted, and a miss.
///
/// Any thread; reads do not wait for each other. Errors: `locked`, `storage_failed` (disk full,
/// read-only, no permission), `invalid_argument` for options and unknown tiers. After a failed
/// write the next one opens the database again first. A database that cannot be opened, or is found
/// broken, is deleted and begun anew, which notes() says.
class cache_store {
 public:
  static constexpr std::size_t hot_keys_max = 100'000;
  static constexpr std::size_t purge_rules_max = 4096;

  [[nodiscard]] static caf::expected<std::unique_ptr<cache_store>> open(
      const cache_store_options& options);
  /// Flushes what is not on the disk yet.
  ~cache_store();

  /// Nothing: it is not there, or not fresh. Checked against nothing else: purge rules are the
  /// caller's, who has the facts.
  [[nodiscard]] caf::expected<std::optional<stored_item>> get(std::string_view tier,
                                                              const cache_key& key,
                                                              std::uint64_t now_ms);
  /// All or nothing, but for those that are refused. Items live for the tier's ttl at most.
  [[nodiscard]] caf::error put(std::string_view tier, std::span<const stored_item> batch,
                               std::uint64_t now_ms);
  [[nodiscard]] caf::error erase(std::string_view tier, const cache_key& key);

  /// To be called each minute or so: brings to the disk what has waited long, deletes files whose
  /// items have all expired.
  [[nodiscard]] caf::error maintain(std::uint64_t now_ms);

  /// The second level's hottest keys, hottest first, for the next start; replaces the list. Those
  /// above hot_keys_max are left out.
  [[nodiscard]] caf::error save_hot(std::string_view tier, std::span<const cache_key> keys);
  [[nodiscard]] caf::expected<std::vector<cache_key>> load_hot(std::string_view tier);

  /// Replaces all. `invalid_argument`: above purge_rules_max, a name above 1024 bytes.
  [[nodiscard]] caf::error save_purges(std::span<const purge_rule> rules);
  /// Where they cannot be read: one that matches everything, of the end of time.
  [[nodiscard]] caf::expected<std::vector<purge_rule>> load_purges();

  /// Tables and write buffers of a tier; 0 for an unknown one.
  [[nodiscard]] std::uint64_t approximate_bytes(std::string_view tier) const;
  [[nodiscard]] std::uint64_t approximate_items(std::string_view tier) const;
  [[nodiscard]] cache_store_counts counts() const;
  [[nodiscard]] store_figures database() const;
  [[nodiscard]] std::uint64_t damaged() const { return counts().damaged; }
  /// One sentence for each time that the database was begun anew; at most 16.
  [[nodiscard]] std::vector<std::string> notes() const;

 private:
  struct state;
  explicit cache_store(std::unique_ptr<state> state);
  std::unique_ptr<state> state_;
};

}  // namespace tandem::storage
