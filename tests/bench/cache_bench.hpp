#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "schema/cache_item.hpp"
#include "tests/bench/bench_report.hpp"
#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// What the scenarios of `bench_cache` found.
struct cache_results {
  std::map<std::string, double> figures;
  routing_results documents;
  bool ok = true;

  void note(const std::string& figure, double value) { figures[figure] = value; }
  /// `goal_name`: that of a maximum in goals.json.
  void must(const std::string& figure, double value, const std::string& goal_name,
            const std::string& what, const std::string& regime) {
    figures[figure] = value;
    documents.bars.push_back(
        {what, regime, figure, {value, value, value}, goal("cache", goal_name), bar_kind::at_most});
  }
  void fail(const std::string& why) {
    documents.notes.push_back("Not measured: " + why + ".");
    ok = false;
  }
};

[[nodiscard]] inline std::string rounded(double value, int digits = 2) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// One of the bench's scenarios.
struct cache_scenario {
  const char* name;
  void (*run)(cache_results&);
};

void run_first_level(cache_results& results);
void run_heap(cache_results& results);
void run_third_level(cache_results& results);
void run_miss_ratios(cache_results& results);
void run_second_level(cache_results& results);
void run_equal_requests(cache_results& results);

inline cache_key bench_key(std::uint64_t n) {
  cache_key key;
  for (std::size_t i = 0; i < key.bytes.size(); i += sizeof n) {
    n += 0x9E3779B97F4A7C15;
    auto x = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    x ^= x >> 31;
    std::memcpy(key.bytes.data() + i, &x, sizeof x);
  }
  return key;
}

/// `bytes` of noise.
inline message_words bench_words(std::size_t bytes, std::mt19937_64& random) {
  const auto size = bytes / sizeof(capnp::word);
  auto words = std::make_shared_for_overwrite<capnp::word[]>(size);
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t noise = random();
    std::memcpy(static_cast<void*>(&words[i]), &noise, sizeof noise);
  }
  return {std::move(words), size};
}

/// Ranks from 0 on, each with a chance of 1 / (rank + 1)^alpha.
class zipf {
 public:
  zipf(std::size_t ranks, double alpha) : sums_(ranks) {
    double sum = 0;
    for (std::size_t i = 0; i < ranks; ++i)
      sums_[i] = sum += std::pow(static_cast<double>(i + 1), -alpha);
  }
  std::uint64_t operator()(std::mt19937_64& random) const {
    const auto at = std::uniform_real_distribution<double>(0, sums_.back())(random);
    return static_cast<std::uint64_t>(std::upper_bound(sums_.begin(), sums_.end() - 1, at) -
                                      sums_.begin());
  }

 private:
  std::vector<double> sums_;
};

}  // namespace tandem::bench
