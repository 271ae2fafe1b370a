#include "nodes/economics/log_summary.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr double span_min_s = 60;
constexpr double peak_span_min_s = 600;

}  // namespace

std::optional<double> model_traffic::qps() const {
  if (with_time < 2 || span_s() < span_min_s) return std::nullopt;
  // Calls without a time are taken to lie between the others.
  return static_cast<double>(calls) / span_s();
}

std::optional<double> model_traffic::peak() const {
  if (busiest_minute == 0 || span_s() < peak_span_min_s) return std::nullopt;
  auto mean = static_cast<double>(with_time) / span_s();
  return std::max(1.0, static_cast<double>(busiest_minute) / 60 / mean);
}

std::optional<double> model_traffic::mean_usd() const {
  if (with_usd * 2 < calls || with_usd == 0 || usd <= 0) return std::nullopt;
  return usd / static_cast<double>(with_usd);
}

void log_summary::add_time(counted& of, double time_s) {
  auto& traffic = of.traffic;
  if (traffic.with_time == 0) traffic.first_s = traffic.last_s = time_s;
  traffic.first_s = std::min(traffic.first_s, time_s);
  traffic.last_s = std::max(traffic.last_s, time_s);
  ++traffic.with_time;
  auto minute = static_cast<std::int64_t>(std::floor(time_s / 60));
  auto found = of.minutes.find(minute);
  if (found == of.minutes.end()) {
    if (minutes_ >= minutes_max) {
      has_lost_minutes_ = true;
      return;
    }
    ++minutes_;
    found = of.minutes.emplace(minute, 0).first;
  }
  ++found->second;
}

void log_summary::add(const call_record& call) {
  if (call.has_failed) {
    ++failed_;
    return;
  }
  ++calls_;
  auto name = call.model.empty() ? std::string{"(no name)"} : call.model;
  auto found = models_.find(name);
  if (found == models_.end()) {
    if (models_.size() >= models_max) name = "(other)";
    found = models_.try_emplace(name).first;
  }
  auto& traffic = found->second.traffic;
  ++traffic.calls;
  traffic.input_tokens += call.input_tokens.value_or(0);
  traffic.output_tokens += call.output_tokens.value_or(0);
  traffic.cached_tokens += std::min(call.cached_tokens.value_or(0), call.input_tokens.value_or(0));
  if (call.usd) {
    ++traffic.with_usd;
    traffic.usd += *call.usd;
  }
  if (call.time_s) add_time(found->second, *call.time_s);
}

std::vector<model_traffic> log_summary::models() const {
  std::vector<model_traffic> all;
  for (const auto& [name, counted] : models_) {
    all.push_back(counted.traffic);
    all.back().model = name;
    for (const auto& [minute, count] : counted.minutes) {
      if (!has_lost_minutes_)
        all.back().busiest_minute = std::max<std::uint64_t>(all.back().busiest_minute, count);
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    if (a.usd != b.usd) return a.usd > b.usd;
    return a.input_tokens + a.output_tokens > b.input_tokens + b.output_tokens;
  });
  return all;
}

}  // namespace tandem
