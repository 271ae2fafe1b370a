#include "actors/engine/embedded/inference_server.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "tests/unit/engine/embedded/embedded_fixture.hpp"
#include "tests/unit/engine/embedded/gguf_builder.hpp"

namespace tandem::embedded {
namespace {

using namespace testing;

const auto executor = model_path("tandem-executor-v2-f16");
const auto executor_v1 = model_path("tandem-executor-v1-f16");
const auto planner = model_path("tandem-planner-v1-f16");

server_options with(std::uint32_t slots, std::uint32_t queue_max = 256) {
  server_options out;
  out.slots = slots;
  out.queue_max = queue_max;
  return out;
}

struct golden_model {
  const char* golden;
  const char* model;
};

class Goldens : public ::testing::TestWithParam<golden_model> {};

TEST_P(Goldens, AreMatchedTokenForTokenWhileManyRunAtOnce) {
  inference_server server(model_path(GetParam().model), with(4));
  std::vector<collector> answers(60);
  std::vector<std::vector<token_id>> expected_ids;
  std::vector<std::string> expected_texts;
  std::uint64_t id = 0;
  for_each_golden(GetParam().golden, [&](simdjson::dom::element line) {
    ASSERT_GT(line["smallest_top2_gap"].get_double().value(), 0.05);
    auto request = ask(id, messages_of(line["messages"]));
    request.max_tokens = 120;
    ASSERT_TRUE(server.submit(request, answers.at(id).sink()));
    expected_ids.push_back(ids_of(line["output_ids"]));
    expected_texts.push_back(text_of(line["output"]));
    ++id;
  });
  ASSERT_EQ(expected_ids.size(), 60U);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto got = answers[i].get();
    EXPECT_EQ(got.result.completion_ids, expected_ids[i]) << i;
    EXPECT_EQ(got.text, expected_texts[i]) << i;
    EXPECT_EQ(got.result.finish, finish_reason::stop);
    EXPECT_EQ(got.result.completion_tokens, expected_ids[i].size());
  }
}

INSTANTIATE_TEST_SUITE_P(
    AllModels, Goldens,
    ::testing::Values(golden_model{"planner-f16", "tandem-planner-v1-f16"},
                      golden_model{"planner-q8_0", "tandem-planner-v1-q8_0"},
                      golden_model{"executor-v2-f16", "tandem-executor-v2-f16"},
                      golden_model{"executor-v2-q8_0", "tandem-executor-v2-q8_0"}));

TEST(inference_server, CarriesOutAStep) {
  inference_server server(executor);
  const auto got = generate(server, ask(1, chat("act", "max 19 9")));
  EXPECT_EQ(got.text, "19");
  EXPECT_EQ(got.result.id, 1U);
  EXPECT_EQ(got.result.finish, finish_reason::stop);
  EXPECT_EQ(got.result.prompt_tokens, 10U);
  EXPECT_EQ(got.result.cached_prompt_tokens, 0U);
  EXPECT_EQ(got.result.completion_tokens, 2U);
  EXPECT_EQ(got.result.weight_version, "2");
}

TEST(inference_server, ReusesTheLongestCommonPrefixWithTheSameResult) {
  const auto first = chat("plan", "What is min(28-25,32)*4?");
  const auto second = chat("plan", "What is min(28-25,31)*4?");
  inference_server fresh(planner);
  const auto expected = generate(fresh, ask(1, second));
  EXPECT_EQ(expected.result.cached_prompt_tokens, 0U);

  inference_server server(planner);
  generate(server, ask(1, first));
  const auto got = generate(server, ask(2, second));
  // <|system|> plan <|end|> <|user|> "What is " "min(" 28 - 25 ,
  EXPECT_EQ(got.result.cached_prompt_tokens, 10U);
  EXPECT_EQ(got.result.completion_ids, expected.result.completion_ids);
  const auto again = generate(server, ask(3, second));
  EXPECT_EQ(again.result.cached_prompt_tokens, again.result.prompt_tokens - 1);
  EXPECT_EQ(again.result.completion_ids, expected.result.completion_ids);
  EXPECT_GT(server.load().prompt_tokens_cached, 20U);
}

TEST(inference_server, GivesConcurrentRequestsWhatTheyGetAlone) {
  std::vector<generation_request> requests;
  for (std::uint64_t i = 0; i < 12; ++i) {
    auto request = ask(i, chat(i % 2 == 0 ? "plan" : "answer",
                               "take " + std::to_string(i + 3) + ", add 5, multiply by 2."));
    request.sampling = {i % 3 == 0 ? 0.0F : 1.5F, 40, 0.95F, i};
    request.max_tokens = 60;
    requests.push_back(request);
  }
  inference_server one(planner, with(1));
  server_options many_options = with(5);
  many_options.prefill_chunk = 7;
  inference_server many(planner, many_options);
  std::vector<collector> together(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    ASSERT_TRUE(many.submit(requests[i], together[i].sink()));
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(together[i].get().result.completion_ids,
              generate(one, requests[i]).result.completion_ids);
  }
}

TEST(inference_server, FinishesOnTheOldWeightsAndBeginsOnTheNew) {
  // A step and a plan that the two versions answer differently.
  const auto step = [](std::uint64_t id) { return ask(id, chat("act", "sub 42 29")); };
  const auto plan = [](std::uint64_t id) {
    return ask(id, chat("plan", "take 40, subtract 7, but at least 50."));
  };
  inference_server old_only(executor_v1), new_only(executor);
  const auto old_plan = generate(old_only, plan(1)).text;
  const auto new_step = generate(new_only, step(1)).text;
  ASSERT_NE(old_plan, generate(new_only, plan(2)).text);
  ASSERT_NE(new_step, generate(old_only, step(2)).text);

  inference_server server(executor_v1, with(2));
  ASSERT_EQ(generate(server, step(1)).result.weight_version, "1");
  collector before, after;
  const auto swap = [&] {
    server.swap_weights(executor, "2-canary");
    ASSERT_TRUE(server.submit(step(3), after.sink()));
  };
  ASSERT_TRUE(server.submit(plan(2), before.sink(swap)));
  const auto first = before.get();
  EXPECT_EQ(first.result.weight_version, "1");
  EXPECT_EQ(first.text, old_plan);
  const auto second = after.get();
  EXPECT_EQ(second.result.weight_version, "2-canary");
  EXPECT_EQ(second.result.cached_prompt_tokens, 0U) << "a prefix of the old weights was used";
  EXPECT_EQ(second.text, new_step);
  EXPECT_EQ(server.load().weight_version, "2-canary");
}

TEST(inference_server, RefusesWeightsOfAnotherShapeAndKeepsServing) {
  inference_server server(executor);
  EXPECT_THROW(server.swap_weights(planner), gguf_error);
  EXPECT_THROW(server.swap_weights(model_path("no-such-model")), gguf_error);
  EXPECT_EQ(server.load().weight_version, "2");
  EXPECT_EQ(generate(server, ask(1, chat("act", "add 20 22"))).text, "42");
}

TEST(inference_server, CancelsAnActiveAndAWaitingRequest) {
  inference_server server(planner, with(1));
  collector active, waiting;
  const auto cancel_both = [&] {
    ASSERT_TRUE(server.submit(ask(2, chat("plan", "What is 4-2?")), waiting.sink()));
    EXPECT_TRUE(server.cancel(1));
    EXPECT_TRUE(server.cancel(2));
  };
  ASSERT_TRUE(server.submit(ask(1, chat("plan", "What is 8*9?")), active.sink(cancel_both)));
  const auto first = active.get();
  EXPECT_EQ(first.result.finish, finish_reason::cancelled);
  EXPECT_EQ(first.result.completion_tokens, 1U);
  const auto second = waiting.get();
  EXPECT_EQ(second.result.finish, finish_reason::cancelled);
  EXPECT_EQ(second.text, "");
  EXPECT_FALSE(server.cancel(1));
  EXPECT_EQ(generate(server, ask(1, chat("plan", "What is 8*9?"))).result.finish,
            finish_reason::stop);
}

TEST(inference_server, RefusesWhenTheQueueIsFull) {
  inference_server server(planner, with(1, 2));
  collector active, first, second, third;
  submit_result refused, duplicate;
  server_load load;
  const auto fill = [&] {
    ASSERT_TRUE(server.submit(ask(2, chat("act", "add 1 2")), first.sink()));
    duplicate = server.submit(ask(2, chat("act", "add 1 2")), third.sink());
    ASSERT_TRUE(server.submit(ask(3, chat("act", "add 1 2")), second.sink()));
    refused = server.submit(ask(4, chat("act", "add 1 2")), third.sink());
    load = server.load();
  };
  ASSERT_TRUE(server.submit(ask(1, chat("plan", "What is 8*9?")), active.sink(fill)));
  active.get();
  EXPECT_EQ(refused.reason, refusal::queue_full);
  EXPECT_NE(refused.text.find("2 requests are waiting"), std::string::npos);
  EXPECT_EQ(duplicate.reason, refusal::duplicate_id);
  EXPECT_EQ(load.active, 1U);
  EXPECT_EQ(load.queued, 2U);
  EXPECT_EQ(load.context, 1024U);
  EXPECT_EQ(first.get().text, "3");
  EXPECT_EQ(second.get().text, "3");
  EXPECT_EQ(server.load().active + server.load().queued, 0U);
}

TEST(inference_server, ServesWaitingRequestsInTheOrderOfTheirArrival) {
  inference_server server(executor, with(1));
  std::vector<std::uint64_t> order;
  std::vector<collector> answers(5);
  const auto enqueue = [&] {
    for (std::uint64_t i = 1; i < answers.size(); ++i) {
      auto sink = answers[i].sink();
      sink.on_done = [&order, done = sink.on_done](const generation_result& result) {
        order.push_back(result.id);
        done(result);
      };
      ASSERT_TRUE(server.submit(ask(i, chat("act", "add 1 2")), sink));
    }
  };
  ASSERT_TRUE(server.submit(ask(0, chat("act", "add 40 2")), answers[0].sink(enqueue)));
  for (auto& each : answers) each.get();
  EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 2, 3, 4}));
}

