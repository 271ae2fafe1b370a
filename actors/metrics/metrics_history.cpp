#include "actors/metrics/metrics_history.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "actors/metrics/metric_words.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t series_name_bytes_max = 128;

/// Linear within its bucket, as Prometheus' histogram_quantile; above the last bound it is that
/// bound. No number: there were none.
double quantile_ms(const std::array<std::uint64_t, latency_bounds.size() + 1>& counts,
                   double share) {
  std::uint64_t all = 0;
  for (auto each : counts) all += each;
  if (all == 0) return unknown;
  auto rank = share * static_cast<double>(all);
  double below = 0;
  for (std::size_t i = 0; i < latency_bounds.size(); ++i) {
    auto here = static_cast<double>(counts[i]);
    if (here > 0 && below + here >= rank) {
      auto from = i == 0 ? 0 : latency_bounds[i - 1];
      return (from + (latency_bounds[i] - from) * (rank - below) / here) * 1000;
    }
    below += here;
  }
  return latency_bounds.back() * 1000;
}

/// Sums fall when what kept them began anew.
template <class Number>
Number grown(Number now, Number before) {
  return now >= before ? now - before : now;
}

std::string short_name(capnp::Text::Reader value) {
  return std::string{cut(view(value), series_name_bytes_max)};
}

double engines_busy(schema::Topology::Reader topology) {
  double busy = 0;
  if (topology.getNodes().size() == 0) return unknown;
  for (auto engine : topology.getNodes()[0].getEngines())
    if (engine.getInFlight() != 0) ++busy;
  return busy;
}

}  // namespace

void metrics_history::put(std::string_view name, const label_list& labels, double value) {
  for (auto& each : series_) {
    if (each.name != name || each.labels != labels) continue;
    each.values.back() = value;
    return;
  }
  if (series_.size() >= series_max) return;
  auto length = series_.empty() ? 1 : series_.front().values.size();
  auto& made = series_.emplace_back(series{std::string{name}, labels, {}});
  made.values.assign(length, unknown);
  made.values.back() = value;
}

void metrics_history::forget() {
  series_.clear();
  step_ = 0;
}

/// One more place in every series, the missed steps before it too.
void metrics_history::begin_step(std::uint64_t step) {
  auto missed = step_ == 0 ? 1 : step - step_;
  if (step_ != 0 && missed > steps_max) forget();
  for (auto& each : series_) {
    each.values.resize(each.values.size() + missed, unknown);
    if (each.values.size() > steps_max)
      each.values.erase(each.values.begin(), each.values.end() - steps_max);
  }
  step_ = step;
}

void metrics_history::put_totals(const metric_totals& now) {
  auto add = [this](std::string_view name, auto value, auto before) {
    put(name, {}, static_cast<double>(grown(value, before)));
  };
  add("cost_usd", now.cost_usd, before_.cost_usd);
  add("cost_all_large_usd", now.cost_all_large_usd, before_.cost_all_large_usd);
  add("jobs_done", now.jobs_done, before_.jobs_done);
  add("jobs_failed", now.jobs_failed, before_.jobs_failed);
  add("tokens", now.tokens, before_.tokens);
  add("cache_hits", now.cache_hits, before_.cache_hits);
  add("attempts", now.attempts, before_.attempts);
  auto times = now.latencies;
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = grown(times[i], before_.latencies[i]);
  put("latency_ms_p50", {}, quantile_ms(times, 0.5));
  put("latency_ms_p99", {}, quantile_ms(times, 0.99));
  before_ = now;
}

void metrics_history::put_routing(schema::RouteReport::Reader routing) {
  struct arm {
    double weight = -1;
    double quality = 0;
  };
  std::map<std::string, std::uint64_t, std::less<>> decisions;
  std::map<std::pair<std::string, std::string>, arm> qualities;
  for (auto each : routing.getArms()) {
    auto model = short_name(each.getModel());
    decisions[model] += each.getDecisions();
    auto& of = qualities[{std::string{words::of(each.getPurpose())}, model}];
    if (each.getWeight() > of.weight) of = {each.getWeight(), each.getQuality()};
  }
  for (const auto& [model, count] : decisions) {
    auto before = decisions_before_.find(model);
    put("decisions", {{"model", model}},
        before == decisions_before_.end() ? unknown
                                          : static_cast<double>(grown(count, before->second)));
  }
  for (const auto& [key, of] : qualities)
    if (of.weight > 0) put("quality", {{"purpose", key.first}, {"model", key.second}}, of.quality);
  decisions_before_ = std::move(decisions);
}

void metrics_history::add(const sample& now, std::uint64_t now_ms) {
  auto step = now_ms / 1000 / step_s;
  std::lock_guard lock{mutex_};
  if (step == step_) return;
  if (step < step_) forget();
  auto is_first = step_ == 0;
  begin_step(step);
  if (is_first) before_ = now.totals;
  put_totals(now.totals);
  if (!now.topology.empty()) put("engines_busy", {}, engines_busy(*now.topology.read()));
  if (!now.routing.empty()) put_routing(*now.routing.read());
}

std::string metrics_history::json(std::uint64_t minutes, std::uint64_t now_ms) const {
  auto now = now_ms / 1000 / step_s;
  auto steps = std::min<std::uint64_t>(minutes, steps_max * step_s / 60) * 60 / step_s;
  auto first = now > steps ? now - steps + 1 : 0;
  json_writer json;
  json.object();
  json.field("step_s", step_s);
  json.array_field("series");
  std::lock_guard lock{mutex_};
  for (const auto& each : series_) {
    json.object();
    json.field("name", each.name);
    json.object_field("labels");
    for (const auto& [name, value] : each.labels) json.field(name, value);
    json.end();
    json.array_field("points");
    for (std::size_t i = 0; i < each.values.size(); ++i) {
      auto at = step_ - (each.values.size() - 1 - i);
      if (at < first || std::isnan(each.values[i])) continue;
      json.array();
      json.value(at * step_s);
      json.value(each.values[i]);
      json.end();
    }
    json.end();
    json.end();
  }
  json.end();
  json.end();
  return json.text();
}

}  // namespace tandem
