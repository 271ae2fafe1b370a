#include "actors/alarm/webhook_queue.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

namespace tandem {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using outcome = webhook_queue::outcome;

alarm make_alarm(std::string name, std::string subject = {}) {
  return {.name = std::move(name),
          .subject = std::move(subject),
          .severity = schema::AlarmSeverity::CRITICAL,
          .text = "it is \"wrong\"\n",
          .since_ms = 1'700'000'000'123};
}

alarm_changes begun(std::size_t count, const std::string& prefix = "alarm-") {
  alarm_changes changes;
  for (std::size_t i = 0; i < count; ++i)
    changes.begun.push_back(make_alarm(prefix + std::to_string(i)));
  return changes;
}

TEST(WebhookBody, IsWhatAlertmanagerSends) {
  auto text =
      webhook_body("node-1", {{.what = make_alarm("EngineDown", "small-0")},
                              {.what = make_alarm("NodeGone"), .until_ms = 1'700'000'060'000}});
  simdjson::dom::parser parser;
  simdjson::dom::element body = parser.parse(text);
  EXPECT_EQ(std::string_view{body["version"]}, "4");
  EXPECT_EQ(std::string_view{body["status"]}, "firing");
  EXPECT_EQ(std::string_view{body["receiver"]}, "tandem");
  EXPECT_EQ(std::string_view{body["commonLabels"]["node"]}, "node-1");
  EXPECT_EQ(std::int64_t{body["truncatedAlerts"]}, 0);
  auto first = body["alerts"].at(0);
  EXPECT_EQ(std::string_view{first["status"]}, "firing");
  EXPECT_EQ(std::string_view{first["labels"]["alertname"]}, "EngineDown");
  EXPECT_EQ(std::string_view{first["labels"]["subject"]}, "small-0");
  EXPECT_EQ(std::string_view{first["labels"]["severity"]}, "critical");
  EXPECT_EQ(std::string_view{first["annotations"]["description"]}, "it is \"wrong\"\n");
  EXPECT_EQ(std::string_view{first["startsAt"]}, "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(std::string_view{first["endsAt"]}, "0001-01-01T00:00:00Z");
  auto second = body["alerts"].at(1);
  EXPECT_EQ(std::string_view{second["status"]}, "resolved");
  EXPECT_EQ(std::string_view{second["endsAt"]}, "2023-11-14T22:14:20.000Z");
  EXPECT_NE(std::string_view{first["fingerprint"]}, std::string_view{second["fingerprint"]});
}

TEST(WebhookBody, IsResolvedWhenNothingFires) {
  auto text = webhook_body("a", {{.what = make_alarm("NodeGone", "b"), .until_ms = 1}});
  simdjson::dom::parser parser;
  simdjson::dom::element body = parser.parse(text);
  EXPECT_EQ(std::string_view{body["status"]}, "resolved");
}

TEST(WebhookQueue, SendsOneMessageAtATimeInOrder) {
  webhook_queue queue;
  EXPECT_THAT(queue.begin(), IsEmpty());
  queue.push(begun(1));
  auto first = queue.begin();
  ASSERT_THAT(first, SizeIs(1));
  queue.push(begun(2, "later-"));
  EXPECT_THAT(queue.begin(), IsEmpty()) << "one is under way";
  EXPECT_EQ(queue.on_end(outcome::taken).count(), 0);
  queue.resume();
  auto second = queue.begin();
  ASSERT_THAT(second, SizeIs(2));
  EXPECT_EQ(second[0].what.name, "later-0");
  EXPECT_EQ(queue.on_end(outcome::taken).count(), 0);
  queue.resume();
  EXPECT_EQ(queue.waiting(), 0);
}

TEST(WebhookQueue, TriesAgainLaterAndLater) {
  webhook_queue queue;
  queue.push(begun(3));
  auto before = webhook_queue::pause_min / 2;
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(queue.begin(), SizeIs(3));
    auto pause = queue.on_end(outcome::again);
    EXPECT_EQ(pause, std::min(2 * before, webhook_queue::pause_max));
    EXPECT_THAT(queue.begin(), IsEmpty()) << "it waits";
    queue.resume();
    before = pause;
  }
  EXPECT_THAT(queue.begin(), SizeIs(3));
  EXPECT_EQ(queue.on_end(outcome::taken).count(), 0);
  queue.resume();
  queue.push(begun(1));
  EXPECT_THAT(queue.begin(), SizeIs(1));
  EXPECT_EQ(queue.on_end(outcome::again), webhook_queue::pause_min);
}

TEST(WebhookQueue, DropsWhatIsRefused) {
  webhook_queue queue;
  queue.push(begun(1));
  EXPECT_THAT(queue.begin(), SizeIs(1));
  EXPECT_EQ(queue.on_end(outcome::refused).count(), 0);
  queue.resume();
  EXPECT_THAT(queue.begin(), IsEmpty());
}

TEST(WebhookQueue, TellsRefusalsFromFailures) {
  EXPECT_EQ(webhook_queue::outcome_of(200), outcome::taken);
  EXPECT_EQ(webhook_queue::outcome_of(204), outcome::taken);
  EXPECT_EQ(webhook_queue::outcome_of(0), outcome::again);
  EXPECT_EQ(webhook_queue::outcome_of(429), outcome::again);
  EXPECT_EQ(webhook_queue::outcome_of(503), outcome::again);
  EXPECT_EQ(webhook_queue::outcome_of(400), outcome::refused);
  EXPECT_EQ(webhook_queue::outcome_of(301), outcome::refused);
}

TEST(WebhookQueue, IsBoundedAlsoWhileOneIsUnderWay) {
  webhook_queue queue;
  queue.push(begun(100));
  EXPECT_THAT(queue.begin(), SizeIs(webhook_queue::batch_max));
  queue.push(begun(300, "later-"));
  EXPECT_EQ(queue.waiting(), webhook_queue::waiting_max);
  EXPECT_EQ(queue.dropped(), 144);
  // What was under way is no longer in the queue: nothing else goes with it.
  EXPECT_EQ(queue.on_end(outcome::taken).count(), 0);
  queue.resume();
  EXPECT_EQ(queue.waiting(), webhook_queue::waiting_max);
  auto next = queue.begin();
  EXPECT_EQ(next[0].what.name, "later-44");
}

}  // namespace
}  // namespace tandem
