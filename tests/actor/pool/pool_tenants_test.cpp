// What tenants may spend: reserved before a call is sent, exact under any concurrency.

#include <random>

#include "actors/clock.hpp"
#include "actors/engine/prompt_profile.hpp"
#include "tests/actor/pool/pool_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PoolTenants : public Pool {
 protected:
  void start_with(tenant_config tenant, const executor_pool_config& config = {}) {
    tenant.name = "acme";
    tenant.period = "never";
    services_.tenants = std::make_shared<tenant_ledger>(std::vector{std::move(tenant)});
    for (const auto& model : models_) services_.growth.emplace(model.name, growth_of(model));
    start_pool(config, services_);
  }
  [[nodiscard]] budget spent() const { return services_.tenants->spent("acme", unix_ms()); }
  /// Whether the tenant may still spend `tokens`: nothing else is reserved.
  [[nodiscard]] errc could_spend(std::uint64_t tokens) const {
    auto granted = services_.tenants->reserve("acme", {tokens, 0}, unix_ms());
    if (granted.code == errc::unknown)
      services_.tenants->settle("acme", granted.reserved, {}, unix_ms());
    return granted.code;
  }

  executor_pool_services services_;
};

const wish acme{.tier = "small", .tenant = "acme"};

TEST_F(PoolTenants, ACallIsHeldToWhatIsReservedForIt) {
  start_with({.tokens = 100'000, .cost_usd = 1});
  auto& engine = hold_engine("tiny-1", "tiny");
  send(1, acme);
  auto call = engine.calls.at(0).attempt.read();
  auto most = prompt_tokens_bound(acme.prompt.size() + services_.growth.at("tiny").bytes, 2) + 64;
  EXPECT_EQ(call->getAllowance().getTokens(), most);
  EXPECT_EQ(call->getAllowance().getCostNanousd(), static_cast<std::int64_t>(most) * 1000);
  EXPECT_EQ(could_spend(100'000 - most), errc::unknown);
  EXPECT_EQ(could_spend(100'000 - most + 1), errc::overloaded);
  engine.answer({.text = "3", .prompt_tokens = 9, .completion_tokens = 1});
  run();
  EXPECT_EQ(spent(), (budget{10, 10'000}));
  EXPECT_EQ(could_spend(100'000 - 10), errc::unknown);
}

TEST_F(PoolTenants, APassedOnCallReservesItsBodyAndAllAnswersThatItAsksFor) {
  start_with({.tokens = 100'000});
  auto& engine = hold_engine("tiny-1", "tiny");
  auto asked = acme;
  asked.client_body = R"({"messages":[],"n":3,"tools":")" + std::string(5000, 'x') + "\"}";
  send(1, asked);
  ASSERT_THAT(engine.calls, SizeIs(1));
  EXPECT_EQ(engine.calls[0].attempt.read()->getAllowance().getTokens(),
            prompt_tokens_bound(asked.client_body.size(), 2) + 3 * 64);
}

TEST_F(PoolTenants, AnAttemptsOwnAllowanceStaysWhereItIsLess) {
  start_with({.tokens = 100'000});
  auto& engine = hold_engine("tiny-1", "tiny");
  auto asked = acme;
  asked.allowance = {155, 0};
  send(1, asked);
  EXPECT_EQ(engine.calls.at(0).attempt.read()->getAllowance().getTokens(), 155u);
}

TEST_F(PoolTenants, OthersAreNotLimited) {
  start_with({.tokens = 1});
  auto& engine = hold_engine("tiny-1", "tiny");
  auto other = acme;
  other.tenant = "other";
  send(1, other);
  other.tenant = "";
  send(2, other);
  EXPECT_THAT(engine.calls, SizeIs(2));
  EXPECT_FALSE(engine.calls[0].attempt.read()->hasAllowance());
}

TEST_F(PoolTenants, WhatIsSpentIsRefusedWithWhatToDo) {
  start_with({.tokens = 50});
  auto& engine = hold_engine("tiny-1", "tiny");
  send(1, acme);
  EXPECT_EQ(code(1), errc::budget_exceeded);
  EXPECT_THAT(error(1), HasSubstr("tenant 'acme'"));
  EXPECT_THAT(error(1), HasSubstr("never renewed"));
  EXPECT_THAT(engine.calls, IsEmpty());
  EXPECT_EQ(spent(), budget{});
}

TEST_F(PoolTenants, WhatIsOnlyReservedIsWaitedFor) {
  start_with({.tokens = 300});
  auto& engine = hold_engine("tiny-1", "tiny");
  send(1, acme);
  send(2, acme);
  EXPECT_EQ(code(2), errc::overloaded) << "back-pressure: its job tries again";
  engine.answer({.text = "3", .prompt_tokens = 9, .completion_tokens = 1});
  run();
  send(3, acme);
  EXPECT_THAT(engine.calls, SizeIs(1));
}

TEST_F(PoolTenants, ARefusedCallGivesItsReservationBack) {
  start_with({.tokens = 300});
  auto& first = hold_engine("tiny-1", "tiny");
  auto& second = hold_engine("tiny-2", "tiny");
  send(1, acme);
  first.answer({.code = errc::overloaded});
  run();
  ASSERT_THAT(second.calls, SizeIs(1)) << "there is room for one at a time";
  second.answer({.text = "x", .prompt_tokens = 1});
  run();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(spent().tokens, 1u);
  EXPECT_EQ(could_spend(299), errc::unknown);
}

TEST_F(PoolTenants, ACallThatNobodyWaitsForIsPaidForWhenItEnds) {
  start_with({.tokens = 300});
  auto& engine = hold_engine("tiny-1", "tiny");
  auto late = acme;
  late.timeout_ms = 100;
  send(1, late);
  pass(150ms);
  pass(1100ms);
  EXPECT_EQ(code(1), errc::deadline_exceeded);
  EXPECT_EQ(spent().tokens, 0u);
  EXPECT_EQ(could_spend(300), errc::overloaded) << "it may still cost something";
  engine.answer({.code = errc::cancelled, .prompt_tokens = 70});
  run();
  EXPECT_EQ(spent().tokens, 70u);
  EXPECT_EQ(could_spend(230), errc::unknown);
}

TEST_F(PoolTenants, AnEngineThatDiesLeavesNothingReserved) {
  start_with({.tokens = 300});
  auto engine = add_engine("tiny-1", "tiny");
  auto slow = acme;
  slow.prompt = "@sim {\"ms\":5000}";
  send(1, slow);
  caf::anon_send_exit(engine, caf::exit_reason::kill);
  run();
  EXPECT_EQ(code(1), errc::engine_failed);
  EXPECT_EQ(could_spend(300), errc::unknown);
}

TEST_F(PoolTenants, ANewPoolStartsWithoutTheOldOnesReservations) {
  start_with({.tokens = 300});
  auto& engine = hold_engine("tiny-1", "tiny");
  send(1, acme);
  EXPECT_EQ(could_spend(300), errc::overloaded);
  caf::anon_send_exit(pool_, caf::exit_reason::kill);
  run();
  pool_ = system_->spawn(executor_pool_behavior, executor_pool_config{}, router_, services_);
  actors_.push_back(caf::actor_cast<caf::actor>(pool_));
  run();
  EXPECT_EQ(could_spend(300), errc::unknown);
  engine.calls.clear();
}

TEST_F(PoolTenants, AJudgesCallIsItsTenantsToo) {
  start_with({.tokens = 100'000});
  auto& worker = hold_engine("tiny-1", "tiny");
  auto& judge = hold_engine("big-1", "big");
  auto asked = acme;
  asked.check_kind = "judge";
  asked.check_argument = "is a number";
  send(1, asked);
  worker.answer({.text = "42", .prompt_tokens = 10});
  run();
  ASSERT_THAT(judge.calls, SizeIs(1));
  EXPECT_TRUE(judge.calls[0].attempt.read()->hasAllowance());
  judge.answer({.text = R"({"pass":true,"score":1,"reason":""})", .prompt_tokens = 200});
  run();
  EXPECT_EQ(spent(), (budget{210, 10'000 + 200 * 10'000}));
}

TEST_F(PoolTenants, AnAnswerIsPaidForWhereThereIsNothingLeftForItsJudge) {
  start_with({.tokens = 300});
  auto& worker = hold_engine("tiny-1", "tiny");
  auto& judge = hold_engine("big-1", "big");
  auto asked = acme;
  asked.check_kind = "judge";
  asked.check_argument = "is a number";
  send(1, asked);
  worker.answer({.text = "42", .prompt_tokens = 10});
  run();
  EXPECT_EQ(code(1), errc::budget_exceeded);
  EXPECT_THAT(judge.calls, IsEmpty());
  EXPECT_EQ(tokens_of(1), 10u);
  EXPECT_EQ(spent().tokens, 10u);
}

TEST_F(PoolTenants, ALongProfileIsReservedToo) {
  models_[1].step_system = std::string(2'000, 's');
  models_[0].plan_system = std::string(3'000, 'p');
  models_[0].plan_prompt = "Plan this: {{goal}} in {{steps_max}} steps";
  start_with({.tokens = 1'000'000});
  add_engine("tiny-1", "tiny");
  add_engine("big-1", "big");
  send(1, acme);
  EXPECT_EQ(code(1), errc::unknown);
  auto plan = acme;
  plan.tier = "large";
  plan.purpose = schema::Purpose::PLAN;
  plan.prompt = std::string(5'000, 'g');
  send(2, plan);
  EXPECT_EQ(code(2), errc::unknown);
}

TEST_F(PoolTenants, ATemplateThatNamesTheGoalTwiceIsReservedTwice) {
  models_[0].plan_prompt = "Plan this: {{goal}}\nOnce more: {{goal}}";
  start_with({.tokens = 1'000'000});
  add_engine("big-1", "big");
  auto plan = acme;
  plan.tier = "large";
  plan.purpose = schema::Purpose::PLAN;
  plan.prompt = std::string(5'000, 'g');
  send(1, plan);
  EXPECT_EQ(code(1), errc::unknown) << error(1);
}

/// Many at once, with engines that refuse, fail, are slow, lie, and are cancelled.
class PoolTenantsChaos : public PoolTenants {
 protected:
  void attack(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    auto below = [&](std::uint64_t n) { return random() % n; };
    const std::uint64_t limit = 3'000 + below(20'000);
    const auto cost_limit = static_cast<std::int64_t>(limit) * 3'000;
    start_with({.tokens = limit, .cost_usd = static_cast<double>(cost_limit) * 1e-9},
               {.hedging = {.share = 0.5, .delay_min = 5ms}});
    std::uint32_t number = 0;
    for (const auto* name : {"tiny-1", "tiny-2", "big-1", "big-2"}) {
      engine_config engine{.name = name, .kind = "sim", .concurrency = 3, .queue_max = 5};
      engine.model = engine.name.substr(0, engine.name.find('-'));
      engine.sim = {.seed = seed,
                    .error_rate = 0.1,
                    .overload_rate = 0.1,
                    .stall_rate = 0.05,
                    .cut_rate = 0.1,
                    .slow_rate = 0.1,
                    .usage_factor = static_cast<double>(below(4)),
                    .retry_after = 20ms};
      engine.breaker.failures = 3;
      engine.breaker.pause = 50ms;
      add_engine(engine);
    }
    for (int round = 0; round < 60; ++round) {
      for (auto burst = below(8); burst > 0; --burst) {
        wish asked{.prompt = "@sim {\"ms\":" + std::to_string(below(40)) +
                             ",\"tokens\":" + std::to_string(below(60)) + "}",
                   .timeout_ms = 20 + below(200),
                   .tenant = "acme",
                   .max_tokens = static_cast<std::uint32_t>(1 + below(100)),
                   .hedge = below(2) == 0};
        if (below(4) == 0) {
          asked.check_kind = "judge";
          asked.check_argument =
              R"(is good @sim {"ms":5,"reply":"{\"pass\":true,\"score\":1,\"reason\":\"\"}"})";
        }
        send(++number, asked);
      }
      if (number > 0 && below(3) == 0) cancel(1 + static_cast<std::uint32_t>(below(number)));
      pass(std::chrono::milliseconds{below(30)});
      ASSERT_LE(spent().tokens, limit);
      ASSERT_LE(spent().cost_nanousd, cost_limit);
    }
    for (int i = 0; i < 20; ++i) pass(500ms);
    check(number, limit);
  }

  void check(std::uint32_t sent, std::uint64_t limit) {
    ASSERT_EQ(results_.size(), sent) << "every attempt is answered";
    budget told;
    int good = 0;
    for (const auto& [number, result] : results_) {
      auto reader = result.read();
      auto usage = reader->getUsage();
      told.tokens += usage.getPromptTokens() + usage.getCompletionTokens();
      told.cost_nanousd += usage.getCostNanousd();
      if (code(number) == errc::unknown) ++good;
    }
    EXPECT_EQ(told, spent()) << "what jobs are told is what tenants are charged";
    EXPECT_GT(good, 3);
    // Nothing stays reserved.
    EXPECT_EQ(could_spend(limit - spent().tokens), errc::unknown);
    for (auto& [name, engine] : engines_) {
      auto status = engine_status(name);
      EXPECT_EQ(status.read()->getInFlight(), 0u) << name;
      EXPECT_EQ(status.read()->getServerRunning(), 0u) << name;
    }
  }
};

class PoolTenantsSeeds : public PoolTenantsChaos, public ::testing::WithParamInterface<int> {};

TEST_P(PoolTenantsSeeds, NeverSpendMoreThanTheirBudgetAndAreChargedForAllOfIt) {
  attack(static_cast<std::uint64_t>(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Seeds, PoolTenantsSeeds, ::testing::Range(1, 41));

}  // namespace
}  // namespace tandem::testing
