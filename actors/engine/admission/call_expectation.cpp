#include "actors/engine/admission/call_expectation.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tandem {
namespace {

/// Until it is known better: a token written costs as much as 50 read, a call as much as 10
/// written.
constexpr double read_for_written = 50;
constexpr double written_for_call = 10;
/// Steps become smaller, and never so small that a changed server is not noticed.
constexpr double step_first = 0.3;
constexpr double step_min = 0.02;
constexpr double step_halves_at = 50;
/// A call that hangs for minutes says no more than this about the others: e^2 is 7 times.
constexpr double off_max = 2;
/// Whatever a server reports.
constexpr std::uint64_t tokens_max = 1u << 24;

}  // namespace

call_expectation::parts call_expectation::parts_of(const sample& call) const {
  return {constant_,
          per_prompt_token_ * static_cast<double>(std::min(call.prompt_tokens, tokens_max)),
          per_written_token_ * static_cast<double>(std::min(call.completion_tokens, tokens_max))};
}

double call_expectation::of(const sample& call) const {
  return parts_of(call).sum();
}

double call_expectation::off_by(const sample& call) const {
  return std::log(call.seconds / of(call));
}

double call_expectation::load_of(std::span<const sample> calls) const {
  std::vector<double> off;
  off.reserve(calls.size());
  for (const auto& call : calls) off.push_back(off_by(call));
  auto middle = off.begin() + static_cast<std::ptrdiff_t>(off.size() / 2);
  std::nth_element(off.begin(), middle, off.end());
  auto median = *middle;
  double sum = 0;
  for (auto each : off) sum += std::clamp(each, median - off_max, median + off_max);
  return sum / static_cast<double>(off.size());
}

double call_expectation::learn(std::span<const sample> calls) {
  if (calls.empty()) return 0;
  if (learned_ == 0) {
    constant_ = written_for_call;
    per_prompt_token_ = 1 / read_for_written;
    per_written_token_ = 1;
    auto level = std::exp(load_of(calls));
    constant_ *= level;
    per_prompt_token_ *= level;
    per_written_token_ *= level;
  }
  auto load = load_of(calls);
  // One by one, so that each sees what the others taught.
  for (const auto& call : calls) {
    auto step =
        std::max(step_min, step_first / (1 + static_cast<double>(learned_++) / step_halves_at));
    auto of_call = parts_of(call);
    auto push = step * std::clamp(off_by(call) - load, -1.0, 1.0) / of_call.sum();
    constant_ *= std::exp(push * of_call.constant);
    per_prompt_token_ *= std::exp(push * of_call.reading);
    per_written_token_ *= std::exp(push * of_call.writing);
  }
  return load;
}

}  // namespace tandem
