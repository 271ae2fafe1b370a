#include <random>

#include <gtest/gtest.h>

#include "actors/engine/sim/sim_backend.hpp"
#include "tests/unit/engine/sim/paced_harness.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

/// A token takes 1 ms alone and 0.25 ms more for each beside it; 10 prompt tokens a millisecond.
sim_config profile() {
  sim_config sim;
  sim.per_token = 1ms;
  sim.per_token_batch = 250us;
  sim.prefill_rate = 10'000;
  sim.prefill_chunk = 64;
  return sim;
}

generation_request request(std::uint64_t id, unsigned read, unsigned write, bool stream = false) {
  auto directive = R"(@sim {"tokens":)" + std::to_string(write) + R"(,"prompt_tokens":)" +
                   std::to_string(read) + "}";
  return {.id = id,
          .messages = {{schema::Role::USER, directive}},
          .max_tokens = 100'000,
          .stream = stream};
}

/// A backend that knows the harness's time.
class steps {
 public:
  explicit steps(const sim_config& sim)
      : server{{.name = "sim-1", .kind = "sim", .sim = sim}, engine.sink(), [this] {
                 return std::chrono::steady_clock::time_point{engine.now};
               }} {}
  void start(std::uint64_t id, unsigned read, unsigned write, bool stream = false) {
    engine.start(server, request(id, read, write, stream));
  }
  void run(microseconds until = 24h * 365) { engine.run(server, until); }
  [[nodiscard]] microseconds end(std::uint64_t id) { return engine.ends.at(id).at; }

  virtual_engine engine;
  sim_backend server;
};

