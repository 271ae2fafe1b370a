#pragma once

#include <chrono>
#include <cstdint>

namespace tandem {

/// `[replication]` in the config file.
struct replication_config {
  /// Copies of a journal, the primary's included. More than one needs etcd.
  std::uint32_t copies = 1;
  /// Copies that must have a write before it is acknowledged.
  std::uint32_t min_in_sync = 1;
  /// A primary that etcd has not heard of for as long is replaced.
  std::chrono::milliseconds lease{5000};
};

}  // namespace tandem
