#include "tests/bench/semantic_scale.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>

#include "actors/semantic/semantic_plans.hpp"
#include "tests/bench/bench_report.hpp"

namespace tandem::bench {
namespace {

/// The first half of one question and the second of another, each digit drawn anew.
std::string mixed_goal(const semantic_data& data, std::mt19937_64& random) {
  const auto& one = data.questions[random() % data.questions.size()].original;
  const auto& two = data.questions[random() % data.questions.size()].rewording;
  // Some have no rewording.
  auto half = [](const std::string& of) {
    return std::min(of.find(' ', of.size() / 2), of.size());
  };
  auto text = one.substr(0, half(one)) + two.substr(half(two));
  for (char& c : text)
    if (c >= '1' && c <= '9') c = static_cast<char>('1' + random() % 9);
  return text;
}

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

std::vector<scale_result> run_scale(const semantic_data& data,
                                    const std::vector<std::size_t>& sizes) {
  constexpr std::size_t looks = 2'000;
  constexpr std::size_t again = 500;
  std::mt19937_64 random{11};
  semantic_plans plans{{.entries_max = sizes.back(), .bytes_max = std::size_t{4} << 30}};
  auto ask = [](const std::string& goal) {
    return semantic_question{.scope = {.tenant = "bench", .key = "plan"}, .goal = goal};
  };
  std::vector<std::string> kept;
  std::vector<scale_result> out;
  std::size_t stored = 0;
  for (auto size : sizes) {
    scale_result result{.entries = size};
    std::vector<double> store_us;
    for (; stored < size; ++stored) {
      auto goal = mixed_goal(data, random);
      if (stored % 50 == 0) kept.push_back(goal);
      auto start = std::chrono::steady_clock::now();
      (void)plans.store(ask(goal), std::to_string(stored), 0);
      store_us.push_back(1e6 * seconds_since(start));
    }
    std::vector<double> miss_us;
    std::vector<double> miss_cpu_us;
    for (std::size_t i = 0; i < looks; ++i) {
      auto goal = mixed_goal(data, random);
      auto cpu = thread_seconds();
      auto start = std::chrono::steady_clock::now();
      auto answer = plans.look(ask(goal), 0);
      auto us = 1e6 * seconds_since(start);
      if (answer.decision != semantic_decision::miss) continue;
      miss_us.push_back(us);
      miss_cpu_us.push_back(1e6 * (thread_seconds() - cpu));
    }
    std::size_t found = 0;
    for (std::size_t i = 0; i < again; ++i) {
      auto answer = plans.look(ask(kept[i * kept.size() / again]), 0);
      found += answer.similarity > .999F ? 1 : 0;
    }
    result.store_p50 = percentile(store_us, .5);
    result.miss_p50 = percentile(miss_us, .5);
    result.miss_p99 = percentile(miss_us, .99);
    result.miss_cpu_p99 = percentile(miss_cpu_us, .99);
    result.bytes_per_entry = static_cast<double>(plans.statistics(0).bytes) /
                             static_cast<double>(plans.statistics(0).entries);
    result.found = static_cast<double>(found) / again;
    out.push_back(result);
  }
  return out;
}

}  // namespace tandem::bench
