#include "actors/weight_sync/canary_judge.hpp"

#include <cmath>
#include <cstdio>

namespace tandem {
namespace {

constexpr double one_percent = 2.326;
constexpr double one_in_a_thousand = 3.090;
constexpr std::uint64_t failures_min = 3;
constexpr double failures_alone = .05;
constexpr std::uint64_t latency_requests_min = 20;
constexpr double latency_ratio_max = 1.5;
constexpr double quality_loss_min = .02;
constexpr std::uint64_t patience = 10;

double rate(const service_figures& of) {
  return of.requests == 0 ? 0 : static_cast<double>(of.failures) / static_cast<double>(of.requests);
}

double mean_ms(const service_figures& of) {
  return of.requests == 0
             ? 0
             : static_cast<double>(of.busy_us) / 1000 / static_cast<double>(of.requests);
}

std::string say(const char* format, double a, double b) {
  char text[200];
  std::snprintf(text, sizeof text, format, a, b);
  return text;
}

bool errs_more(const service_figures& canaries, const service_figures& others, double limit) {
  if (canaries.failures < failures_min) return false;
  if (others.requests == 0) return rate(canaries) > failures_alone;
  auto n = static_cast<double>(canaries.requests);
  auto m = static_cast<double>(others.requests);
  auto pooled = static_cast<double>(canaries.failures + others.failures) / (n + m);
  auto error = std::sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
  // All of both failed: no worse than before.
  return error > 0 && (rate(canaries) - rate(others)) / error > limit;
}

bool is_slower(const service_figures& canaries, const service_figures& others) {
  return canaries.requests >= latency_requests_min && others.requests >= latency_requests_min &&
         mean_ms(canaries) > latency_ratio_max * mean_ms(others);
}

bool is_worse(const service_figures& canaries, const service_figures& others, double limit) {
  if (canaries.quality_error < 0 || others.quality_error < 0) return false;
  auto loss = others.quality - canaries.quality;
  return loss > quality_loss_min &&
         loss > limit * std::hypot(canaries.quality_error, others.quality_error);
}

std::string numbers(const service_figures& canaries, const service_figures& others) {
  auto text = say("%.0f requests (the others %.0f)", static_cast<double>(canaries.requests),
                  static_cast<double>(others.requests));
  text += say(", %.1f%% failed (%.1f%%)", 100 * rate(canaries), 100 * rate(others));
  text += say(", mean %.0f ms (%.0f ms)", mean_ms(canaries), mean_ms(others));
  if (canaries.quality_error >= 0 && others.quality_error >= 0)
    text += say(", reward %.3f (%.3f)", canaries.quality, others.quality);
  return text;
}

}  // namespace

canary_verdict judge_canaries(const service_figures& canaries, const service_figures& others,
                              std::uint64_t elapsed_ms, std::uint64_t judge_ms,
                              std::uint32_t requests_min) {
  auto seen = numbers(canaries, others);
  // Until then it is looked at again and again: each look must mistake less.
  auto is_last = elapsed_ms >= judge_ms && canaries.requests >= requests_min;
  auto limit = is_last ? one_percent : one_in_a_thousand;
  if (errs_more(canaries, others, limit)) return {canary_opinion::bad, "they fail more: " + seen};
  if (is_slower(canaries, others)) return {canary_opinion::bad, "they are slower: " + seen};
  if (is_worse(canaries, others, limit))
    return {canary_opinion::bad, "their answers are worse: " + seen};
  if (elapsed_ms < judge_ms) return {canary_opinion::wait, seen};
  if (canaries.requests >= requests_min) return {canary_opinion::good, seen};
  if (elapsed_ms / patience < judge_ms) return {canary_opinion::wait, seen};
  return {canary_opinion::good, "no more came in time: " + seen};
}

}  // namespace tandem
