#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <caf/error.hpp>

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "storage/payload_store.hpp"
#include "storage/replication.hpp"
#include "storage/rocksdb_options.hpp"

namespace tandem::storage {

/// Whether `key` may be in `which`: a known tag of that family, and long enough. Identity and
/// format of a folder are no part of its log.
[[nodiscard]] bool is_log_key(family which, std::string_view key);

/// What a checked write does beside the database.
struct checked_write {
  /// Its files must be these, neither more nor fewer.
  struct named_file {
    std::uint64_t job = 0;
    std::uint32_t number = 0;
    payload_ref ref;
  };
  std::vector<named_file> files;
  /// A job whose files have to go once it is written; 0: none.
  std::uint64_t purged_files = 0;
};

/// Appends the changes of `write` to `to`, which is handed on to the database only when this is no
/// error: `malformed_message` for damage, an unknown family or key, another position than the
/// write's own, and for files that the batch does not name. `handles` are in the order of `family`.
[[nodiscard]] caf::error append_checked(const replica_write& write,
                                        const std::vector<rocksdb::ColumnFamilyHandle*>& handles,
                                        rocksdb::WriteBatch& to, checked_write& found);

/// The meta family's entry of a position, and back.
[[nodiscard]] std::string position_value(log_position at);
[[nodiscard]] std::optional<log_position> parse_position_value(std::string_view bytes);

}  // namespace tandem::storage
