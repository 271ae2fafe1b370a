#include "actors/semantic/semantic_plans.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tandem {
namespace {

constexpr std::array<const char*, 12> things{"apples", "boats", "cards",  "drums",
                                             "eggs",   "flags", "gloves", "hammers",
                                             "irons",  "jars",  "kites",  "lamps"};

/// The n-th goal, and the same in other words.
std::string goal(std::size_t n) {
  return "Ann buys " + std::to_string(n + 5) + " " + things[n % things.size()] +
         " for her shop. How many does she have to sell?";
}
std::string reworded(std::size_t n) {
  return "For the shop of Ann " + std::to_string(n + 5) + " " + things[n % things.size()] +
         " are bought. How many must she sell?";
}

class SemanticPlans : public testing::Test {
 protected:
  semantic_question ask(std::string_view text, std::string tenant = "t", std::string key = "k") {
    return {.scope = {std::move(tenant), std::move(key)}, .goal = text};
  }

  /// Until matches of tenant t are served: all of them right.
  void teach(semantic_plans& plans, std::size_t labels = 320) {
    for (std::size_t n = 0; n < labels; ++n) {
      auto text = goal(n % 100);
      (void)plans.store(ask(text), std::to_string(n % 100), 0);
      auto again = reworded(n % 100);
      auto answer = plans.look(ask(again), 0);
      if (answer.label != 0) (void)plans.label(answer.label, false, 0);
    }
  }
};

TEST_F(SemanticPlans, ExploreUntilKnownAndThenServe) {
  semantic_plans plans{{}};
  auto text = goal(1);
  ASSERT_NE(plans.store(ask(text), "1", 0), 0U);
  auto other = reworded(1);
  auto answer = plans.look(ask(other), 0);
  EXPECT_EQ(answer.decision, semantic_decision::explore);
  EXPECT_NE(answer.label, 0U);
  EXPECT_EQ(answer.payload, "1");
  EXPECT_EQ(
      answer.why,
      "not known yet whether such a match is right: 0 compared, 0 wrong, at least 230 needed");
  teach(plans);
  answer = plans.look(ask(other), 0);
  EXPECT_EQ(answer.decision, semantic_decision::hit) << answer.why;
  EXPECT_EQ(answer.payload, "1");
  EXPECT_GT(plans.statistics(0).counts.hits, 0U);
}

TEST_F(SemanticPlans, NeverServeWhereAGuardRefuses) {
  semantic_plans plans{{}};
  teach(plans);
  auto answer =
      plans.look(ask("Ann buys 990 apples for her shop. How many does she have to sell?"), 0);
  EXPECT_EQ(answer.decision, semantic_decision::miss);
  EXPECT_NE(answer.why.find("990"), std::string::npos) << answer.why;
  std::vector<std::string> arguments{"--force"};
  auto text = reworded(1);
  auto question = ask(text);
  question.tool_arguments = arguments;
  EXPECT_EQ(plans.look(question, 0).decision, semantic_decision::miss);
}

TEST_F(SemanticPlans, OfOneTenantAreNeverFoundByAnother) {
  semantic_plans plans{{}};
  teach(plans);
  auto text = goal(1);
  // Texts that try to be somebody else's scope.
  for (const auto& tenant : {std::string{"u"}, std::string{}, std::string{"t1:k"},
                             std::string{"1:t1:k"}, std::string{"t\0k", 3}})
    for (std::string key : {"k", "", "t1:k", "k builtin 1", "1:k"}) {
      auto answer = plans.look(ask(text, tenant, key), 0);
      EXPECT_EQ(answer.decision, semantic_decision::miss) << tenant << '|' << key;
      EXPECT_EQ(answer.entry, 0U);
    }
  EXPECT_EQ(plans.look(ask(text, "t", "other model"), 0).decision, semantic_decision::miss);
  // What one tenant's labels taught holds for that tenant.
  (void)plans.store(ask(text, "u"), "1", 0);
  auto again = reworded(1);
  EXPECT_EQ(plans.look(ask(again, "u"), 0).decision, semantic_decision::explore);
}

TEST_F(SemanticPlans, TakeEachLabelOnceAndInTime) {
  semantic_plans plans{{.pending_max = 4, .label_window_ms = 1'000}};
  auto text = goal(1);
  (void)plans.store(ask(text), "1", 0);
  auto other = reworded(1);
  auto first = plans.look(ask(other), 0).label;
  EXPECT_EQ(plans.label(first, false, 10), label_result::taken);
  EXPECT_EQ(plans.label(first, true, 10), label_result::unknown);
  EXPECT_EQ(plans.label(0, true, 10), label_result::unknown);
  EXPECT_EQ(plans.label(123'456, true, 10), label_result::unknown);
  auto late = plans.look(ask(other), 20).label;
  EXPECT_EQ(plans.label(late, true, 1'021), label_result::late);
  auto oldest = plans.look(ask(other), 30).label;
  for (int i = 0; i < 4; ++i) (void)plans.look(ask(other), 30);
  EXPECT_EQ(plans.label(oldest, true, 31), label_result::unknown) << "dropped for newer ones";
  auto s = plans.statistics(31);
  EXPECT_EQ(s.pending, 4U);
  EXPECT_EQ(s.pending_dropped, 1U);
  EXPECT_EQ(s.counts.labels, 1U);
  EXPECT_EQ(s.counts.labels_wrong, 0U);
}

TEST_F(SemanticPlans, ALabelOfAForgottenEntryStillTeaches) {
  semantic_plans plans{{}};
  auto text = goal(1);
  auto id = plans.store(ask(text), "1", 0);
  auto other = reworded(1);
  auto label = plans.look(ask(other), 0).label;
  EXPECT_TRUE(plans.forget(id));
  EXPECT_FALSE(plans.forget(id));
  EXPECT_EQ(plans.label(label, true, 0), label_result::taken);
  EXPECT_EQ(plans.bound_of({"t", "k"})->wrong(), 1U);
}

TEST_F(SemanticPlans, AnEntryThatWasWrongIsHeldToMore) {
  semantic_plans plans{{.audit_share = 1}};
  teach(plans, 700);
  auto other = reworded(1);
  auto served = plans.look(ask(other), 0);
  ASSERT_EQ(served.decision, semantic_decision::hit);
  (void)plans.label(served.label, true, 0);
  auto again = plans.look(ask(other), 0);
  EXPECT_NE(again.decision, semantic_decision::hit) << again.why;
}

TEST_F(SemanticPlans, AreOffForATenantToWhomTheyDoHarmAndForNobodyElse) {
  semantic_plans plans{{.off_ms = 1'000, .probation_labels = 3}};
  teach(plans);
  auto other = reworded(1);
  auto entry = plans.look(ask(other), 0).entry;
  for (int i = 0; i < 20; ++i) plans.outcome("t", entry, false, 0);
  auto answer = plans.look(ask(reworded(2)), 500);
  EXPECT_EQ(answer.decision, semantic_decision::miss);
  EXPECT_EQ(answer.label, 0U);
  EXPECT_NE(answer.why.find("off for this tenant"), std::string::npos);
  EXPECT_EQ(plans.statistics(500).tenants_off, 1U);
  EXPECT_EQ(plans.statistics(500).counts.hit_outcomes_failed, 20U);
  auto text = goal(1);
  (void)plans.store(ask(text, "u"), "1", 0);
  EXPECT_EQ(plans.look(ask(other, "u"), 500).decision, semantic_decision::explore);
  for (std::size_t n = 2; n < 5; ++n) {
    auto again = reworded(n);
    auto tried = plans.look(ask(again), 1'500);
    EXPECT_EQ(tried.decision, semantic_decision::explore) << tried.why;
    (void)plans.label(tried.label, false, 1'500);
  }
  EXPECT_EQ(plans.statistics(1'500).tenants_off, 0U);
  auto third = reworded(3);
  EXPECT_EQ(plans.look(ask(third), 1'500).decision, semantic_decision::hit);
  auto failed = plans.look(ask(other), 1'500);
  EXPECT_EQ(failed.why, "of 20 jobs with this plan 20 failed");
}

TEST_F(SemanticPlans, RefuseWhatTheyCannotReadInFull) {
  semantic_plans plans{{}};
  std::string huge(10 << 20, 'x');
  EXPECT_EQ(plans.look(ask(huge), 0).why, "the goal is longer than 16384 bytes");
  EXPECT_EQ(plans.store(ask(huge), "1", 0), 0U);
  std::string many;
  while (many.size() < 16'000) many += "1-";
  EXPECT_EQ(plans.store(ask(many), "1", 0), 0U) << "numbers only, too many of them";
  EXPECT_EQ(plans.store(ask(""), "1", 0), 0U);
  EXPECT_EQ(plans.store(ask("go"), std::string(20'000, 'p'), 0), 0U);
  std::vector<std::string> arguments(65);
  auto question = ask("go");
  question.tool_arguments = arguments;
  EXPECT_EQ(plans.look(question, 0).decision, semantic_decision::miss);
  EXPECT_EQ(plans.statistics(0).entries, 0U);
}

TEST_F(SemanticPlans, KeepOutsideEmbeddingsApart) {
  semantic_plans plans{{}};
  auto text = goal(1);
  std::vector<float> v{1, 2, 3};
  auto question = ask(text);
  question.embedding = v;
  ASSERT_NE(plans.store(question, "1", 0), 0U);
  EXPECT_EQ(plans.look(ask(text), 0).decision, semantic_decision::miss) << "built-in";
  EXPECT_EQ(plans.look(question, 0).decision, semantic_decision::explore);
  std::vector<float> longer{1, 2, 3, 4};
  question.embedding = longer;
  EXPECT_EQ(plans.look(question, 0).decision, semantic_decision::miss);
  std::vector<float> none{0, 0, 0};
  question.embedding = none;
  EXPECT_EQ(plans.look(question, 0).why, "the embedding is no vector");
}

TEST_F(SemanticPlans, RememberWhatTheyLearned) {
  semantic_plans before{{}};
  teach(before);
  auto record = before.save({"t", "k"});
  semantic_plans after{{}};
  EXPECT_TRUE(after.restore({"t", "k"}, record.substr(1)));
  EXPECT_EQ(after.statistics(0).scopes, 0U);
  EXPECT_EQ(after.restore({"t", "k"}, record), std::nullopt);
  auto text = goal(1);
  (void)after.store(ask(text), "1", 0);
  auto other = reworded(1);
  EXPECT_EQ(after.look(ask(other), 0).decision, semantic_decision::hit);
  EXPECT_TRUE(after.save({"nobody", "k"}).empty());
}

TEST_F(SemanticPlans, DecideTheSameForTheSameSeed) {
  auto run = [&](std::uint64_t seed) {
    semantic_plans plans{{.audit_share = .5, .seed = seed}};
    teach(plans);
    std::string labelled;
    for (std::size_t n = 0; n < 64; ++n) {
      auto text = reworded(n);
      labelled += plans.look(ask(text), 0).label != 0 ? '1' : '0';
    }
    return labelled;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(SemanticConfig, NamesWhatCannotBe) {
  EXPECT_EQ(semantic_config{}.problem(), std::nullopt);
  semantic_config config;
  config.bound.max_error = 0;
  EXPECT_EQ(config.problem(), "max_error must be between 0 and 1");
  config = {};
  config.audit_share = 2;
  EXPECT_EQ(config.problem(), "audit_share must be from 0 to 1");
}

}  // namespace
}  // namespace tandem