TEST(sim_steps, AloneACallTakesItsPromptAndAStepForEachFurtherToken) {
  steps alone{profile()};
  alone.start(1, 50, 11);
  alone.run();
  // The step that reads has the 0.75 ms of any step, and writes the first token.
  EXPECT_EQ(alone.end(1), 5'750us + 10 * 1ms);
}

TEST(sim_steps, TheConstantOverheadComesOnTop) {
  auto sim = profile();
  sim.first_token = 7ms;
  steps alone{sim};
  alone.start(1, 50, 1);
  alone.run();
  EXPECT_EQ(alone.end(1), 12'750us);
}

TEST(sim_steps, PromptsAreReadByChunksInTheOrderTheyCame) {
  steps two{profile()};
  two.start(1, 128, 1);
  two.start(2, 64, 1);
  two.run();
  EXPECT_EQ(two.end(1), 2 * 7'150us);
  EXPECT_EQ(two.end(2), 3 * 7'150us);
}

TEST(sim_steps, ReadingDelaysThoseThatWrite) {
  steps both{profile()};
  both.start(1, 1, 101);
  both.run(50ms);
  both.start(2, 640, 1);
  both.run();
  steps alone{profile()};
  alone.start(1, 1, 101);
  alone.run();
  EXPECT_EQ(both.end(1) - alone.end(1), 64ms) << "by what reading takes";
}

TEST(sim_steps, ABatchIsSlowerThanOneAndFasterThanOneAfterTheOther) {
  steps four{profile()};
  for (std::uint64_t id = 1; id <= 4; ++id) four.start(id, 1, 101);
  four.run();
  EXPECT_NEAR(static_cast<double>(four.end(4).count()), 175e3, 2e3);
}

TEST(sim_steps, LongContextsMakeTokensDear) {
  auto sim = profile();
  sim.per_token_context = 1ms;
  steps both{sim};
  both.start(1, 1'000, 1);
  both.run();
  auto read = both.end(1);
  auto began = both.engine.now;
  both.start(2, 1'000, 101);
  both.run();
  // From 1,001 tokens of context to 1,100.
  EXPECT_NEAR(static_cast<double>((both.end(2) - began - read).count()), 100e3 + 105.05e3, 10);
}

TEST(sim_steps, CallsBeyondTheSlotsWaitForOneToEnd) {
  auto sim = profile();
  sim.slots = 2;
  steps three{sim};
  three.start(1, 1, 100);
  three.start(2, 1, 50);
  three.start(3, 1, 10);
  three.run();
  EXPECT_GT(three.end(3), three.end(2));
  EXPECT_LT(three.end(3), three.end(1));
}

TEST(sim_steps, NothingWorkedIsLostOrDoneTwice) {
  // Every call costs the same whenever it comes: then the engine's busy time is their sum.
  auto sim = profile();
  sim.per_token_batch = sim.per_token;
  steps many{sim};
  std::mt19937_64 random{7};
  double work_us = 0;
  for (std::uint64_t id = 1; id <= 200; ++id) {
    auto read = static_cast<unsigned>(1 + random() % 300);
    auto write = static_cast<unsigned>(1 + random() % 60);
    work_us += read * 100.0 + (write - 1) * 1000.0;
    many.start(id, read, write);
    many.run(many.engine.now + microseconds{random() % 2'000});
  }
  many.run();
  microseconds last{0};
  for (const auto& [id, end] : many.engine.ends) last = std::max(last, end.at);
  EXPECT_EQ(many.engine.ends.size(), 200u);
  EXPECT_NEAR(static_cast<double>(last.count()), work_us, 2'000);
}

TEST(sim_steps, ACancelledCallIsNoBurdenFromThenOn) {
  steps two{profile()};
  two.start(1, 1, 101);
  two.start(2, 1, 1'001);
  two.run(25ms);
  auto gone = two.server.cancel(2);
  ASSERT_TRUE(std::holds_alternative<generation>(gone));
  EXPECT_NEAR(static_cast<double>(std::get<generation>(gone).completion_tokens), 20, 1);
  two.start(3, 1, 1);
  two.run();
  EXPECT_LT(two.end(3), 28ms);
  EXPECT_EQ(two.server.status().server_running, 0u);
}

TEST(sim_steps, TextComesAtTheTokensTimesWhileOthersDelayIt) {
  steps both{profile()};
  both.start(1, 1, 60, true);
  both.run(20ms);
  both.start(2, 500, 20);
  both.run();
  EXPECT_EQ(both.engine.text_of(1), both.engine.ends.at(1).result.text);
  EXPECT_GT(both.engine.texts.at(1).size(), 3u);
  steps silent{profile()};
  silent.start(1, 1, 60);
  silent.run(20ms);
  silent.start(2, 500, 20);
  silent.run();
  EXPECT_LE(silent.end(1) - both.end(1), 1us) << "who reads along does not change it";
  EXPECT_LE(both.end(1) - silent.end(1), 1us);
}

TEST(sim_steps, SaysWhenTheFirstTokenCame) {
  steps alone{profile()};
  alone.run(1s);
  alone.start(1, 50, 100);
  alone.run();
  auto first = alone.engine.ends.at(1).result.first_text.time_since_epoch();
  EXPECT_EQ(std::chrono::duration_cast<microseconds>(first), 1s + 5'750us);
}

TEST(sim_steps, ACallNeedsFewWakes) {
  auto sim = profile();
  sim.slots = 8;
  steps busy{sim};
  for (std::uint64_t id = 1; id <= 200; ++id) {
    busy.start(id, 200, 500);
    busy.run(busy.engine.now + 200ms);
  }
  busy.run();
  EXPECT_LT(busy.engine.wakes, 200u * 12);
}

TEST(sim_steps, WithoutAClockItIsRightByASlice) {
  auto ends = [](bool clock) {
    virtual_engine engine;
    std::function<std::chrono::steady_clock::time_point()> now;
    if (clock) now = [&] { return std::chrono::steady_clock::time_point{engine.now}; };
    sim_backend server{{.name = "sim-1", .kind = "sim", .sim = profile()}, engine.sink(), now};
    for (std::uint64_t id = 1; id <= 30; ++id) {
      engine.start(server, request(id, 40, 30));
      engine.run(server, engine.now + 23ms);
    }
    engine.run(server);
    double sum = 0;
    for (const auto& [id, end] : engine.ends) sum += static_cast<double>(end.at.count());
    return sum / static_cast<double>(engine.ends.size());
  };
  EXPECT_NEAR(ends(false), ends(true), 10e3);
}

}  // namespace
}  // namespace tandem
