#include "actors/router/model_chooser.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

router_config with_policy(std::string policy) {
  router_config config;
  config.policy = std::move(policy);
  return config;
}

class Chooser : public ::testing::Test {
 protected:
  void start(const router_config& config, std::uint64_t first = 1) {
    auto made = model_chooser::make(config, 42, first);
    ASSERT_TRUE(made) << message_of(made.error());
    chooser_ = std::move(*made);
  }

  chosen_candidate choose(std::string_view prompt = "a question", bool rewarded = true,
                          std::string_view tenant = {}) {
    std::vector<std::string_view> texts{prompt};
    call_to_route call{.facts = {.purpose = schema::Purpose::STEP,
                                 .tenant = tenant,
                                 .texts = texts,
                                 .max_tokens = 100},
                       .rewarded = rewarded,
                       .large_cost_nanousd = 1000};
    return chooser_->choose(call, candidates_, ++now_);
  }

  std::optional<tmsg::rtchg> give(std::uint64_t decision, double quality,
                                  schema::RewardSource source = schema::RewardSource::VERIFICATION,
                                  std::string_view tenant = {}) {
    message_builder<schema::Reward> reward;
    reward->setDecision(decision);
    reward->setSource(source);
    reward->setQuality(quality);
    reward->setTenant(std::string{tenant});
    auto finished = reward.finish();
    return chooser_->on_reward(*finished.read(), ++now_);
  }

  std::string name_of(const chosen_candidate& chosen) const {
    return std::string{candidates_[chosen.place].model};
  }

  /// `rounds` decisions, each rewarded by what `right` says of the model.
  std::map<std::string, int> live(int rounds, const std::map<std::string, double>& right) {
    std::map<std::string, int> taken;
    for (int i = 0; i < rounds; ++i) {
      auto chosen = choose("question " + std::to_string(i));
      auto name = name_of(chosen);
      ++taken[name];
      // Right in a fixed pattern rather than by chance.
      auto share = right.at(name);
      auto nth = ++seen_[name];
      give(chosen.decision, std::floor(nth * share) > std::floor((nth - 1) * share) ? 1 : 0);
    }
    return taken;
  }

  std::vector<candidate> candidates_{
      {.model = "mini", .tier = "small", .weight_version = "v1", .cost_nanousd = 20},
      {.model = "big", .tier = "large", .weight_version = "v1", .cost_nanousd = 1000}};
  std::unique_ptr<model_chooser> chooser_;
  std::map<std::string, int> seen_;
  std::uint64_t now_ = 1'000'000;
};

TEST_F(Chooser, LearnsThatTheSmallOneWillDo) {
  start(with_policy("auto"));
  live(400, {{"mini", 0.95}, {"big", 1.0}});
  auto late = live(200, {{"mini", 0.95}, {"big", 1.0}});
  EXPECT_GT(late["mini"], 170);
}

TEST_F(Chooser, LearnsThatTheSmallOneWillNotDo) {
  start(with_policy("auto"));
  live(400, {{"mini", 0.2}, {"big", 0.95}});
  auto late = live(200, {{"mini", 0.2}, {"big", 0.95}});
  EXPECT_GT(late["big"], 170);
}

TEST_F(Chooser, APriceThatChangesNeedsNoRelearning) {
  start(with_policy("auto"));
  live(400, {{"mini", 0.75}, {"big", 0.9}});
  ASSERT_GT(live(200, {{"mini", 0.75}, {"big", 0.9}})["mini"], 140)
      << ".15 better for .2 dearer: not worth it";
  candidates_[1].cost_nanousd = 30;
  EXPECT_GT(live(200, {{"mini", 0.75}, {"big", 0.9}})["big"], 140);
}

TEST_F(Chooser, WhereNoVerdictIsExpectedNothingIsExplored) {
  start(with_policy("auto"));
  for (int i = 0; i < 200; ++i) {
    auto chosen = choose("question " + std::to_string(i), false);
    EXPECT_EQ(name_of(chosen), "mini");
    EXPECT_EQ(chosen.propensity, 1);
  }
}

TEST_F(Chooser, AFilteredModelIsNeverChosenAndSaysWhy) {
  start(with_policy("auto"));
  candidates_.push_back({.model = "huge", .tier = "large", .why_not = "no healthy engine"});
  std::swap(candidates_[0], candidates_[2]);
  for (int i = 0; i < 100; ++i) {
    auto chosen = choose("question " + std::to_string(i));
    ASSERT_NE(name_of(chosen), "huge");
    const auto* kept = chooser_->ledger().find(chosen.decision);
    ASSERT_NE(kept, nullptr);
    ASSERT_EQ(kept->arms.size(), 2u);
    ASSERT_EQ(kept->removed.size(), 1u);
    EXPECT_EQ(kept->removed[0].why, "no healthy engine");
    EXPECT_EQ(kept->arms[kept->made.chosen].model, name_of(chosen));
  }
}

TEST_F(Chooser, WithoutAChoiceThereIsNoDecisionToKeep) {
  start(with_policy("auto"));
  candidates_.pop_back();
  auto chosen = choose();
  EXPECT_FALSE(chosen.kept);
  EXPECT_EQ(chooser_->ledger().size(), 0u);
}

