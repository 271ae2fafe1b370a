#include <gtest/gtest.h>

#include "actors/engine/sim/sim_backend.hpp"
#include "schema/text.hpp"
#include "tests/unit/engine/sim/paced_harness.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

engine_config with(const sim_config& sim) {
  engine_config config;
  config.name = "sim-1";
  config.kind = "sim";
  config.sim = sim;
  return config;
}

/// Of as many tokens to read, and to write.
generation_request request(std::uint64_t id, std::size_t read, std::uint32_t write,
                           char letter = 'x') {
  auto directive = R"(@sim {"tokens":)" + std::to_string(write) + "}";
  auto bytes = read * 4;
  std::string prompt;
  if (bytes > directive.size() + 1)
    prompt = std::string(bytes - directive.size() - 1, letter) + " ";
  return {.id = id,
          .purpose = schema::Purpose::STEP,
          .messages = {{schema::Role::USER, prompt + directive}},
          .max_tokens = 100'000};
}

TEST(sim_times, ReadingTakesThePromptsTokensOverTheRate) {
  sim_backend server{with({.prefill_rate = 10'000})};
  virtual_engine engine;
  engine.start(server, request(1, 1'000, 10));
  engine.run(server);
  EXPECT_EQ(engine.ends.at(1).at, 100ms);
  EXPECT_EQ(engine.ends.at(1).result.prompt_tokens, 1'000u);
}

TEST(sim_times, ReadersShareTheRate) {
  sim_backend server{with({.prefill_rate = 10'000})};
  virtual_engine engine;
  for (std::uint64_t id = 1; id <= 4; ++id) engine.start(server, request(id, 1'000, 10));
  engine.run(server);
  for (std::uint64_t id = 1; id <= 4; ++id)
    EXPECT_NEAR(static_cast<double>(engine.ends.at(id).at.count()), 400e3, 40e3) << id;
}

TEST(sim_times, WritingSlowsWithTheBatchAndRecoversWhenItShrinks) {
  sim_backend server{with({.per_token = 1ms, .per_token_batch = 1ms})};
  virtual_engine engine;
  engine.start(server, request(1, 10, 100));
  engine.run(server);
  EXPECT_EQ(engine.ends.at(1).at, 100ms);
  engine.now = 0us;
  for (std::uint64_t id = 2; id <= 5; ++id) engine.start(server, request(id, 10, 100));
  engine.run(server);
  EXPECT_NEAR(static_cast<double>(engine.ends.at(5).at.count()), 400e3, 20e3);
  engine.now = 0us;
  engine.start(server, request(6, 10, 100));
  engine.start(server, request(7, 10, 10));
  engine.run(server);
  EXPECT_LT(engine.ends.at(7).at, 50ms);
  EXPECT_LT(engine.ends.at(6).at, 140ms) << "alone again once the short one is done";
  EXPECT_GT(engine.ends.at(6).at, 100ms);
}

TEST(sim_times, WholeBlocksOfAPrefixAreNotReadAgain) {
  sim_backend server{with({.prefill_rate = 10'000, .cache_blocks = 1'000})};
  virtual_engine engine;
  engine.start(server, request(1, 1'000, 10));
  engine.run(server);
  EXPECT_EQ(engine.ends.at(1).result.cached_prompt_tokens, 0u);
  engine.start(server, request(2, 1'000, 10));
  auto began = engine.now;
  engine.run(server);
  EXPECT_EQ(engine.ends.at(2).result.cached_prompt_tokens, 1'000u / 16 * 16);
  EXPECT_EQ(engine.ends.at(2).at - began, 800us) << "8 tokens are left to read";
  engine.start(server, request(3, 1'000, 10, 'y'));
  engine.run(server);
  EXPECT_EQ(engine.ends.at(3).result.cached_prompt_tokens, 0u);
  EXPECT_GT(server.status().cache_usage, 0.1f);
}

TEST(sim_times, TheLastTokenIsAlwaysRead) {
  sim_backend server{with({.cache_blocks = 1'000, .cache_block_tokens = 1})};
  virtual_engine engine;
  for (std::uint64_t id = 1; id <= 2; ++id) engine.start(server, request(id, 100, 10));
  EXPECT_EQ(engine.ends.at(2).result.cached_prompt_tokens, 99u);
}

TEST(sim_times, TheCacheKeepsWhatWasUsedLastAndNoMoreThanItHolds) {
  prefix_cache cache{10, 1};
  auto blocks = [&cache](const std::string& text) {
    return cache.blocks_of({{schema::Role::USER, text}});
  };
  auto a = blocks(std::string(20, 'a'));
  auto b = blocks(std::string(20, 'b'));
  auto c = blocks(std::string(4, 'c'));
  EXPECT_EQ(a.size(), 5u);
  cache.insert(a);
  cache.insert(b);
  EXPECT_EQ(cache.usage(), 1);
  EXPECT_EQ(cache.hit_tokens(a), 5u);
  cache.insert(c);
  EXPECT_EQ(cache.hit_tokens(b), 4u) << "the end of what was used longest ago has left";
  EXPECT_EQ(cache.hit_tokens(a), 5u);
  cache.insert(blocks(std::string(4'000, 'd')));
  EXPECT_EQ(cache.usage(), 1);
  EXPECT_EQ(cache.hit_tokens(a), 0u);
}

TEST(sim_times, RolesArePartOfAPrefix) {
  prefix_cache cache{10, 1};
  cache.insert(cache.blocks_of({{schema::Role::USER, "same"}}));
  EXPECT_EQ(cache.hit_tokens(cache.blocks_of({{schema::Role::SYSTEM, "same"}})), 0u);
  EXPECT_EQ(cache.hit_tokens(cache.blocks_of({{schema::Role::USER, "same more"}})), 1u);
}

TEST(sim_times, WithoutACacheNothingHits) {
  sim_backend server{with({})};
  virtual_engine engine;
  for (std::uint64_t id = 1; id <= 2; ++id) engine.start(server, request(id, 100, 1));
  EXPECT_EQ(engine.ends.at(2).result.cached_prompt_tokens, 0u);
  EXPECT_LT(server.status().cache_usage, 0);
}

TEST(sim_times, StreamsAtTheTokenRate) {
  virtual_engine engine;
  sim_backend server{with({.first_token = 50ms, .per_token = 25ms}), engine.sink()};
  engine.start(server, request(1, 10, 40));
  engine.run(server);
  const auto& pieces = engine.texts.at(1);
  ASSERT_EQ(pieces.size(), 40u);
  for (std::size_t i = 0; i < pieces.size(); ++i)
    EXPECT_EQ(pieces[i].first, 50ms + 25ms * (i + 1)) << i;
  EXPECT_EQ(engine.text_of(1), engine.ends.at(1).result.text);
  EXPECT_EQ(engine.ends.at(1).at, 1'050ms);
  EXPECT_EQ(engine.ends.at(1).result.completion_tokens, 40u);
}

TEST(sim_times, FastTokensAreStreamedBySlices) {
  virtual_engine engine;
  sim_backend server{with({.per_token = 100us, .slice = 10ms}), engine.sink()};
  engine.start(server, request(1, 10, 1'000));
  engine.run(server);
  EXPECT_EQ(engine.texts.at(1).size(), 10u);
  EXPECT_EQ(engine.text_of(1), engine.ends.at(1).result.text);
  EXPECT_EQ(engine.ends.at(1).at, 100ms);
}

TEST(sim_times, PiecesEndBetweenCharacters) {
  virtual_engine engine;
  sim_backend server{with({.per_token = 25ms}), engine.sink()};
  std::string reply;
  for (int i = 0; i < 50; ++i) reply += "世";
  generation_request asked{.id = 1,
                           .messages = {{schema::Role::USER, R"(@sim {"reply":")" + reply + "\"}"}},
                           .max_tokens = 100};
  engine.start(server, asked);
  engine.run(server);
  EXPECT_GT(engine.texts.at(1).size(), 10u);
  for (const auto& [at, piece] : engine.texts.at(1)) EXPECT_TRUE(is_valid_utf8(piece));
  EXPECT_EQ(engine.text_of(1), reply);
}

TEST(sim_times, NoTimesMeanAnAnswerAtOnceWhoeverListens) {
  virtual_engine engine;
  sim_backend server{with({}), engine.sink()};
  auto outcome = server.start(request(1, 100, 100));
  EXPECT_TRUE(std::holds_alternative<generation>(outcome));
  EXPECT_TRUE(engine.texts.empty());
}

TEST(sim_times, NothingComesAfterACancel) {
  virtual_engine engine;
  sim_backend server{with({.first_token = 50ms, .per_token = 25ms, .prefill_rate = 1'000}),
                     engine.sink()};
  engine.start(server, request(1, 100, 40));
  engine.run(server, 500ms);
  auto seen = engine.texts.at(1).size();
  EXPECT_GT(seen, 0u);
  auto outcome = server.cancel(1);
  ASSERT_TRUE(std::holds_alternative<generation>(outcome));
  EXPECT_EQ(std::get<generation>(outcome).code, errc::cancelled);
  EXPECT_EQ(std::get<generation>(outcome).completion_tokens, seen);
  engine.run(server);
  EXPECT_EQ(engine.texts.at(1).size(), seen);
  EXPECT_TRUE(engine.ends.empty());
  EXPECT_EQ(server.status().server_running, 0u);
}

TEST(sim_times, CancelledReadersGiveTheirShareBack) {
  sim_backend server{with({.prefill_rate = 10'000})};
  virtual_engine engine;
  for (std::uint64_t id = 1; id <= 2; ++id) engine.start(server, request(id, 1'000, 10));
  static_cast<void>(server.cancel(2));
  engine.run(server);
  EXPECT_NEAR(static_cast<double>(engine.ends.at(1).at.count()), 100e3, 15e3);
}

TEST(sim_times, TheSameCallsTakeTheSameTimes) {
  auto times = [] {
    virtual_engine engine;
    sim_backend server{with({.first_token = 5ms,
                             .per_token = 1ms,
                             .prefill_rate = 20'000,
                             .per_token_batch = 100us,
                             .cache_blocks = 50,
                             .slow_rate = 0.2}),
                       engine.sink()};
    for (std::uint64_t id = 1; id <= 60; ++id) {
      engine.start(server,
                   request(id, 50 * (id % 7 + 1), id % 40, static_cast<char>('a' + id % 3)));
      engine.run(server, engine.now + 20ms);
    }
    engine.run(server);
    EXPECT_EQ(engine.ends.size(), 60u);
    std::vector<std::pair<microseconds, std::uint64_t>> all;
    for (const auto& [id, end] : engine.ends)
      all.emplace_back(end.at, end.result.cached_prompt_tokens);
    return all;
  };
  EXPECT_EQ(times(), times());
}

TEST(sim_times, ManyCallsAtOnceAllEnd) {
  virtual_engine engine;
  sim_backend server{
      with({.first_token = 1ms, .per_token = 50us, .prefill_rate = 1e6, .per_token_batch = 1us}),
      engine.sink()};
  for (std::uint64_t id = 1; id <= 1'000; ++id) engine.start(server, request(id, 100, 50));
  EXPECT_EQ(server.status().server_running, 1'000u);
  engine.run(server);
  EXPECT_EQ(engine.ends.size(), 1'000u);
  EXPECT_EQ(server.status().server_running, 0u);
}

}  // namespace
}  // namespace tandem