TEST(inference_server, EndsWhatIsOutstandingAsCancelledWhenItStops) {
  collector active, waiting;
  {
    std::latch begun(1);
    inference_server server(planner, with(1));
    const auto hold_until_stopping = [&] {
      ASSERT_TRUE(server.submit(ask(2, chat("plan", "What is 4-2?")), waiting.sink()));
      begun.count_down();
      // Its own id is refused as a duplicate until the destructor has begun.
      while (server.submit(ask(1, chat("act", "add 1 2")), {}).reason != refusal::stopping) {
        std::this_thread::yield();
      }
    };
    ASSERT_TRUE(
        server.submit(ask(1, chat("plan", "What is 8*9?")), active.sink(hold_until_stopping)));
    begun.wait();
  }
  EXPECT_EQ(active.get().result.finish, finish_reason::cancelled);
  const auto second = waiting.get().result;
  EXPECT_EQ(second.finish, finish_reason::cancelled);
  EXPECT_EQ(second.completion_tokens, 0U);
}

TEST(inference_server, StopsAtMaxTokensAndAtTheEndOfTheContext) {
  inference_server server(planner);
  auto request = ask(1, chat("plan", "What is 8*9?"));
  request.max_tokens = 3;
  const auto cut = generate(server, request);
  EXPECT_EQ(cut.result.finish, finish_reason::length);
  EXPECT_EQ(cut.result.completion_tokens, 3U);

  server_options narrow = with(1);
  narrow.limits.context_max = 14;
  inference_server small(planner, narrow);
  request.max_tokens = 1'000'000;
  const auto full = generate(small, request);
  EXPECT_EQ(full.result.finish, finish_reason::length);
  EXPECT_EQ(full.result.prompt_tokens + full.result.completion_tokens, 14U);
  const auto refused = small.submit(ask(2, chat("plan", "What is 8*9+1?+1?+1?")), {});
  EXPECT_EQ(refused.reason, refusal::invalid);
  EXPECT_NE(refused.text.find("13 tokens"), std::string::npos) << refused.text;
}

