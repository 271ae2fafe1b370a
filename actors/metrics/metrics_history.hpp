#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "actors/metrics/node_metrics.hpp"
#include "schema/json_writer.hpp"
#include "schema/types.hpp"

namespace tandem {

/// The last hour in steps of ten seconds, as the page draws it. Thread-safe; bounded: 360 steps of
/// at most `series_max` series, some 1 MB.
class metrics_history {
 public:
  static constexpr std::uint64_t step_s = 10;
  static constexpr std::size_t steps_max = 360;
  static constexpr std::size_t series_max = 128;

  /// What is known at one moment.
  struct sample {
    metric_totals totals;
    /// Empty: nobody knows. The asked node first.
    tmsg::topo topology;
    tmsg::rtrep routing;
  };

  /// `now_ms` is Unix time. At most one a step counts, the first; a clock that jumps back begins
  /// anew. Sums become differences to the sample before, so the first of them shows none.
  void add(const sample& now, std::uint64_t now_ms);

  /// `{"step_s":10,"series":[{"name":..,"labels":{..},"points":[[UNIX_S,VALUE],..]},..]}` of the
  /// last `minutes`, as of `now_ms`.
  [[nodiscard]] std::string json(std::uint64_t minutes, std::uint64_t now_ms) const;

 private:
  struct series {
    std::string name;
    std::vector<std::pair<std::string, std::string>> labels;
    /// By step; no number where it was not known.
    std::vector<double> values;
  };
  using label_list = std::vector<std::pair<std::string, std::string>>;

  void put(std::string_view name, const label_list& labels, double value);
  void put_totals(const metric_totals& now);
  void put_routing(schema::RouteReport::Reader routing);
  void begin_step(std::uint64_t step);
  void forget();

  mutable std::mutex mutex_;
  std::vector<series> series_;
  /// Of the newest sample, counted from 1970; 0: there is none.
  std::uint64_t step_ = 0;
  metric_totals before_;
  std::map<std::string, std::uint64_t, std::less<>> decisions_before_;
};

}  // namespace tandem
