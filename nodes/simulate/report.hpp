#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodes/simulate/simulation.hpp"
#include "nodes/simulate/variants.hpp"

namespace tandem::simulation {

/// What one variant came to.
struct variant_result {
  std::string name;
  std::string what;
  run_result result;
  /// Where it was looked for.
  std::optional<throughput> most;
};

/// What was simulated, for whoever reads the report.
struct report_head {
  std::string config;
  std::string work;
  std::uint64_t seed = 1;
  double first_token_slo_s = 1;
  double job_slo_s = 30;
};

/// US dollars for 1,000 items that ended well, and for 1,000 right ones; 0 without any.
[[nodiscard]] double usd_per_1k_done(const run_result& result);
[[nodiscard]] double usd_per_1k_right(const run_result& result);
/// What is less than at the large tier's prices, 0 to 1; negative: it was dearer.
[[nodiscard]] double saving(const run_result& result);
/// Of prompt tokens read by engines: the share that was in their prefix caches.
[[nodiscard]] double prefix_hit_share(const run_result& result);

/// One document, on one line.
[[nodiscard]] std::string report_json(const report_head& head,
                                      const std::vector<variant_result>& results);
/// A page that needs nothing else: table and plots, light and dark.
[[nodiscard]] std::string report_html(const report_head& head,
                                      const std::vector<variant_result>& results);

}  // namespace tandem::simulation