TEST(inference_server, StopsBeforeAStopTextThatSpansTokens) {
  inference_server server(planner);
  const auto whole = generate(server, ask(1, chat("plan", "What is 8*9?"))).text;
  auto request = ask(2, chat("plan", "What is 8*9?"));
  request.stop = {"mul 8 9", "never"};
  const auto got = generate(server, request);
  EXPECT_EQ(got.text, whole.substr(0, whole.find("mul 8 9")));
  EXPECT_EQ(got.result.finish, finish_reason::stop);
  request.stop = {"[]}]}x"};
  EXPECT_EQ(generate(server, request).text, whole) << "held-back text was lost at the end";
}

TEST(inference_server, RefusesRequestsThatMakeNoSense) {
  inference_server server(executor);
  const auto refuses = [&](std::string_view part, auto change) {
    auto request = ask(1, chat("act", "add 1 2"));
    change(request);
    const auto refused = server.submit(request, {});
    EXPECT_EQ(refused.reason, refusal::invalid);
    EXPECT_NE(refused.text.find(part), std::string::npos) << refused.text;
  };
  refuses("no messages", [](auto& r) { r.messages.clear(); });
  refuses("unknown role", [](auto& r) { r.messages[0].role = "root"; });
  refuses("max_tokens", [](auto& r) { r.max_tokens = 0; });
  refuses("temperature", [](auto& r) { r.sampling.temperature = -1; });
  refuses("stop", [](auto& r) { r.stop = {""}; });
  refuses("stop", [](auto& r) { r.stop.assign(5, "x"); });
  refuses("shorten", [](auto& r) { r.messages[1].content.assign(1 << 20, 'x'); });
}

TEST(inference_server, RefusesOptionsOutOfRange) {
  EXPECT_THROW(inference_server(executor, with(0)), std::invalid_argument);
  EXPECT_THROW(inference_server(executor, with(65)), std::invalid_argument);
  EXPECT_THROW(inference_server(executor, with(4, 0)), std::invalid_argument);
  auto options = with(4);
  options.prefill_chunk = 0;
  EXPECT_THROW(inference_server(executor, options), std::invalid_argument);
  options = with(4);
  options.kv_bytes_max = 1 << 20;
  EXPECT_THROW(inference_server(executor, options), std::invalid_argument);
  EXPECT_THROW(inference_server(model_path("none")), gguf_error);
}

}  // namespace
}  // namespace tandem::embedded
