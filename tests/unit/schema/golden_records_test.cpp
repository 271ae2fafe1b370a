// What earlier versions wrote into the journal must stay readable, field by field.
// TANDEM_WRITE_GOLDENS=1 writes the files that are not there yet.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "schema/errc.hpp"
#include "schema/job.capnp.h"
#include "schema/journal.capnp.h"
#include "tests/unit/schema/sample.hpp"

namespace tandem::testing {
namespace {

using record = schema::JobRecord;

std::filesystem::path folder() {
  return std::filesystem::path{TANDEM_SOURCE_DIR} / "tests/data/golden_records";
}

void fill_attempt(schema::AttemptRecord::Builder a, std::uint32_t number, std::uint32_t step) {
  a.setAttempt(number);
  a.setStep(step);
  a.setEpoch(1);
  a.setPurpose(step == 0 ? schema::Purpose::PLAN : schema::Purpose::STEP);
  a.setEngine("large-1");
  a.setModel("tandem-planner");
  a.setTier("large");
  a.setWeightVersion("v1");
  auto usage = a.initUsage();
  usage.setPromptTokens(101);
  usage.setCachedPromptTokens(51);
  usage.setCompletionTokens(23);
  usage.setCalls(1);
  usage.setCostNanousd(-7);
  usage.setCostAllLargeNanousd(77'000'000'000);
  a.setQueueUs(11);
  a.setFirstTokenUs(222);
  a.setTotalUs(3'333);
  a.setDecision(0xABCD'EF01'2345'6789);
  a.setSimulated(true);
}

void expect_attempt(schema::AttemptRecord::Reader a, std::uint32_t number, std::uint32_t step) {
  EXPECT_EQ(a.getAttempt(), number);
  EXPECT_EQ(a.getStep(), step);
  EXPECT_EQ(a.getEpoch(), 1u);
  EXPECT_EQ(a.getPurpose(), step == 0 ? schema::Purpose::PLAN : schema::Purpose::STEP);
  EXPECT_EQ(a.getEngine(), "large-1");
  EXPECT_EQ(a.getModel(), "tandem-planner");
  EXPECT_EQ(a.getTier(), "large");
  EXPECT_EQ(a.getWeightVersion(), "v1");
  auto usage = a.getUsage();
  EXPECT_EQ(usage.getPromptTokens(), 101u);
  EXPECT_EQ(usage.getCachedPromptTokens(), 51u);
  EXPECT_EQ(usage.getCompletionTokens(), 23u);
  EXPECT_EQ(usage.getCalls(), 1u);
  EXPECT_EQ(usage.getCostNanousd(), -7);
  EXPECT_EQ(usage.getCostAllLargeNanousd(), 77'000'000'000);
  EXPECT_EQ(a.getQueueUs(), 11u);
  EXPECT_EQ(a.getFirstTokenUs(), 222u);
  EXPECT_EQ(a.getTotalUs(), 3'333u);
  EXPECT_EQ(a.getDecision(), 0xABCD'EF01'2345'6789u);
  EXPECT_TRUE(a.getSimulated());
}

struct golden {
  void (*write)(record::Builder);
  void (*expect)(record::Reader);
};

/// By file name; in their order they are the records of one job.
const std::map<std::string, golden> goldens{
    {"1_submitted",
     {[](record::Builder out) {
        out.setAtMs(1'700'000'000'001);
        auto s = out.initSubmitted();
        s.setClientKey("key-1");
        s.setTenant("tenant");
        auto messages = s.initMessages(3);
        messages[0].setRole(schema::Role::SYSTEM);
        messages[0].setContent("be brief");
        messages[1].setRole(schema::Role::ASSISTANT);
        messages[1].setContent("yes?");
        messages[2].setRole(schema::Role::USER);
        messages[2].setContent("add 12 and 7, größer 世界");
        s.setMode(schema::PlanMode::PLAN_ACT);
        s.setDeadlineAtMs(1'700'000'600'000);
        s.setPriority(-100);
        auto tags = s.initTags(2);
        tags.set(0, "a");
        tags.set(1, "");
      },
      [](record::Reader in) {
        EXPECT_EQ(in.getAtMs(), 1'700'000'000'001u);
        ASSERT_TRUE(in.isSubmitted());
        auto s = in.getSubmitted();
        EXPECT_EQ(s.getClientKey(), "key-1");
        EXPECT_EQ(s.getTenant(), "tenant");
        ASSERT_EQ(s.getMessages().size(), 3u);
        EXPECT_EQ(s.getMessages()[0].getRole(), schema::Role::SYSTEM);
        EXPECT_EQ(s.getMessages()[1].getRole(), schema::Role::ASSISTANT);
        EXPECT_EQ(s.getMessages()[2].getRole(), schema::Role::USER);
        EXPECT_EQ(s.getMessages()[2].getContent(), "add 12 and 7, größer 世界");
        EXPECT_EQ(s.getMode(), schema::PlanMode::PLAN_ACT);
        EXPECT_EQ(s.getDeadlineAtMs(), 1'700'000'600'000u);
        EXPECT_EQ(s.getPriority(), -100);
        ASSERT_EQ(s.getTags().size(), 2u);
        EXPECT_EQ(s.getTags()[0], "a");
        EXPECT_EQ(s.getTags()[1], "");
      }}},
    {"2_steps_planned",
     {[](record::Builder out) {
        auto steps = out.initStepsPlanned(2);
        steps[0].setStep(1);
        steps[0].setEpoch(1);
        steps[0].setKind("calc");
        steps[0].setPrompt("add 12 7");
        steps[1].setStep(2);
        steps[1].setEpoch(1);
        steps[1].setKind("cmp");
        steps[1].setPrompt("max {{1}} 9");
        steps[1].initDependsOn(1).set(0, 1);
        steps[1].setCheck(R"({"kind":"number"})");
      },
      [](record::Reader in) {
        ASSERT_TRUE(in.isStepsPlanned());
        auto steps = in.getStepsPlanned();
        ASSERT_EQ(steps.size(), 2u);
        EXPECT_EQ(steps[0].getStep(), 1u);
        EXPECT_EQ(steps[0].getEpoch(), 1u);
        EXPECT_EQ(steps[0].getKind(), "calc");
        EXPECT_EQ(steps[0].getPrompt(), "add 12 7");
        EXPECT_EQ(steps[0].getDependsOn().size(), 0u);
        EXPECT_EQ(steps[0].getCheck(), "");
        EXPECT_EQ(steps[1].getPrompt(), "max {{1}} 9");
        ASSERT_EQ(steps[1].getDependsOn().size(), 1u);
        EXPECT_EQ(steps[1].getDependsOn()[0], 1u);
        EXPECT_EQ(steps[1].getCheck(), R"({"kind":"number"})");
      }}},
    {"3_plan_complete",
     {[](record::Builder out) {
        auto plan = out.initPlanComplete();
        plan.setEpoch(1);
        plan.setAnswerStep(2);
        plan.setCompose("say {{2}}");
        fill_attempt(plan.initAttempt(), 1, 0);
      },
      [](record::Reader in) {
        ASSERT_TRUE(in.isPlanComplete());
        EXPECT_EQ(in.getPlanComplete().getEpoch(), 1u);
        EXPECT_EQ(in.getPlanComplete().getAnswerStep(), 2u);
        EXPECT_EQ(in.getPlanComplete().getCompose(), "say {{2}}");
        expect_attempt(in.getPlanComplete().getAttempt(), 1, 0);
      }}},
    {"4_attempt_failed",
     {[](record::Builder out) {
        auto failed = out.initAttemptFailed();
        fill_attempt(failed, 2, 1);
        failed.initError().setCode(schema::Errc::INVALID_OUTPUT);
        failed.getError().setMessage("the reply 'x' is no number");
        failed.setRung("retry");
      },
      [](record::Reader in) {
        ASSERT_TRUE(in.isAttemptFailed());
        expect_attempt(in.getAttemptFailed(), 2, 1);
        EXPECT_EQ(in.getAttemptFailed().getError().getCode(), schema::Errc::INVALID_OUTPUT);
        EXPECT_EQ(in.getAttemptFailed().getError().getMessage(), "the reply 'x' is no number");
        EXPECT_EQ(in.getAttemptFailed().getRung(), "retry");
      }}},
    {"5_step_done",
     {[](record::Builder out) {
        fill_attempt(out.initStepDone().initAttempt(), 3, 1);
        out.getStepDone().setResult("19");
      },
      [](record::Reader in) {
        ASSERT_TRUE(in.isStepDone());
        expect_attempt(in.getStepDone().getAttempt(), 3, 1);
        EXPECT_EQ(in.getStepDone().getResult(), "19");
      }}},
    {"6_epoch_started",
     {[](record::Builder out) {
        out.initEpochStarted().setEpoch(2);
        out.getEpochStarted().setReason("step 2 failed");
      },
      [](record::Reader in) {
        ASSERT_TRUE(in.isEpochStarted());
        EXPECT_EQ(in.getEpochStarted().getEpoch(), 2u);
        EXPECT_EQ(in.getEpochStarted().getReason(), "step 2 failed");
      }}},
    {"7_state_changed",
     {[](record::Builder out) {
        auto change = out.initStateChanged();
        change.setState(schema::JobState::PAUSED);
        change.setReason("lunch");
        change.setDeadlineAtMs(5);
      },
      [](record::Reader in) {
        ASSERT_TRUE(in.isStateChanged());
        EXPECT_EQ(in.getStateChanged().getState(), schema::JobState::PAUSED);
        EXPECT_EQ(in.getStateChanged().getReason(), "lunch");
        EXPECT_EQ(in.getStateChanged().getDeadlineAtMs(), 5u);
      }}},
    {"8_ended",
     {[](record::Builder out) {
        auto end = out.initEnded();
        end.setState(schema::JobState::FAILED);
        end.setReason("the deadline passed");
        end.setCode(schema::Errc::DEADLINE_EXCEEDED);
      },
      [](record::Reader in) {
        ASSERT_TRUE(in.isEnded());
        EXPECT_EQ(in.getEnded().getState(), schema::JobState::FAILED);
        EXPECT_EQ(in.getEnded().getReason(), "the deadline passed");
        EXPECT_EQ(in.getEnded().getCode(), schema::Errc::DEADLINE_EXCEEDED);
      }}},
    {"9_feedback",
     {[](record::Builder out) {
        out.initFeedback().setScore(0.25f);
        out.getFeedback().setComment("so so");
      },
      [](record::Reader in) {
        ASSERT_TRUE(in.isFeedback());
        EXPECT_EQ(in.getFeedback().getScore(), 0.25f);
        EXPECT_EQ(in.getFeedback().getComment(), "so so");
      }}},
    // Of another job, one of mode `auto`.
    {"way",
     {[](record::Builder out) {
        auto way = out.initWay();
        way.setMode(schema::PlanMode::AUTO);
        way.setFailed(schema::PlanMode::SMALL);
        way.setReason("the answer failed");
        way.setAttempt(3);
        way.setDecision(0xABCD'EF01'2345'6789u);
        way.setPolicy("auto");
      },
      [](record::Reader in) {
        ASSERT_TRUE(in.isWay());
        EXPECT_EQ(in.getWay().getMode(), schema::PlanMode::AUTO);
        EXPECT_EQ(in.getWay().getFailed(), schema::PlanMode::SMALL);
        EXPECT_EQ(in.getWay().getReason(), "the answer failed");
        EXPECT_EQ(in.getWay().getAttempt(), 3u);
        EXPECT_EQ(in.getWay().getDecision(), 0xABCD'EF01'2345'6789u);
        EXPECT_EQ(in.getWay().getPolicy(), "auto");
      }}},
};

constexpr const char* summary_file = "summary";

void write_if_missing(const std::string& name, std::span<const std::byte> bytes) {
  auto path = folder() / (name + ".bin");
  if (std::filesystem::exists(path)) return;
  std::ofstream out{path, std::ios::binary};
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(out.good()) << path;
}

std::string read_file(const std::string& name) {
  auto path = folder() / (name + ".bin");
  std::ifstream in{path, std::ios::binary};
  EXPECT_TRUE(in.good()) << path << " is missing: TANDEM_WRITE_GOLDENS=1 writes it";
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::span<const std::byte> bytes_in(const std::string& s) {
  return std::as_bytes(std::span{s.data(), s.size()});
}

message<schema::JobSummary> summary_sample() {
  return sample<schema::JobSummary>();
}

class golden_records : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (std::getenv("TANDEM_WRITE_GOLDENS") == nullptr) return;
    for (const auto& [name, golden] : goldens) {
      message_builder<record> builder;
      golden.write(*builder);
      write_if_missing(name, builder.finish().bytes());
    }
    write_if_missing(summary_file, summary_sample().bytes());
  }
};

TEST_F(golden_records, CoverEveryKindOfRecord) {
  std::set<unsigned> kinds;
  for (const auto& [name, golden] : goldens) {
    message_builder<record> builder;
    golden.write(*builder);
    kinds.insert(static_cast<unsigned>(builder->which()));
  }
  EXPECT_EQ(kinds.size(), capnp::Schema::from<record>().getUnionFields().size());
}

TEST_F(golden_records, AreReadFieldByField) {
  for (const auto& [name, golden] : goldens) {
    SCOPED_TRACE(name);
    auto content = read_file(name);
    auto parsed = message<record>::parse(bytes_in(content), record_limits);
    ASSERT_TRUE(parsed) << message_of(parsed.error());
    golden.expect(*parsed->read());
  }
}

TEST_F(golden_records, TheSummaryIsReadFieldByField) {
  auto content = read_file(summary_file);
  auto parsed = message<schema::JobSummary>::parse(bytes_in(content), record_limits);
  ASSERT_TRUE(parsed) << message_of(parsed.error());
  auto s = parsed->read();
  EXPECT_EQ(s->getJob().getJournal(), 2u);
  EXPECT_EQ(s->getJob().getNumber(), 3u);
  EXPECT_EQ(s->getState(), schema::JobState::CANCELLED);
  EXPECT_EQ(s->getReason(), "tëxt 3");
  EXPECT_EQ(s->getGoal(), "tëxt 4");
  EXPECT_EQ(s->getTenant(), "tëxt 5");
  ASSERT_EQ(s->getTags().size(), 2u);
  EXPECT_EQ(s->getTags()[0], "tëxt 6");
  EXPECT_EQ(s->getTags()[1], "tëxt 7");
  EXPECT_EQ(s->getPriority(), 9);
  EXPECT_EQ(s->getMode(), schema::PlanMode::SMALL);
  EXPECT_EQ(s->getSubmittedAtMs(), 10u);
  EXPECT_EQ(s->getEndedAtMs(), 11u);
  EXPECT_EQ(s->getEpoch(), 12u);
  EXPECT_EQ(s->getStepsDone(), 13u);
  EXPECT_EQ(s->getStepsTotal(), 14u);
  EXPECT_EQ(s->getUsage().getPromptTokens(), 15u);
  EXPECT_EQ(s->getUsage().getCachedPromptTokens(), 16u);
  EXPECT_EQ(s->getUsage().getCompletionTokens(), 17u);
  EXPECT_EQ(s->getUsage().getCalls(), 18u);
  EXPECT_EQ(s->getUsage().getCostNanousd(), 19);
  EXPECT_EQ(s->getUsage().getCostAllLargeNanousd(), 20);
  EXPECT_EQ(s->getAnswer(), "tëxt 20");
  EXPECT_EQ(s->getAnswerBytes(), 22u);
  EXPECT_TRUE(s->getSimulated());
  EXPECT_EQ(s->getFeedback(), 23.0f);
  EXPECT_EQ(s->getDeadlineAtMs(), 24u);
}

}  // namespace
}  // namespace tandem::testing
