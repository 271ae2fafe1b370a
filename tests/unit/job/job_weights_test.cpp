// The weight versions that a job stays with, and what it does when they are gone.

#include <map>

#include <gtest/gtest.h>

#include "tests/unit/job/job_driver.hpp"

namespace tandem::testing {
namespace {

using pins = std::map<std::string, std::string>;

pins pins_of(const tmsg::attempt& attempt) {
  pins found;
  auto reader = attempt.read();
  for (auto pin : reader->getPinnedVersions())
    found.emplace(view(pin.getModel()), view(pin.getWeightVersion()));
  return found;
}

job_record mixing(schema::PlanMode mode) {
  auto plain = submitted_record(mode);
  message_builder<schema::JobRecord> record;
  record.copy(*plain.read());
  record->getSubmitted().setWeights(schema::WeightPolicy::MIX);
  return record.finish();
}

const auto gone = failure(errc::weights_changed, "no engine serves small at weights '1' any more");

const std::string three = plan_of({{1, "a", {}}, {2, "b {{1}}", {1}}, {3, "c {{2}}", {2}}});

TEST(job_weights, WhatIsSentBeforeAResultIsDurableIsOfItsVersionToo) {
  auto plan = plan_of({{1, "a", {}}, {2, "b", {}}});
  job_driver job{plan};
  job.pump();
  auto planning = job.take(0);
  auto cut = plan.find("},{") + 2;
  job.chunk(planning, 0, plan.substr(0, cut));
  job.commit_all();
  job.chunk(planning, 1, plan.substr(cut));
  // The second step's record is on its way when the first step's result comes.
  ASSERT_EQ(job.writes().size(), 1u);
  job.answer_step(1, {.text = "one", .weight_version = "S1"});
  ASSERT_EQ(job.writes().size(), 2u);
  job.commit();
  ASSERT_EQ(job.sent_for(2), 1u);
  EXPECT_EQ(pins_of(job.sent().back()), (pins{{"small", "S1"}}));
  EXPECT_EQ(job.state().weight_versions(), pins{}) << "not durable yet";
}

TEST(job_weights, WeightsThatAreGoneEndTheJobAtOnce) {
  job_driver job{three};
  job.on_attempt = [&](attempt_reader attempt) {
    return attempt.getFence().getStep() == 2 ? gone : job.default_reply(attempt);
  };
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_EQ(job.state().reason(), "step 2 failed: no engine serves small at weights '1' any more");
  EXPECT_EQ(job.sent_for(2), 1u) << "no rung of the ladder helps";
  EXPECT_EQ(job.journal().back().read()->getEnded().getCode(), schema::Errc::WEIGHTS_CHANGED);
  for (const auto& attempt : job.sent()) EXPECT_FALSE(attempt.read()->getMixWeights());
}

TEST(job_weights, AWayThatTheRouterChoseIsNotLeftForThem) {
  job_driver job{"", {}, schema::PlanMode::AUTO};
  job.on_attempt = [&](attempt_reader attempt) {
    if (attempt.getPurpose() == schema::Purpose::WAY) return reply{.text = "small"};
    return gone;
  };
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED);
  EXPECT_TRUE(job.state().ways_failed().empty());
}

TEST(job_weights, AJobThatMixesGoesOnWithWhatIsServedAndStaysWithThat) {
  job_driver job{std::vector{mixing(schema::PlanMode::PLAN_ACT)}, 1};
  job.plan_text = three;
  job.on_attempt = [&](attempt_reader attempt) {
    auto result = job.default_reply(attempt);
    if (attempt.getPurpose() == schema::Purpose::STEP)
      result.weight_version = attempt.getFence().getStep() == 1 ? "S1" : "S2";
    return result;
  };
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE) << job.state().reason();
  for (const auto& attempt : job.sent()) EXPECT_TRUE(attempt.read()->getMixWeights());
  EXPECT_EQ(pins_of(job.sent()[2]).at("small"), "S1");
  EXPECT_EQ(pins_of(job.sent()[3]).at("small"), "S2");
  EXPECT_EQ(job.state().weight_versions().at("small"), "S2");
}

TEST(job_weights, AJobThatMixesWaitsWhereItIsToldThatTheyAreGone) {
  job_driver job{std::vector{mixing(schema::PlanMode::SMALL)}, 1};
  auto told = 0;
  job.on_attempt = [&](attempt_reader attempt) {
    return told++ == 0 ? gone : job.default_reply(attempt);
  };
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::DONE) << job.state().reason();
  EXPECT_EQ(told, 2);
}

TEST(job_weights, ThePolicyAndThePinsOutliveACrash) {
  for (auto mixes : {false, true}) {
    job_driver whole{std::vector{mixes ? mixing(schema::PlanMode::PLAN_ACT)
                                       : submitted_record(schema::PlanMode::PLAN_ACT)},
                     1};
    whole.plan_text = three;
    whole.run();
    for (std::size_t count = 1; count < whole.journal().size(); ++count) {
      // The config says the opposite by now: what was submitted counts.
      job_settings settings;
      settings.limits.mix_weights = !mixes;
      job_driver job{whole.journal(), count, settings};
      job.pump();
      for (const auto& attempt : job.sent()) {
        EXPECT_EQ(attempt.read()->getMixWeights(), mixes);
        EXPECT_EQ(pins_of(attempt), job.state().weight_versions()) << "prefix of " << count;
      }
    }
    EXPECT_EQ(whole.state().weight_versions(), (pins{{"large", "1"}, {"small", "1"}}));
  }
}

TEST(job_weights, AnAnswerOfOtherWeightsIsAskedForAgainAndCounts) {
  job_driver job{three};
  job.on_attempt = [&](attempt_reader attempt) {
    auto result = job.default_reply(attempt);
    if (attempt.getFence().getStep() > 2) result.weight_version = "9";
    return result;
  };
  job.run();
  EXPECT_EQ(job.state().state(), schema::JobState::FAILED) << "an engine that never stops lying";
  EXPECT_NE(job.state().reason().find(
                "engine 'small-1' answered with weights '9', but the job began with '1'"),
            std::string_view::npos)
      << job.state().reason();
  for (const auto& record : job.journal()) {
    auto reader = record.read();
    if (!reader->isStepDone()) continue;
    EXPECT_EQ(reader->getStepDone().getAttempt().getWeightVersion(), "1");
  }
}

TEST(job_weights, WhatWasCancelledPinsNothing) {
  job_driver job{"", {}, schema::PlanMode::SMALL};
  job.pump();
  job.answer_step(0, {.code = errc::unavailable, .error = "busy", .weight_version = "old"});
  job.commit_all();
  ASSERT_TRUE(job.wants_wake());
  ASSERT_EQ(job.journal().size(), 2u) << "what it cost is kept";
  job.wake();
  EXPECT_EQ(pins_of(job.sent().back()), pins{});
}

}  // namespace
}  // namespace tandem::testing
