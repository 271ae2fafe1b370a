#include <map>
#include <set>

#include <gtest/gtest.h>

#include "actors/router/engines/engine_chooser.hpp"

namespace tandem {
namespace {

engine_option option(engine_slot engine, std::uint32_t in_flight, std::uint32_t cached = 0,
                     double wait_s = 0) {
  engine_option o{.engine = engine,
                  .in_flight = in_flight,
                  .wait_s = wait_s,
                  .cached_blocks = cached,
                  .cached_tokens = cached * 100ull,
                  .token_s = 1e-3};
  o.prefill_s = (1'000 - static_cast<double>(o.cached_tokens)) * o.token_s;
  return o;
}

/// A prompt of ten blocks of 100 tokens.
prompt_blocks ten_blocks(std::uint64_t name = 1) {
  prompt_blocks out;
  std::vector<std::uint64_t> ids{0};
  for (std::uint64_t i = 1; i < 10; ++i) ids.push_back(name * 100 + i);
  prompt_hasher{1}.from_ids(ids, 100, 1'000, out);
  return out;
}

class engine_policies_test : public ::testing::Test {
 protected:
  engine_slot chosen(const std::string& policy, const std::vector<engine_option>& options,
                     std::uint64_t session = 0) {
    config_.policy = policy;
    if (!policy_ || policy_->name() != policy) policy_ = make_engine_policy(config_);
    auto prompt = ten_blocks(name_);
    return options[policy_->choose({prompt, session, options}, random_)].engine;
  }
  /// With other settings.
  void renew() { policy_ = nullptr; }

  engine_choice_config config_;
  std::unique_ptr<engine_policy> policy_;
  choice_random random_{1};
  std::uint64_t name_ = 1;
};

TEST_F(engine_policies_test, OfFirstTokensThatComeTogetherTheLessLoadedEngineIsTaken) {
  // 3 ms sooner, but with 30 other answers under way.
  EXPECT_EQ(chosen("estimated_ttft", {option(0, 30, 0, 0.001), option(1, 2, 0, 0.004)}), 1);
  EXPECT_EQ(chosen("estimated_ttft", {option(0, 30, 0, 0), option(1, 2, 0, 0.5)}), 0);
}

TEST_F(engine_policies_test, AreFoundByTheirNames) {
  std::set<std::string_view> names;
  for (const auto& known : engine_policies()) {
    names.insert(known.name);
    auto made = make_engine_policy({.policy = std::string{known.name}});
    ASSERT_NE(made, nullptr);
    EXPECT_EQ(made->name(), known.name);
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"estimated_ttft", "cache_aware",
                                               "cache_or_performance", "least_loaded",
                                               "round_robin", "consistent_hash", "power_of_two"}));
  EXPECT_EQ(make_engine_policy({.policy = "best"}), nullptr);
}

TEST_F(engine_policies_test, AllAnswerWhereThereIsOneEngine) {
  for (const auto& known : engine_policies())
    EXPECT_EQ(chosen(std::string{known.name}, {option(5, 3)}), 5) << known.name;
}

TEST_F(engine_policies_test, EstimatedTtftWaitsForACacheOnlyWhileThatIsFaster) {
  // Half of it cached saves half a second.
  EXPECT_EQ(chosen("estimated_ttft", {option(0, 9, 5, 0.4), option(1, 0)}), 0);
  EXPECT_EQ(chosen("estimated_ttft", {option(0, 9, 5, 0.6), option(1, 0)}), 1);
  EXPECT_EQ(chosen("estimated_ttft", {option(0, 3), option(1, 2), option(2, 4)}), 1)
      << "ties by calls in flight";
}

TEST_F(engine_policies_test, EstimatedTtftDrawsAmongEqualOnes) {
  std::map<engine_slot, int> taken;
  for (int i = 0; i < 300; ++i)
    ++taken[chosen("estimated_ttft", {option(0, 1), option(1, 1), option(2, 1)})];
  for (auto [engine, times] : taken) EXPECT_NEAR(times, 100, 40) << engine;
  EXPECT_EQ(taken.size(), 3u);
}

TEST_F(engine_policies_test, WithoutASeedEqualOnesAreTakenInTheirOrder) {
  random_ = choice_random{0};
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(chosen("least_loaded", {option(7, 2), option(4, 1), option(2, 1)}), 4);
}

TEST_F(engine_policies_test, CacheAwareFollowsMoreThanItsThresholdWhileLoadIsBalanced) {
  EXPECT_EQ(chosen("cache_aware", {option(0, 30, 6), option(1, 1)}), 0);
  EXPECT_EQ(chosen("cache_aware", {option(0, 30, 5), option(1, 1)}), 1) << "half is not more";
  EXPECT_EQ(chosen("cache_aware", {option(0, 34, 9), option(1, 1)}), 1) << "33 more, 34 times";
  EXPECT_EQ(chosen("cache_aware", {option(0, 1'033, 9), option(1, 1'000)}), 0) << "not 1.1 times";
  EXPECT_EQ(chosen("cache_aware", {option(0, 3, 9), option(1, 2, 9)}), 1) << "the less busy owner";
}

TEST_F(engine_policies_test, AThresholdOfNoneIsLoadFirst) {
  config_.balance_abs_threshold = 0;
  renew();
  EXPECT_EQ(chosen("cache_aware", {option(0, 2, 10), option(1, 1)}), 1);
  EXPECT_EQ(chosen("cache_aware", {option(0, 1, 10), option(1, 1)}), 0);
}

TEST_F(engine_policies_test, CacheOrPerformanceIsOneOfBoth) {
  EXPECT_EQ(chosen("cache_or_performance", {option(0, 0, 6, 9), option(1, 0)}), 0);
  EXPECT_EQ(chosen("cache_or_performance", {option(0, 0, 5, 0.2), option(1, 0, 0, 0.1)}), 1)
      << "what is cached counts nothing then";
  config_.complexity_threshold = 0.4;
  renew();
  EXPECT_EQ(chosen("cache_or_performance", {option(0, 0, 5, 0.2), option(1, 0, 0, 0.1)}), 0);
}

TEST_F(engine_policies_test, OneSharedFirstBlockIsNoAffinity) {
  for (const char* policy : {"estimated_ttft", "cache_aware", "cache_or_performance"})
    EXPECT_EQ(chosen(policy, {option(0, 5, 1, 0.5), option(1, 1, 0, 0.1), option(2, 4, 1, 0.4)}), 1)
        << policy;
  std::set<engine_slot> taken;
  for (name_ = 1; name_ < 40; ++name_)
    taken.insert(chosen("consistent_hash", {option(0, 0, 1), option(1, 0, 1), option(2, 0, 1)}));
  EXPECT_EQ(taken.size(), 3u) << "prompts are told apart by what comes after it";
}

TEST_F(engine_policies_test, ConsistentHashMovesOnlyWhatWasOfAnEngineThatLeft) {
  std::vector<engine_option> all, without;
  for (engine_slot e = 0; e < 10; ++e) {
    all.push_back(option(e, 0));
    if (e != 4) without.push_back(option(e, 0));
  }
  int moved = 0;
  for (name_ = 1; name_ < 500; ++name_) {
    auto before = chosen("consistent_hash", all);
    EXPECT_EQ(chosen("consistent_hash", all), before);
    auto after = chosen("consistent_hash", without);
    EXPECT_TRUE(after == before || before == 4);
    moved += after != before;
  }
  EXPECT_NEAR(moved, 50, 25);
  name_ = 1;
  auto at = chosen("consistent_hash", all, 77);
  for (; name_ < 20; ++name_) EXPECT_EQ(chosen("consistent_hash", all, 77), at) << "by its session";
}

TEST_F(engine_policies_test, RoundRobinTakesTurnsAmongThoseThatCan) {
  std::vector<engine_option> all{option(2, 9), option(0, 0), option(5, 0)};
  // Those of another model, chosen from in between, and not always taken.
  std::vector<engine_option> others{option(7, 0), option(6, 0)};
  std::vector<engine_slot> order;
  std::vector<engine_slot> order_of_others;
  for (int i = 0; i < 12; ++i) {
    auto one = chosen("round_robin", all);
    auto other = chosen("round_robin", others);
    policy_->on_assigned(i % 2 == 0 ? one : other);
    (i % 2 == 0 ? order : order_of_others).push_back(i % 2 == 0 ? one : other);
  }
  EXPECT_EQ(order, (std::vector<engine_slot>{0, 2, 5, 0, 2, 5}));
  EXPECT_EQ(order_of_others, (std::vector<engine_slot>{6, 7, 6, 7, 6, 7}));
}

TEST_F(engine_policies_test, PowerOfTwoNeverTakesTheBusiestOfAll) {
  std::set<engine_slot> taken;
  for (int i = 0; i < 100; ++i)
    taken.insert(chosen("power_of_two", {option(0, 1), option(1, 9), option(2, 2)}));
  EXPECT_EQ(taken, (std::set<engine_slot>{0, 2}));
}

class engine_chooser_test : public ::testing::Test {
 protected:
  engine_chooser_test() { start({}); }

