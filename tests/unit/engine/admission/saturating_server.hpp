#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "actors/engine/admission/gradient_limit.hpp"

namespace tandem::testing {

/// Closed-loop clients in front of a simulated server, in virtual time: the server's own model of
/// latency (slowdown by calls at work) is none of what gradient_limit assumes.
class saturating_server {
 public:
  using clock = gradient_limit::clock;

  /// How many times longer each call takes while n are at work.
  std::function<double(double n)> slowdown = [](double) { return 1.0; };
  /// A further factor, whatever the load.
  double slower = 1;
  /// Spread of each call's time (log-normal).
  double noise = 0.3;
  /// Who wants a call at once; the limit decides how many have one.
  std::uint32_t clients = 1000;
  std::uint32_t prompt_max = 4000;
  std::uint32_t written_max = 400;

  explicit saturating_server(std::uint32_t maximum, std::uint32_t minimum = 1)
      : limit{minimum, maximum} {}

  /// Throughput flat from `batch` calls at once.
  void saturate_at(double batch) {
    slowdown = [batch](double n) { return std::max(1.0, n / batch); };
  }

  void run(std::chrono::seconds time) {
    auto until = now_ + std::chrono::duration<double>(time).count();
    done = 0;
    stretch = 0;
    limits = 0;
    while (now_ < until) {
      auto room = std::min(clients, limit.limit());
      while (calls_.size() < room) begin();
      limits += static_cast<double>(limit.limit());
      step();
    }
    mean_limit = limits / std::max(1.0, static_cast<double>(done));
    stretch /= std::max(1.0, static_cast<double>(done));
  }

  [[nodiscard]] clock::time_point now() const { return at(now_); }

  gradient_limit limit;
  /// Of the latest run: calls, their mean latency over that of an idle server, the mean limit.
  std::uint64_t done = 0;
  double stretch = 0;
  double mean_limit = 0;

 private:
  struct call {
    double started = 0;
    double left = 0;
    double alone = 0;
    std::uint32_t prompt = 0;
    std::uint32_t written = 0;
  };

  static clock::time_point at(double seconds) {
    return clock::time_point{} +
           std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(seconds));
  }

  std::uint32_t size(std::uint32_t most) {
    // Many short ones, few long ones.
    return 1 + static_cast<std::uint32_t>(most * std::pow(uniform_(random_), 3));
  }

  void begin() {
    call next{.started = now_, .prompt = size(prompt_max), .written = size(written_max)};
    next.alone = 0.03 + next.prompt / 8000.0 + next.written * 0.02;
    next.left = next.alone * std::exp(noise * normal_(random_));
    calls_.push_back(next);
  }

  void step() {
    auto slow = slower * slowdown(static_cast<double>(calls_.size()));
    auto first = std::min_element(calls_.begin(), calls_.end(),
                                  [](const auto& a, const auto& b) { return a.left < b.left; });
    auto passed = first->left;
    for (auto& each : calls_) each.left -= passed;
    now_ += passed * slow;
    auto ended = *first;
    *first = calls_.back();
    calls_.pop_back();
    ++done;
    stretch += (now_ - ended.started) / ended.alone;
    limit.on_done({.started = at(ended.started),
                   .ended = at(now_),
                   .prompt_tokens = ended.prompt,
                   .completion_tokens = ended.written,
                   .in_flight = static_cast<std::uint32_t>(calls_.size() + 1)});
  }

  double now_ = 0;
  double limits = 0;
  std::vector<call> calls_;
  std::mt19937_64 random_{7};
  std::uniform_real_distribution<double> uniform_{0, 1};
  std::normal_distribution<double> normal_{0, 1};
};

}  // namespace tandem::testing
