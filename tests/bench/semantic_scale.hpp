#pragma once

#include <cstddef>
#include <vector>

#include "tests/bench/semantic_data.hpp"

namespace tandem::bench {

/// What a look costs with `entries` stored; all in microseconds but for the last.
struct scale_result {
  std::size_t entries = 0;
  double miss_p50 = 0;
  double miss_p99 = 0;
  /// The same in time of this thread's processor: the machine's other users are not in it.
  double miss_cpu_p99 = 0;
  double store_p50 = 0;
  double bytes_per_entry = 0;
  /// Of stored goals asked for again, those that the graph finds.
  double found = 0;
};

/// Goals made of sentences of two questions each, with other numbers: no two are alike. Measured at
/// each of `sizes`, in rising order, with questions that are stored nowhere.
[[nodiscard]] std::vector<scale_result> run_scale(const semantic_data& data,
                                                  const std::vector<std::size_t>& sizes);

}  // namespace tandem::bench