TEST_F(Chooser, TheSameSeedDrawsTheSame) {
  std::vector<std::size_t> first;
  for (int run = 0; run < 2; ++run) {
    start(with_policy("auto"));
    now_ = 1;
    for (std::size_t i = 0; i < 100; ++i) {
      auto place = choose("question " + std::to_string(i)).place;
      if (run == 0)
        first.push_back(place);
      else
        EXPECT_EQ(place, first[i]);
    }
  }
}

TEST_F(Chooser, ATrialInShadowActsOnNothingAndIsPromotedOnEvidence) {
  start(with_policy("large_only"));
  message_builder<schema::RouteCommand> command;
  command->setAction(schema::RouteAction::TRY);
  command->setPolicy("cheapest");
  command->setShare(0.3);
  auto finished = command.finish();
  ASSERT_TRUE(chooser_->trial().command(*finished.read(), now_));
  // As good, and it costs a fiftieth.
  std::optional<tmsg::rtchg> change;
  for (int i = 0; i < 3000 && !change; ++i) {
    auto chosen = choose("question " + std::to_string(i));
    change = give(chosen.decision, 1);
  }
  ASSERT_TRUE(change);
  EXPECT_EQ(change->read()->getAction(), schema::RouteAction::PROMOTE);
  EXPECT_EQ(view(change->read()->getBy()), "router");
  EXPECT_EQ(chooser_->trial().policy().name(), "cheapest");
  EXPECT_EQ(chooser_->trial().candidate(), nullptr);
}

TEST_F(Chooser, AHarmfulCandidateIsTakenBack) {
  start(with_policy("large_only"));
  message_builder<schema::RouteCommand> command;
  command->setAction(schema::RouteAction::TRY);
  command->setPolicy("cheapest");
  command->setShare(0.2);
  auto finished = command.finish();
  ASSERT_TRUE(chooser_->trial().command(*finished.read(), now_));
  std::optional<tmsg::rtchg> change;
  for (int i = 0; i < 3000 && !change; ++i) {
    auto chosen = choose("question " + std::to_string(i));
    change = give(chosen.decision, name_of(chosen) == "mini" ? 0 : 1);
  }
  ASSERT_TRUE(change);
  EXPECT_EQ(change->read()->getAction(), schema::RouteAction::ROLLBACK);
  EXPECT_EQ(chooser_->trial().policy().name(), "large_only");
}

TEST_F(Chooser, AJudgeThatAlwaysSaysRightIsFoundOutAndNoLongerBelieved) {
  start(with_policy("auto"));
  for (int i = 0; i < 400; ++i) {
    auto chosen = choose("question " + std::to_string(i));
    give(chosen.decision, i % 2, schema::RewardSource::VERIFICATION);
    give(chosen.decision, 1, schema::RewardSource::JUDGE);
  }
  auto notes = chooser_->notes(now_);
  ASSERT_FALSE(notes.empty());
  EXPECT_NE(notes[0].find("judge"), std::string::npos) << notes[0];
  auto chosen = choose();
  give(chosen.decision, 1, schema::RewardSource::JUDGE);
  EXPECT_LT(chooser_->ledger().find(chosen.decision)->quality, 0) << "nothing was learned from it";
}

TEST_F(Chooser, WhatIsKeptBesideTheStatisticsComesBack) {
  auto config = with_policy("auto");
  config.targets.push_back({.tenant = "acme", .job_nanousd = 100});
  start(config);
  message_builder<schema::Reward> cost;
  cost->setSource(schema::RewardSource::OUTCOME);
  cost->setTenant("acme");
  cost->setCostNanousd(5000);
  message_builder<schema::Reward> end;
  end->setSource(schema::RewardSource::JOB);
  end->setPurpose(schema::Purpose::WAY);
  end->setQuality(-1);
  end->setTenant("acme");
  auto spent = cost.finish();
  auto ended = end.finish();
  for (int i = 0; i < 50; ++i) {
    static_cast<void>(chooser_->on_reward(*spent.read(), ++now_));
    static_cast<void>(chooser_->on_reward(*ended.read(), ++now_));
  }
  auto price = chooser_->budgets().price("acme", now_);
  EXPECT_GT(price, 0) << "fifty times the target";
  auto memory = chooser_->memory();
  start(config, 1000);
  ASSERT_FALSE(chooser_->restore(*memory.read()));
  EXPECT_DOUBLE_EQ(chooser_->budgets().price("acme", now_), price);
}

TEST_F(Chooser, RewardsForDecisionsOfOtherWeightsAreNotLearned) {
  start(with_policy("auto"));
  live(200, {{"mini", 0.9}, {"big", 0.9}});
  auto before = choose();
  for (auto& each : candidates_) each.weight_version = "v2";
  choose();
  message_builder<schema::RouteReport> report;
  chooser_->report(*report, now_);
  double weight = 0;
  for (auto arm : report->asReader().getArms()) weight += arm.getWeight();
  EXPECT_LT(weight, 100) << "new weights discount what was learned of the old";
  give(before.decision, 1);
  message_builder<schema::RouteReport> after;
  chooser_->report(*after, now_);
  double then = 0;
  for (auto arm : after->asReader().getArms()) then += arm.getWeight();
  EXPECT_NEAR(then, weight, 1e-3);
}

}  // namespace
}  // namespace tandem
