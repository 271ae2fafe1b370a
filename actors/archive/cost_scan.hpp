#pragma once

#include <cstddef>
#include <cstdint>

#include <caf/expected.hpp>

#include "schema/types.hpp"
#include "storage/journal.hpp"

namespace tandem {

/// How much one part may read before it answers, so that whoever else asks the archive waits for
/// some ten milliseconds at most (or one job, where that has more records).
struct cost_limits {
  std::uint32_t jobs_max = 20'000;
  std::uint32_t records_max = 4'096;
  /// Of the rows in an answer, where the query does not say less.
  std::size_t bytes_max = std::size_t{512} << 10;
};

/// One part of what a journal's jobs have cost, from where the query's cursor says, oldest first. A
/// call belongs to the moment at which its end was recorded, whatever its job's. Jobs whose records
/// are damaged are left out and counted. What a judge read for a check is in the call that it
/// checked, under that call's model; kinds and models are cut to 128 bytes.
[[nodiscard]] caf::expected<tmsg::costrep> scan_costs(const storage::journal& store,
                                                      schema::CostQuery::Reader query,
                                                      const cost_limits& limits = {});

}  // namespace tandem
