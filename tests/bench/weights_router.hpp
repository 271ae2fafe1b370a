#pragma once

#include <memory>
#include <vector>

#include "actors/router/route_table.hpp"
#include "tests/bench/timed_engine.hpp"
#include "tests/support/weights/modelled_jobs.hpp"

namespace tandem::bench {

struct routed_options {
  /// Of prompts and answers, in tokens: medians of lognormal lengths, and their spread.
  double prompt_tokens = 700;
  double answer_tokens = 30;
  double prompt_spread = .6;
  double answer_spread = .5;
  double prefill_tokens_per_s = 8'000;
  double write_s_per_token = .02;
  /// So long after an engine has changed the router hears of it.
  std::chrono::microseconds report{5000};
  /// Answers are kept, under attempt_key's keys.
  bool cached = false;
  std::uint64_t seed = 1;
};

/// Calls through a node's route_table to engines as in bench_engine_choice.
class routed_world : public testing::job_world {
 public:
  routed_world(testing::weight_fleet& fleet, const routed_options& options);

  pick choose(testing::modelled_call& call) override;
  times serve(const testing::modelled_call& call, std::size_t engine) override;
  void ended(const testing::modelled_call& call, std::size_t engine, const times& took,
             bool ok) override;
  std::string key(const testing::modelled_call& call, const std::string& version) override;

  /// Calls a second that `engines` of them can do.
  [[nodiscard]] double capacity(std::size_t engines) const;

 private:
  struct lengths {
    std::uint32_t prompt = 0;
    std::uint32_t answer = 0;
  };
  [[nodiscard]] lengths lengths_of(std::uint32_t prompt) const;
  [[nodiscard]] tmsg::attempt attempt_of(std::uint32_t prompt) const;
  void tell(std::size_t engine);
  [[nodiscard]] double now_s() const;

  testing::weight_fleet& fleet_;
  routed_options options_;
  std::unique_ptr<route_table> table_;
  std::vector<timed_engine> engines_;
  std::vector<std::string> versions_;
  std::vector<bool> is_told_;
  std::unordered_map<std::string, std::size_t> numbers_;
};

}  // namespace tandem::bench
