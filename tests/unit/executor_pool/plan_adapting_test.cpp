#include "actors/executor_pool/plan_adapting.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/text.hpp"

namespace tandem {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const std::string plan =
    R"({"steps":[{"id":1,"kind":"calc","prompt":"Add 12 and 7 apples","depends_on":[]},)"
    R"({"id":2,"kind":"cmp","prompt":"Tell Mia whether {{1}} is more than 9","depends_on":[1]}],)"
    R"("answer":2})";

/// The plan with something else in it.
std::string with(const std::string& what, const std::string& by) {
  auto text = plan;
  auto at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(PlanAdapting, OtherWordsInPromptsAreTaken) {
  auto other = with("Add 12 and 7 apples", "Take 12 and 7 apples together");
  auto read = read_adapted(plan, other);
  EXPECT_THAT(read.problem, IsEmpty());
  EXPECT_EQ(read.text, other);
  EXPECT_THAT(read_adapted(plan, plan).problem, IsEmpty());
}

TEST(PlanAdapting, WhatAModelSaysAroundItIsLeftOut) {
  auto read = read_adapted(plan, "Of course!\n```json\n" + plan + "\n```\nIs there more?");
  EXPECT_THAT(read.problem, IsEmpty());
  EXPECT_EQ(read.text, plan);
}

TEST(PlanAdapting, OrderAndSpacesOfFieldsDoNotMatter) {
  EXPECT_THAT(
      read_adapted(plan, with(R"("id":1,"kind":"calc")", R"("kind" : "calc", "id": 1)")).problem,
      IsEmpty());
}

struct bad_one {
  const char* what;
  const char* by;
  const char* why;
};

class PlanAdaptingRefuses : public testing::TestWithParam<bad_one> {};

TEST_P(PlanAdaptingRefuses, IfMoreThanWordsDiffer) {
  auto read = read_adapted(plan, with(GetParam().what, GetParam().by));
  EXPECT_THAT(read.problem, HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    All, PlanAdaptingRefuses,
    testing::Values(bad_one{"12", "13", "the number 13 is not in the stored prompt"},
                    bad_one{"Mia", "Max", "max"}, bad_one{"is more than", "is less than", "more"},
                    bad_one{"Tell Mia whether", "Tell Mia whether not", "negation"},
                    bad_one{"{{1}} is", "{{2}} is", "other results"},
                    bad_one{R"("id":2)", R"("id":3)", "its steps are others"},
                    bad_one{R"("depends_on":[1])", R"("depends_on":[])", "its steps are others"},
                    bad_one{R"("answer":2)", R"("answer":1)", "its steps are others"},
                    bad_one{R"("kind":"cmp")", R"("tool":"rm")", "its steps are others"},
                    bad_one{R"("answer":2})", R"("answer":2)", "no plan"}));

TEST(PlanAdapting, HostileTextsAreNoPlans) {
  for (std::string text : {std::string{}, std::string{"{"}, std::string{"}{"}, std::string{"{}"},
                           std::string(100'000, '{') + std::string(100'000, '}'),
                           std::string("{\xff\xfe}"), std::string(1, '\0')})
    EXPECT_NE(read_adapted(plan, text).problem, "");
  EXPECT_NE(read_adapted("", plan).problem, "");
}

TEST(PlanAdapting, FailuresInARowMakeItSeldom) {
  adapting_rule rule;
  int asked = 0;
  for (int i = 0; i < 1'000; ++i)
    if (rule.take()) {
      ++asked;
      rule.on_adapted(false);
    }
  EXPECT_GE(asked, 10);
  EXPECT_LE(asked, 25);
  while (!rule.take()) {
  }
  rule.on_adapted(true);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(rule.take());
}

TEST(PlanAdapting, TheCallHasBothGoalsAndThePlanAndIsNobodys) {
  message_builder<schema::Attempt> call;
  call->initFence().setAttempt(3);
  call->setPurpose(schema::Purpose::PLAN);
  call->setTier("large");
  call->setStream(true);
  call->setStepsMax(7);
  call->setResponseSchema("{}");
  call->setTimeoutMs(8'000);
  auto messages = call->initMessages(2);
  messages[0].setContent("you are an accountant");
  messages[1].setContent("the new goal");
  message_builder<schema::CacheEntry> near;
  near->initGoal().setText("the old goal");
  near->initResult().setText(plan);
  auto made = adapting_attempt(call->asReader(), near->asReader(), "small");
  auto reader = made.read();
  EXPECT_EQ(reader->getFence().getAttempt(), 3u | adapt_bit);
  EXPECT_EQ(view(reader->getTier()), "small");
  EXPECT_FALSE(reader->getStream());
  EXPECT_EQ(reader->getCache(), schema::CacheUse::OFF);
  EXPECT_EQ(reader->getStepsMax(), 7u);
  EXPECT_EQ(view(reader->getResponseSchema()), "{}");
  EXPECT_EQ(reader->getTimeoutMs(), 4'000u);
  EXPECT_EQ(view(reader->getMessages()[0].getContent()), "you are an accountant");
  std::string asked{view(reader->getMessages()[1].getContent())};
  EXPECT_EQ(asked.find("the new goal"), 0u);
  EXPECT_THAT(asked, HasSubstr("the old goal"));
  EXPECT_THAT(asked, HasSubstr(plan));
}

}  // namespace
}  // namespace tandem
