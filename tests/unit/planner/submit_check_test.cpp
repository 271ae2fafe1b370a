#include "actors/planner/submit_check.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "schema/errc.hpp"
#include "schema/message.hpp"

namespace tandem {
namespace {

using change = std::function<void(schema::Submit::Builder)>;

void one_message(schema::Submit::Builder submit, const std::string& content,
                 schema::Role role = schema::Role::USER) {
  auto message = submit.initMessages(1)[0];
  message.setRole(role);
  message.setContent(content);
}

message<schema::Submit> submission(const change& how = {}) {
  message_builder<schema::Submit> submit;
  submit->setMode(schema::PlanMode::PLAN_ACT);
  one_message(*submit, "add 12 and 7");
  if (how) how(*submit);
  return submit.finish();
}

planner_config limits() {
  planner_config config;
  config.goal_bytes_max = 1'000;
  config.messages_max = 4;
  config.timeout_max = std::chrono::milliseconds{5'000};
  return config;
}

/// Why it is refused; empty: it is not.
std::string refusal(const change& how) {
  auto submit = submission(how);
  auto err = check_submit(*submit.read(), limits());
  if (!err) return {};
  EXPECT_EQ(code_of(err), errc::invalid_argument);
  EXPECT_FALSE(message_of(err).empty());
  return message_of(err);
}

TEST(submit_check, AcceptsWhatIsWithinItsLimits) {
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal([](auto s) { one_message(s, std::string(1'000, 'x')); }), "");
  EXPECT_EQ(refusal([](auto s) { s.setTimeoutMs(5'000); }), "");
  EXPECT_EQ(refusal([](auto s) { s.setTimeoutMs(0); }), "");
  EXPECT_EQ(refusal([](auto s) { s.setPriority(-100); }), "");
  EXPECT_EQ(refusal([](auto s) { s.setPriority(100); }), "");
  EXPECT_EQ(refusal([](auto s) { s.setClientKey(std::string(256, 'k')); }), "");
  EXPECT_EQ(refusal([](auto s) { s.setTenant(std::string(256, 't')); }), "");
  EXPECT_EQ(refusal([](auto s) {
              auto tags = s.initTags(32);
              for (unsigned i = 0; i < 32; ++i) tags.set(i, std::string(256, 'x'));
            }),
            "");
  for (auto mode : {schema::PlanMode::PLAN_ACT, schema::PlanMode::SMALL, schema::PlanMode::LARGE})
    EXPECT_EQ(refusal([&](auto s) { s.setMode(mode); }), "");
  EXPECT_EQ(refusal([](auto s) {
              auto messages = s.initMessages(4);
              constexpr std::array roles{schema::Role::SYSTEM, schema::Role::USER,
                                         schema::Role::ASSISTANT, schema::Role::USER};
              for (unsigned i = 0; i < 4; ++i) {
                messages[i].setRole(roles[i]);
                messages[i].setContent("x");
              }
            }),
            "");
}

TEST(submit_check, RefusesAnEmptyGoal) {
  EXPECT_NE(refusal([](auto s) { s.initMessages(0); }).find("empty"), std::string::npos);
  for (auto blank : {"", " ", "\t\r\n \v\f"})
    EXPECT_NE(refusal([&](auto s) { one_message(s, blank); }).find("empty"), std::string::npos);
}

TEST(submit_check, RefusesAGoalThatIsNotTheUsers) {
  EXPECT_NE(refusal([](auto s) { one_message(s, "x", schema::Role::SYSTEM); }), "");
  EXPECT_NE(refusal([](auto s) { one_message(s, "x", schema::Role::ASSISTANT); }), "");
  EXPECT_NE(refusal([](auto s) { one_message(s, "x", schema::Role::UNKNOWN); }).find("role"),
            std::string::npos);
}

TEST(submit_check, RefusesWhatIsTooLargeAndNamesTheSetting) {
  EXPECT_NE(
      refusal([](auto s) { one_message(s, std::string(1'001, 'x')); }).find("jobs.goal_bytes_max"),
      std::string::npos);
  // Together, not each.
  EXPECT_NE(refusal([](auto s) {
              auto messages = s.initMessages(2);
              for (auto message : messages) {
                message.setRole(schema::Role::USER);
                message.setContent(std::string(501, 'x'));
              }
            }).find("jobs.goal_bytes_max"),
            std::string::npos);
  EXPECT_NE(refusal([](auto s) {
              auto messages = s.initMessages(5);
              for (auto message : messages) {
                message.setRole(schema::Role::USER);
                message.setContent("x");
              }
            }).find("jobs.messages_max"),
            std::string::npos);
  EXPECT_NE(refusal([](auto s) { s.setTimeoutMs(5'001); }).find("jobs.timeout_max"),
            std::string::npos);
  EXPECT_NE(refusal([](auto s) { s.setTimeoutMs(UINT64_MAX); }), "");
}

TEST(submit_check, RefusesNamesTagsAndPrioritiesOutOfRange) {
  EXPECT_NE(refusal([](auto s) { s.setClientKey(std::string(257, 'k')); }), "");
  EXPECT_NE(refusal([](auto s) { s.setTenant(std::string(257, 't')); }), "");
  EXPECT_NE(refusal([](auto s) { s.initTags(33); }), "");
  EXPECT_NE(refusal([](auto s) { s.initTags(1).set(0, std::string(257, 'x')); }), "");
  for (int priority : {-128, -101, 101, 127})
    EXPECT_NE(refusal([&](auto s) { s.setPriority(static_cast<std::int8_t>(priority)); }), "")
        << priority;
  EXPECT_NE(refusal([](auto s) {
              s.setWeights(static_cast<schema::WeightPolicy>(9));
            }).find("neither fail nor mix"),
            std::string::npos);
  for (auto policy :
       {schema::WeightPolicy::UNKNOWN, schema::WeightPolicy::FAIL, schema::WeightPolicy::MIX})
    EXPECT_EQ(refusal([&](auto s) { s.setWeights(policy); }), "");
  EXPECT_NE(refusal([](auto s) { s.setMode(schema::PlanMode::UNKNOWN); }).find("plan_act"),
            std::string::npos);
}

TEST(submit_check, KnowsTheSameGoal) {
  auto same = [](const change& a, const change& b) {
    auto x = submission(a);
    auto y = submission(b);
    return same_goal(*x.read(), *y.read());
  };
  EXPECT_TRUE(same({}, {}));
  EXPECT_TRUE(same({}, [](auto s) {
    s.setPriority(5);
    s.setTimeoutMs(9);
    s.initTags(1).set(0, "x");
  })) << "how urgent it is does not make it another goal";
  EXPECT_FALSE(same({}, [](auto s) { s.setMode(schema::PlanMode::SMALL); }));
  EXPECT_FALSE(same({}, [](auto s) { one_message(s, "add 12 and 8"); }));
  EXPECT_FALSE(same({}, [](auto s) { one_message(s, "add 12 and 7", schema::Role::SYSTEM); }));
  EXPECT_FALSE(same({}, [](auto s) { s.initMessages(2); }));
}

}  // namespace
}  // namespace tandem
