#include "actors/engine/calibrate/time_fit.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "actors/engine/calibrate/calibration.hpp"
#include "actors/engine/sim/sim_backend.hpp"
#include "tests/unit/engine/sim/paced_harness.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;

/// Measures a simulated engine in virtual time, with a machine's noise where that is wanted.
class virtual_meter : public call_meter {
 public:
  explicit virtual_meter(const sim_config& sim, double noise = 0)
      : noise_{noise}, server_{{.name = "real", .kind = "sim", .sim = sim}, {}, [this] {
                                 return std::chrono::steady_clock::time_point{engine_.now};
                               }} {}

  measured_round measure(const std::vector<planned_call>& calls) override {
    auto began = engine_.now;
    auto first = ids_ + 1;
    for (const auto& call : calls) {
      engine_.run(server_, began + std::chrono::microseconds{std::llround(call.at_us)});
      engine_.start(server_, {.id = ++ids_,
                              .messages = {{schema::Role::USER, call.prompt}},
                              .max_tokens = call.tokens,
                              .ignore_end = true});
    }
    engine_.run(server_);
    measured_round round;
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const auto& end = engine_.ends.at(first + i);
      auto to = [&](std::chrono::steady_clock::duration at) {
        auto since = std::chrono::duration<double, std::micro>(at - began).count();
        return calls[i].at_us + (since - calls[i].at_us) * off();
      };
      round.push_back({.code = end.result.code,
                       .error = end.result.error,
                       .at_us = calls[i].at_us,
                       .first_us = to(end.result.first_text.time_since_epoch()),
                       .end_us = to(end.at),
                       .prompt_tokens = static_cast<double>(end.result.prompt_tokens),
                       .cached_tokens = static_cast<double>(end.result.cached_prompt_tokens),
                       .written_tokens = static_cast<double>(end.result.completion_tokens)});
    }
    engine_.now += 1s;
    return round;
  }
  double seconds() override { return std::chrono::duration<double>(engine_.now).count(); }

 private:
  /// Mostly a few percent; sometimes a stall.
  double off() {
    if (noise_ == 0) return 1;
    auto stall = std::uniform_real_distribution<>{}(random_) < 0.03 ? 2.0 : 1.0;
    return stall * std::exp(std::normal_distribution<>{0, noise_}(random_));
  }

  double noise_;
  std::mt19937_64 random_{3};
  std::uint64_t ids_ = 0;
  virtual_engine engine_;
  sim_backend server_;
};

sim_config llama() {
  sim_config sim;
  sim.first_token = 4ms;
  sim.per_token = 10ms;
  sim.per_token_batch = 2ms;
  sim.prefill_rate = 2'000;
  sim.prefill_chunk = 128;
  sim.slots = 4;
  sim.cache_blocks = 4'096;
  sim.cache_block_tokens = 32;
  return sim;
}

calibration measure(const sim_config& sim, double noise = 0) {
  virtual_meter meter{sim, noise};
  auto found = calibrate(meter, {.seconds = 400, .requests_max = 300, .concurrency = 8});
  if (!found) throw std::runtime_error{message_of(found.error())};
  return std::move(*found);
}

double us(std::chrono::microseconds time) {
  return static_cast<double>(time.count());
}

