#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/journal.hpp"

namespace tandem::storage {

inline constexpr std::uint64_t ms_per_hour = 3'600'000;

/// What was put into a batch, in order; all bytes lie in one string.
struct batch_changes {
  enum class kind : std::uint8_t { record, summary, open, close, client_key, spending };

  struct change {
    kind what;
    std::uint32_t number;  // of the record; for a client key: the tenant's bytes, which come first
    std::uint64_t job;     // of spending: the hour; its bytes are the two sums and the tenant
    std::size_t offset;
    std::size_t size_bytes;
  };

  std::vector<change> changes;
  std::string arena;

  [[nodiscard]] std::string_view bytes_of(const change& one) const {
    return std::string_view(arena).substr(one.offset, one.size_bytes);
  }
};

struct journal_batch::state : batch_changes {};

}  // namespace tandem::storage
