#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "nodes/simulate/simulation.hpp"

namespace tandem::simulation {

/// One way to serve the same work.
struct variant {
  std::string name;
  /// What is other than in the config, in a few words.
  std::string what;
  run_options options;
};

/// All that variant() takes, in the order in which they are shown, `configured` first.
[[nodiscard]] std::vector<std::string_view> variant_names();

/// - `configured`: as it is.
/// - `all_large`, `all_small`: every call goes to that tier, plans too.
/// - `static_split`: the large tier plans, the small one does all else.
/// - `learned`: routing learns (linear_thompson).
/// - one feature off: `no_caches`, `no_hedging`, `no_warm_up`, `no_adaptive_limits`;
/// - another choice of engines: `least_loaded`, `cache_aware`, `estimated_ttft`, `round_robin`.
/// `invalid_argument` names the nearest one, or the tier that has no model.
[[nodiscard]] caf::expected<variant> make_variant(std::string_view name, const run_options& from);

struct throughput {
  /// The highest speed of the work, as a multiple of how it is, at which `share` of it is in time.
  double speed = 0;
  /// Items in time a second at that speed.
  double per_s = 0;
};

/// The same work as it is given, but `speed` times as fast.
using work_at_speed = std::function<caf::expected<std::unique_ptr<work_source>>(double speed)>;

/// By bisection over speeds, `runs` of them, between 1/16 and 16.
[[nodiscard]] caf::expected<throughput> find_throughput(const run_options& options,
                                                        const work_at_speed& work, double share,
                                                        int runs = 10);

}  // namespace tandem::simulation