TEST(calibration, OfASimulatedEngineIsItsOwnProfile) {
  auto found = measure(llama());
  SCOPED_TRACE("per_token_context " + std::to_string(found.sim.per_token_context.count()) +
               ", prefill_context " + std::to_string(found.sim.prefill_context.count()));
  EXPECT_NEAR(us(found.sim.first_token), 4'000, 400);
  EXPECT_NEAR(us(found.sim.per_token), 10'000, 300);
  EXPECT_NEAR(us(found.sim.per_token_batch), 2'000, 200);
  EXPECT_NEAR(found.sim.prefill_rate, 2'000, 60);
  EXPECT_EQ(found.sim.prefill_chunk, 128u);
  EXPECT_EQ(found.sim.slots, 4u);
  EXPECT_TRUE(found.has_cache);
  EXPECT_EQ(found.sim.cache_block_tokens, 32u);
  EXPECT_LT(found.error.median, 0.01);
}

TEST(calibration, IsNotMisledByANoisyMachine) {
  auto found = measure(llama(), 0.05);
  EXPECT_NEAR(us(found.sim.per_token), 10'000, 1'000);
  EXPECT_NEAR(us(found.sim.per_token_batch), 2'000, 600);
  EXPECT_NEAR(found.sim.prefill_rate, 2'000, 200);
  EXPECT_EQ(found.sim.slots, 4u);
  EXPECT_LT(found.error.median, 0.1);
}

TEST(calibration, SlowMomentsAreInTheMean) {
  auto found = measure(llama());
  EXPECT_NEAR(slowness(found.measured, slowed(found.sim, 2)), 0.5, 0.02);
  auto rounds = found.measured;
  for (std::size_t i = 0; i < rounds.size(); i += 3) {
    for (auto& call : rounds[i]) {
      call.first_us += call.first_us - call.at_us;
      call.end_us += call.end_us - call.at_us;
    }
  }
  auto slow = fit_times(rounds, found.sim);
  EXPECT_NEAR(slowness(rounds, slow), 1, 0.03);
  EXPECT_NEAR(us(slow.per_token), 13'333, 1'000) << "two in three take 10 ms, one takes 20";
}

TEST(calibration, KnowsAnEngineThatReadsBesideWriting) {
  auto sim = llama();
  sim.prefill_chunk = 0;
  sim.slots = 0;
  sim.cache_blocks = 0;
  auto found = measure(sim);
  EXPECT_EQ(found.sim.prefill_chunk, 0u);
  EXPECT_EQ(found.sim.slots, 0u);
  EXPECT_FALSE(found.has_cache);
  EXPECT_EQ(found.sim.cache_blocks, 0u);
  EXPECT_NEAR(us(found.sim.per_token), 10'000, 300);
}

TEST(calibration, SeesThatLongContextsAreSlower) {
  auto sim = llama();
  sim.per_token_context = 8ms;
  auto found = measure(sim);
  EXPECT_NEAR(us(found.sim.per_token_context), 8'000, 1'500);
}

TEST(calibration, FindsRoughlyWhatACacheHolds) {
  auto sim = llama();
  sim.cache_blocks = 10'000 / 32;
  virtual_meter meter{sim};
  auto found = calibrate(
      meter, {.seconds = 400, .requests_max = 100, .concurrency = 2, .cache_capacity = true});
  ASSERT_TRUE(found);
  auto tokens = found->sim.cache_blocks * found->sim.cache_block_tokens;
  EXPECT_GE(tokens, 5'000u);
  EXPECT_LE(tokens, 20'000u);
}

TEST(calibration, EndsWhenItsRequestsAreUsedUp) {
  virtual_meter meter{llama()};
  auto found = calibrate(meter, {.seconds = 1e6, .requests_max = 60});
  ASSERT_TRUE(found);
  EXPECT_LE(found->calls, 60u);
  EXPECT_FALSE(found->notes.empty());
}

TEST(calibration, OfAnEngineThatFailsSaysWhy) {
  auto sim = llama();
  sim.error_rate = 1;
  virtual_meter meter{sim};
  auto found = calibrate(meter, {.seconds = 100, .requests_max = 60});
  ASSERT_FALSE(found);
  EXPECT_NE(message_of(found.error()).find("simulated error"), std::string::npos);
}

TEST(calibration, IsTheSameForTheSameMeasurements) {
  auto first = measure(llama(), 0.05);
  auto second = measure(llama(), 0.05);
  EXPECT_EQ(first.sim.per_token, second.sim.per_token);
  EXPECT_EQ(first.sim.prefill_rate, second.sim.prefill_rate);
}

}  // namespace
}  // namespace tandem