  void start(const engine_choice_config& config, int engines = 3) {
    chooser_ = engine_chooser::make(config, 1);
    eligible_.clear();
    for (int i = 0; i < engines; ++i) {
      eligible_.push_back(*chooser_->add());
      chooser_->fleet().at(eligible_.back()).concurrency = 100;
    }
  }
  /// Sends it, and returns where.
  engine_slot send(const prompt_blocks& prompt, std::uint64_t session = 0) {
    auto choice = chooser_->choose(prompt, session, eligible_, now_s_);
    chooser_->assign(++id_, choice, prompt, session, now_s_);
    return choice.engine;
  }
  void end(std::uint64_t id, std::uint64_t cached = 0, double first_token_s = 0.2) {
    EXPECT_TRUE(chooser_->finish(id,
                                 {.prompt_tokens = 1'000,
                                  .cached_tokens = cached,
                                  .completion_tokens = 10,
                                  .first_token_s = first_token_s,
                                  .total_s = first_token_s + 0.1},
                                 now_s_));
  }

  std::unique_ptr<engine_chooser> chooser_;
  std::vector<engine_slot> eligible_;
  std::uint64_t id_ = 0;
  double now_s_ = 10;
};

TEST_F(engine_chooser_test, WhatAnEngineHasCachedGoesThereAgain) {
  auto prompt = ten_blocks();
  auto first = send(prompt);
  for (int i = 0; i < 20; ++i) {
    now_s_ += 5;
    end(id_, i == 0 ? 0 : 1'000);
    EXPECT_EQ(send(prompt), first);
  }
}

TEST_F(engine_chooser_test, AHotPrefixIsReplicatedOnceItsOwnerIsBehind) {
  auto prompt = ten_blocks();
  auto owner = send(prompt);
  now_s_ += 5;
  // At 5,000 tokens a second: 10,000 tokens of others are two seconds, it alone is 0.2.
  chooser_->fleet().on_report(owner, {.as_of_s = now_s_, .backlog_tokens = 900, .in_flight = 2},
                              now_s_);
  EXPECT_EQ(send(prompt), owner) << "waiting is still cheaper";
  chooser_->fleet().on_report(owner, {.as_of_s = now_s_, .backlog_tokens = 10'000, .in_flight = 3},
                              now_s_);
  auto copy = send(prompt);
  EXPECT_NE(copy, owner);
  EXPECT_EQ(send(prompt), copy) << "now it is cached there too";
  EXPECT_EQ(chooser_->index().find(prompt.hashes).size(), 2u);
}

TEST_F(engine_chooser_test, ManyCallsAtOnceAreSpreadOverAll) {
  std::map<engine_slot, int> taken;
  for (std::uint64_t i = 1; i <= 30; ++i) ++taken[send(ten_blocks(i))];
  for (auto [engine, times] : taken) EXPECT_NEAR(times, 10, 1) << engine;
}

TEST_F(engine_chooser_test, FasterEnginesGetMore) {
  for (int i = 0; i < 30; ++i) {
    auto at = send(ten_blocks(static_cast<std::uint64_t>(i + 1)));
    now_s_ += 60;
    end(id_, 0, at == 0 ? 0.05 : 0.5);
  }
  std::map<engine_slot, int> taken;
  for (std::uint64_t i = 100; i < 212; ++i) ++taken[send(ten_blocks(i))];
  EXPECT_GT(taken[0], 70) << "four times as fast as what is thought of the others by then";
}

TEST_F(engine_chooser_test, AnEngineThatWasStartedAgainHasNothing) {
  auto prompt = ten_blocks();
  auto owner = send(prompt);
  chooser_->restart(owner);
  EXPECT_TRUE(chooser_->index().find(prompt.hashes).empty());
  EXPECT_EQ(chooser_->fleet().at(owner).in_flight(), 1u) << "it may still answer";
  end(id_, 0, 0.001);
  EXPECT_EQ(chooser_->fleet().at(owner).in_flight(), 0u);
  EXPECT_EQ(chooser_->fleet().rates(owner).prefill(), engine_rates::prefill_prior)
      << "a call of before tells nothing of what it is now";
}

TEST_F(engine_chooser_test, PlacesOfEnginesThatLeftAreGivenToOthers) {
  start({.engines_max = 2}, 2);
  EXPECT_FALSE(chooser_->add());
  auto prompt = ten_blocks();
  auto owner = send(prompt);
  chooser_->remove(owner);
  EXPECT_EQ(chooser_->add(), owner);
  EXPECT_FALSE(chooser_->finish(id_, {}, now_s_)) << "a call of before";
  EXPECT_TRUE(chooser_->index().find(prompt.hashes).empty());
}

TEST_F(engine_chooser_test, RepliesCorrectWhatTheIndexThinks) {
  auto old = ten_blocks(1);
  auto hot = ten_blocks(2);
  eligible_ = {0};
  send(old);
  send(hot);
  send(hot);
  end(1);
  end(2, 100);
  end(3, 1'000);
  EXPECT_EQ(chooser_->choose(old, 0, eligible_, now_s_).cached_tokens, 1'000u);
  send(hot);
  end(4, 0);
  EXPECT_EQ(chooser_->choose(old, 0, eligible_, now_s_).cached_tokens, 100u)
      << "evicted before what was evicted";
  EXPECT_EQ(chooser_->choose(hot, 0, eligible_, now_s_).cached_tokens, 1'000u)
      << "it has just computed it";
  EXPECT_LT(chooser_->fleet().at(0).trust, 1);
}

TEST_F(engine_chooser_test, ASessionStaysWhileThatTakesLittleLonger) {
  auto at = send(ten_blocks(1), 42);
  now_s_ += 60;
  end(id_);
  for (std::uint64_t i = 2; i < 20; ++i) {
    EXPECT_EQ(send(ten_blocks(i), 42), at) << "though nothing of it is cached";
    now_s_ += 60;
    end(id_);
  }
  chooser_->fleet().on_report(at, {.as_of_s = now_s_, .backlog_tokens = 5'000, .in_flight = 1},
                              now_s_);
  auto next = send(ten_blocks(99), 42);
  EXPECT_NE(next, at);
  now_s_ += 60;
  end(id_);
  EXPECT_EQ(send(ten_blocks(100), 42), next) << "there is where it is now";
}

TEST_F(engine_chooser_test, WhatAReportDoesNotCountYetIsAddedToIt) {
  auto& fleet = chooser_->fleet();
  fleet.assign(0, 5'000, now_s_);
  fleet.assign(0, 5'000, now_s_ + 0.010);
  EXPECT_NEAR(fleet.at(0).wait_s(now_s_), 2, 1e-9);
  // The owner looked between the two, and had another router's call besides.
  fleet.on_report(0, {.as_of_s = now_s_ + 0.005, .backlog_tokens = 10'000, .in_flight = 2},
                  now_s_ + 0.012);
  EXPECT_NEAR(fleet.at(0).free_at_s, now_s_ + 0.005 + 2 + 1, 1e-9);
  EXPECT_EQ(fleet.at(0).own, 2u);
  EXPECT_EQ(fleet.at(0).others, 1u);
  fleet.on_report(0, {.as_of_s = now_s_ + 0.020, .backlog_tokens = 0, .in_flight = 0},
                  now_s_ + 0.021);
  EXPECT_EQ(fleet.at(0).wait_s(now_s_ + 0.021), 0);
}

TEST_F(engine_chooser_test, AFullEngineIsWaitedForAsLongAsItsCallsTake) {
  auto& engine = chooser_->fleet().at(0);
  engine.concurrency = 2;
  chooser_->fleet().assign(0, 1, now_s_);
  EXPECT_LT(engine.wait_s(now_s_), 0.01);
  chooser_->fleet().assign(0, 1, now_s_);
  EXPECT_NEAR(engine.wait_s(now_s_), engine_rates::call_prior_s / 2, 1e-9);
}

TEST_F(engine_chooser_test, AnIdleEngineHasNoBacklogWhateverWasEstimated) {
  eligible_ = {0};
  send(ten_blocks());
  chooser_->fleet().assign(0, 1'000'000, now_s_);
  chooser_->fleet().finish(0, now_s_);
  EXPECT_GT(chooser_->fleet().at(0).wait_s(now_s_), 100);
  end(1);
  EXPECT_EQ(chooser_->fleet().at(0).wait_s(now_s_), 0);
}

}  // namespace
}  // namespace tandem
