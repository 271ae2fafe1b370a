#include "tests/bench/routing_results.hpp"

#include <cmath>
#include <cstdio>

#include "tests/bench/bench_report.hpp"

namespace tandem::bench {
namespace {

std::string number(double value) {
  char text[32];
  const char* form = std::abs(value) >= 100 ? "%.0f" : std::abs(value) >= 10 ? "%.1f" : "%.3f";
  std::snprintf(text, sizeof text, form, value);
  return text;
}

std::string goal_text(const bar& b) {
  switch (b.kind) {
    case bar_kind::at_most:
      return "≤ " + number(b.goal);
    case bar_kind::at_least:
      return "≥ " + number(b.goal);
    case bar_kind::clearly_above_zero:
      return "≥ " + number(b.goal) + ", interval above 0";
    case bar_kind::shown:
      return "";
  }
  return "";
}

}  // namespace

estimate estimate_of(std::span<const double> values) {
  auto n = static_cast<double>(values.size());
  if (values.empty()) return {};
  double sum = 0;
  for (double v : values) sum += v;
  estimate e{.mean = sum / n, .low = 0, .high = 0};
  double squares = 0;
  for (double v : values) squares += (v - e.mean) * (v - e.mean);
  // The quantile of Student's t at 97.5%, good to 1% from five values on.
  double half = n < 2 ? 0 : (1.96 + 2.4 / (n - 1)) * std::sqrt(squares / (n - 1) / n);
  e.low = e.mean - half;
  e.high = e.mean + half;
  return e;
}

estimate ratio_of(std::span<const double> over, std::span<const double> under) {
  double sum = 0;
  double sum_under = 0;
  for (std::size_t i = 0; i < over.size(); ++i) sum += over[i], sum_under += under[i];
  auto ratio = sum / sum_under;
  auto mean_under = sum_under / static_cast<double>(under.size());
  std::vector<double> shares;
  for (std::size_t i = 0; i < over.size(); ++i)
    shares.push_back(ratio + (over[i] - ratio * under[i]) / mean_under);
  return estimate_of(shares);
}

bool bar::ok() const {
  switch (kind) {
    case bar_kind::at_most:
      return measured.mean <= goal;
    case bar_kind::at_least:
      return measured.mean >= goal;
    case bar_kind::clearly_above_zero:
      return measured.mean >= goal && measured.low > 0;
    case bar_kind::shown:
      return true;
  }
  return false;
}

double bar::used() const {
  if (kind == bar_kind::at_most) return goal > 0 ? measured.mean / goal : 0;
  if (kind == bar_kind::shown) return 0;
  return measured.mean > 0 ? goal / measured.mean : 0;
}

std::string to_table(const std::vector<bar>& bars) {
  std::string out =
      "| what | regime | measured | 95% interval | goal | met |\n|---|---|---|---|---|---|\n";
  for (const auto& b : bars) {
    auto exact = b.measured.low == b.measured.high;
    out += "| " + b.what + " | " + b.regime + " | " + number(b.measured.mean) + " | " +
           (exact ? "" : number(b.measured.low) + " to " + number(b.measured.high)) + " | " +
           goal_text(b) + " | " +
           (b.kind == bar_kind::shown ? ""
            : b.ok()                  ? "yes"
                                      : "**no**") +
           " |\n";
  }
  return out;
}

int finish(const std::string& bench, const routing_results& results,
           std::chrono::steady_clock::time_point start, const std::map<std::string, double>& more,
           bool ok) {
  std::printf("%s\n", to_table(results.bars).c_str());
  for (const auto& note : results.notes) std::printf("%s\n\n", note.c_str());
  report r{.bench = bench, .figures = more, .ratio = 0, .goal = 1, .ok = ok};
  for (const auto& b : results.bars) {
    r.figures[b.figure] = b.measured.mean;
    // Where nothing at all is allowed there is no room to use.
    if (std::isfinite(b.used())) r.ratio = std::max(r.ratio, b.used());
    r.ok = r.ok && b.ok();
  }
  r.figures["seconds"] = seconds_since(start);
  return finish(r);
}

}  // namespace tandem::bench
