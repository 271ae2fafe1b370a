#include "actors/trace/tracer.hpp"

#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/stub_collector.hpp"

namespace tandem::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;

constexpr milliseconds patience{20'000};

struct traced {
  test::stub_collector collector;
  std::shared_ptr<http_loop> loop = std::make_shared<http_loop>();

  std::shared_ptr<tracer> make(trace_config config = {}) {
    if (config.otlp.empty()) config.otlp = collector.url();
    return tracer::make(config, {"node one", "0.1.0"}, loop, {.retry_first = milliseconds{1}});
  }
};

span span_of(const trace_context& self, const std::string& name) {
  return {.self = self, .name = name, .start_ns = 1, .end_ns = 2};
}

TEST(Tracer, WithoutACollectorThereIsNone) {
  EXPECT_EQ(tracer::make({}, {}, std::make_shared<http_loop>()), nullptr);
}

TEST(Tracer, SendsSpansWithItsHeadersAndNames) {
  traced world;
  trace_config config{.otlp = world.collector.url() + "/", .headers = {"X-Tenant: me"}};
  auto traces = world.make(config);
  auto self = traces->begin();
  traces->record(span_of(self, "one"));
  ASSERT_TRUE(traces->flush(patience));
  auto spans = world.collector.spans();
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].name, "one");
  EXPECT_EQ(spans[0].node, R"("node one")");
  EXPECT_THAT(world.collector.heads(),
              Each(AllOf(HasSubstr("POST /v1/traces HTTP/1.1"), HasSubstr("X-Tenant: me"),
                         HasSubstr("application/json"))));
}

TEST(Tracer, AChildIsOfItsParentsTraceAndDecision) {
  traced world;
  auto traces = world.make();
  for (bool sampled : {true, false}) {
    trace_context parent{1, 2, 3, sampled};
    auto child = traces->begin(parent);
    EXPECT_EQ(child.with_span(3), parent);
    EXPECT_NE(child.span, 3u);
  }
  traces->record(span_of({1, 2, 3, false}, "unsampled"));
  EXPECT_TRUE(traces->flush(patience));
  EXPECT_EQ(traces->count().recorded, 0u);
}

TEST(Tracer, SamplesItsShareOfNewTraces) {
  traced world;
  auto sampled = [&](double share) {
    auto traces = world.make({.share = share});
    int out = 0;
    for (int i = 0; i < 2000; ++i) out += traces->begin().sampled ? 1 : 0;
    return out;
  };
  EXPECT_EQ(sampled(0), 0);
  EXPECT_EQ(sampled(1), 2000);
  auto quarter = sampled(0.25);
  EXPECT_GT(quarter, 350);
  EXPECT_LT(quarter, 650);
}

TEST(Tracer, IdsOfManyThreadsDiffer) {
  traced world;
  auto traces = world.make();
  std::mutex mutex;
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        auto each = traces->begin();
        std::lock_guard lock{mutex};
        seen.emplace(each.high, each.span);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(seen.size(), 2000u);
}

TEST(Tracer, TriesAgainWhenTheCollectorIsBusyOrGone) {
  traced world;
  world.collector.answer_with({429, 503, 0, 502});
  auto traces = world.make();
  traces->record(span_of(traces->begin(), "one"));
  ASSERT_TRUE(traces->flush(patience));
  EXPECT_EQ(traces->count().exported, 1u);
  EXPECT_EQ(world.collector.spans().size(), 1u);
}

TEST(Tracer, GivesUpWhatIsRefusedAndWhatFailsAgainAndAgain) {
  traced world;
  world.collector.answer_with({400, 500, 500, 500, 500, 500});
  auto traces = world.make();
  for (const char* name : {"refused", "unlucky", "taken"}) {
    traces->record(span_of(traces->begin(), name));
    ASSERT_TRUE(traces->flush(patience));
  }
  auto counts = traces->count();
  EXPECT_EQ(counts.failed, 2u);
  EXPECT_EQ(counts.exported, 1u);
  EXPECT_THAT(counts.last_error, HasSubstr("500"));
  EXPECT_EQ(world.collector.spans().at(0).name, "taken");
}

TEST(Tracer, DropsAndCountsWhatFindsNoRoom) {
  traced world;
  auto traces = world.make({.queue_max = 10, .batch_max = 100, .interval = std::chrono::hours{1}});
  for (int i = 0; i < 25; ++i) traces->record(span_of(traces->begin(), "one"));
  EXPECT_EQ(traces->count().dropped, 15u);
  ASSERT_TRUE(traces->flush(patience));
  EXPECT_EQ(traces->count().exported, 10u);
}

TEST(Tracer, AFullBatchDoesNotWaitForItsTime) {
  traced world;
  auto traces = world.make({.batch_max = 5, .interval = std::chrono::hours{1}});
  for (int i = 0; i < 5; ++i) traces->record(span_of(traces->begin(), "one"));
  EXPECT_TRUE(world.collector.wait_for_spans(5));
}

TEST(Tracer, RecordsTextsOnlyWhereTheyAreAskedFor) {
  traced world;
  span quiet, open;
  world.make()->add_text(quiet, "prompt", "a secret");
  EXPECT_TRUE(quiet.attributes.empty());
  world.make({.texts = true})->add_text(open, "prompt", std::string(20'000, 'x'));
  ASSERT_EQ(open.attributes.size(), 1u);
  EXPECT_EQ(std::get<std::string>(open.attributes[0].second).size(), 8192u);
}

}  // namespace
}  // namespace tandem::testing
