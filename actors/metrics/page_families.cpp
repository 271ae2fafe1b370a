#include "actors/metrics/page_families.hpp"

#include <iterator>
#include <string>

#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t value_bytes_max = 128;

prometheus::MetricType type_of(metric_kind kind) {
  switch (kind) {
    case metric_kind::counter:
      return prometheus::MetricType::Counter;
    case metric_kind::histogram:
      return prometheus::MetricType::Histogram;
    case metric_kind::gauge:
      break;
  }
  return prometheus::MetricType::Gauge;
}

}  // namespace

void page_families::add(metric id, label_list labels, double value) {
  auto& samples = samples_[static_cast<std::size_t>(id)];
  if (samples.size() >= samples_max) return;
  auto& made = samples.emplace_back();
  made.label.reserve(labels.size());
  for (const auto& [name, text] : labels)
    made.label.push_back({std::string{name}, valid_utf8(cut(text, value_bytes_max))});
  if (definition_of(id).kind == metric_kind::counter)
    made.counter.value = value;
  else
    made.gauge.value = value;
}

std::vector<prometheus::MetricFamily> page_families::take(
    std::vector<prometheus::MetricFamily> first) {
  for (const auto& each : metric_definitions) {
    auto& samples = samples_[static_cast<std::size_t>(each.id)];
    if (samples.empty()) continue;
    first.push_back({.name = std::string{each.name},
                     .help = std::string{each.help},
                     .type = type_of(each.kind),
                     .metric = std::move(samples)});
  }
  return first;
}

}  // namespace tandem
