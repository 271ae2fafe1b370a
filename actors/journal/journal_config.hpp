#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/journal.hpp"

namespace tandem {

/// `[journal]` in the config file.
struct journal_config {
  storage::durability durability = storage::durability::sync;
  /// Records in one commit; bounds how long the first of them waits.
  std::uint32_t batch_records_max = 4096;
  /// Records above this lie in files beside the database.
  std::size_t inline_bytes_max = std::size_t{64} * 1024;
  /// RocksDB's buffers and cache together.
  std::size_t memory_bytes_max = std::size_t{32} << 20;
};

}  // namespace tandem
