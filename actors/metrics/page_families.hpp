#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "actors/metrics/metric_names.hpp"

namespace tandem {

/// Samples of the page, by metric. A family holds at most `samples_max`; more are left out.
class page_families {
 public:
  static constexpr std::size_t samples_max = 8192;
  using label_list = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// Values of labels are cut and made valid UTF-8.
  void add(metric id, label_list labels, double value);
  template <class Number>
  void add(metric id, label_list labels, Number value) {
    add(id, labels, static_cast<double>(value));
  }
  /// Those that have samples, as the header orders them, behind `first`.
  [[nodiscard]] std::vector<prometheus::MetricFamily> take(
      std::vector<prometheus::MetricFamily> first);

 private:
  std::array<std::vector<prometheus::ClientMetric>, static_cast<std::size_t>(metric::count)>
      samples_;
};

}  // namespace tandem
