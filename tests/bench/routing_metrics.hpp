#pragma once

#include <span>
#include <vector>

namespace tandem::bench {

/// One prompt of a cost-quality curve.
struct preferred {
  /// How far the router prefers the large model here.
  double score = 0;
  double small = 0;
  double large = 0;
};

/// After RouteLLM (arXiv 2406.18665): the curve of accuracy over the share of calls to the large
/// model at 11 quantile thresholds; shares in percent.
struct curve_metrics {
  /// Area between the curve and the small model, as a share of the gap between both. Random: 0.5.
  double apgr = 0;
  /// Calls in percent that recover one half, or 80%, of the gap; 101: never.
  double cpt50 = 101;
  double cpt80 = 101;
};

[[nodiscard]] curve_metrics curve_of(std::span<const preferred> prompts);

struct interval {
  double mean = 0;
  double low = 0;
  double high = 0;
};

/// Mean with its 95% interval over seeds.
[[nodiscard]] interval interval_of(std::span<const double> values);

}  // namespace tandem::bench
