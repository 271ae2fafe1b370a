#include "actors/weight_sync/roll_machine.hpp"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace tandem {
namespace {

using schema::EnginePhase;
using schema::OrderAction;
using schema::RollPhase;

/// A fleet that does what it is ordered, in virtual time.
class fleet {
 public:
  struct engine {
    std::string node;
    std::string name;
    std::string version = "1";
    bool gated = false;
    bool up = true;
    std::string fails_at;
    /// It is taken out of its node while it loads.
    bool leaves = false;
  };

  std::vector<engine> engines;
  std::set<std::string> dead;
  std::set<std::string> have;
  std::map<std::string, std::uint64_t> pins;
  bool pins_known = true;
  std::uint64_t now = 1000;
  std::size_t most_away = 0;
  service_figures canaries, others;

  [[nodiscard]] fleet_view view() const {
    fleet_view out{.now_ms = now};
    for (const auto& each : engines) {
      out.alive.insert(each.node);
      if (!dead.contains(each.node))
        out.engines.push_back({each.node, each.name, each.version, each.up, each.gated, {}});
    }
    for (const auto& node : dead) out.alive.erase(node);
    out.have = have;
    if (pins_known) out.pins = pins;
    out.canaries = canaries;
    out.others = others;
    return out;
  }

  engine& find(const std::string& node, const std::string& name) {
    return *std::find_if(engines.begin(), engines.end(),
                         [&](const auto& each) { return each.node == node && each.name == name; });
  }

  /// Carries one order out, at once.
  void carry_out(roll_machine& machine, const roll_order& order) {
    if (dead.contains(order.node)) return;
    if (order.action == OrderAction::FETCH) {
      have.insert(order.node);
      machine.on_outcome(order, errc::unknown, {}, now);
    } else if (order.action == OrderAction::HOLD) {
      find(order.node, order.engine).gated = true;
      machine.on_outcome(order, errc::unknown, {}, now);
    } else if (order.action == OrderAction::UPDATE) {
      auto& at = find(order.node, order.engine);
      if (at.leaves) {
        machine.on_outcome(order, errc::cancelled, "it was taken out", now);
        std::erase_if(engines, [&](const auto& each) { return &each == &at; });
        return;
      }
      if (at.fails_at == order.version) {
        at.gated = true;
        machine.on_outcome(order, errc::engine_failed, "it serves the old version", now);
        return;
      }
      at.version = order.version;
      at.gated = false;
      machine.on_outcome(order, errc::unknown, {}, now);
    }
  }

  /// Until it is over, or nothing moves any more.
  void run(roll_machine& machine, int steps = 200) {
    for (int i = 0; i < steps && !machine.record().is_over(); ++i) {
      auto orders = machine.step(view());
      std::size_t away = 0;
      for (const auto& each : machine.record().engines)
        away += each.phase == EnginePhase::LOADING || each.phase == EnginePhase::DRAINING;
      most_away = std::max(most_away, away);
      for (const auto& each : orders) carry_out(machine, each);
      now += 1000;
    }
  }

  [[nodiscard]] std::size_t at(const std::string& version) const {
    return static_cast<std::size_t>(std::count_if(engines.begin(), engines.end(), [&](auto& each) {
      return each.version == version && !each.gated;
    }));
  }
};

fleet make_fleet(int nodes, int engines_each) {
  fleet out;
  for (int n = 0; n < nodes; ++n)
    for (int e = 0; e < engines_each; ++e)
      out.engines.push_back({"n" + std::to_string(n), "e" + std::to_string(e)});
  return out;
}

roll_record new_roll(const fleet& of, roll_options options = {}) {
  roll_record out{.id = 7, .model = "small", .version = "2", .before = "1", .epoch = 5};
  out.options = std::move(options);
  add_engines(out, of.view().engines);
  return out;
}

TEST(RollMachine, TakesEveryEngineToTheVersionWithinWhatMayBeAway) {
  auto of = make_fleet(4, 4);
  roll_machine machine{new_roll(of, {.max_unavailable = 3})};
  of.run(machine);
  EXPECT_EQ(machine.record().phase, RollPhase::DONE);
  EXPECT_EQ(of.at("2"), 16u);
  EXPECT_EQ(of.most_away, 3u);
  EXPECT_EQ(machine.wanted(), "2");
}

TEST(RollMachine, TouchesNoEngineBeforeEveryNodeHasTheVersion) {
  auto of = make_fleet(2, 1);
  of.have.insert("n0");
  roll_machine machine{new_roll(of)};
  auto orders = machine.step(of.view());
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].action, OrderAction::FETCH);
  EXPECT_EQ(orders[0].node, "n1");
  EXPECT_EQ(machine.record().phase, RollPhase::FETCHING);
  EXPECT_FALSE(machine.wanted());
}

TEST(RollMachine, GoesBackWithoutTouchingAnythingWhenANodeCannotFetch) {
  auto of = make_fleet(2, 1);
  roll_machine machine{new_roll(of)};
  auto orders = machine.step(of.view());
  machine.on_outcome(orders[0], errc::storage_failed, "the disk is full", of.now);
  of.run(machine);
  EXPECT_EQ(machine.record().phase, RollPhase::ROLLED_BACK);
  EXPECT_NE(machine.record().reason.find("the disk is full"), std::string::npos);
  EXPECT_EQ(of.at("1"), 2u);
}

TEST(RollMachine, TakesBackWhatWasChangedWhenAnEngineFails) {
  auto of = make_fleet(3, 1);
  of.engines[2].fails_at = "2";
  roll_machine machine{new_roll(of)};
  auto epoch = machine.record().epoch;
  of.run(machine);
  EXPECT_EQ(machine.record().phase, RollPhase::ROLLED_BACK);
  EXPECT_EQ(of.at("1"), 3u);
  EXPECT_GT(machine.record().epoch, epoch);
  EXPECT_NE(machine.record().reason.find("e0@n2"), std::string::npos) << machine.record().reason;
  EXPECT_EQ(machine.wanted(), "1");
}

TEST(RollMachine, AnEngineThatIsTakenOutWhileItLoadsIsNoFailure) {
  auto of = make_fleet(2, 2);
  of.find("n0", "e1").leaves = true;
  roll_machine machine{new_roll(of)};
  of.run(machine);
  EXPECT_EQ(machine.record().phase, RollPhase::DONE) << machine.record().reason;
  EXPECT_EQ(of.at("2"), 3u);
  EXPECT_EQ(machine.record().engines.size(), 3u);
}

TEST(RollMachine, StaysGatedAndSaysSoWhenGoingBackFailsToo) {
  auto of = make_fleet(3, 1);
  of.engines[1].fails_at = "2";
  roll_machine machine{new_roll(of)};
  for (int i = 0; i < 50 && machine.record().phase != RollPhase::ROLLING_BACK; ++i) {
    for (const auto& each : machine.step(of.view())) of.carry_out(machine, each);
    of.now += 1000;
  }
  of.engines[0].fails_at = "1";
  of.run(machine);
  EXPECT_EQ(machine.record().phase, RollPhase::GATED);
  EXPECT_NE(machine.record().reason.find("going back failed too"), std::string::npos);
  EXPECT_NE(machine.record().reason.find("e0@n0"), std::string::npos) << machine.record().reason;
  EXPECT_TRUE(of.engines[0].gated);
}

TEST(RollMachine, HoldsTheLastEngineOfAVersionWhileJobsStayWithIt) {
  auto of = make_fleet(1, 2);
  of.pins["1"] = 3;
  roll_machine machine{new_roll(of, {.drain_ms = 60'000})};
  for (int i = 0; i < 10; ++i) {
    for (const auto& each : machine.step(of.view())) of.carry_out(machine, each);
    of.now += 1000;
  }
  EXPECT_EQ(of.engines[0].version, "2");
  EXPECT_EQ(machine.record().engines[1].phase, EnginePhase::DRAINING);
  of.pins.clear();
  of.run(machine);
  EXPECT_EQ(machine.record().phase, RollPhase::DONE);
  EXPECT_EQ(of.at("2"), 2u);
}

TEST(RollMachine, GoesOnAtTheDrainsDeadlineWhateverJobsHold) {
  auto of = make_fleet(1, 1);
  of.pins["1"] = 3;
  roll_machine machine{new_roll(of, {.drain_ms = 20'000})};
  of.run(machine, 15);
  EXPECT_EQ(machine.record().engines[0].phase, EnginePhase::DRAINING);
  of.run(machine, 30);
  EXPECT_EQ(machine.record().phase, RollPhase::DONE);
}

TEST(RollMachine, GoesOnWithoutANodeThatIsGoneAndTakesItInWhenItIsBack) {
  auto of = make_fleet(3, 1);
  of.dead.insert("n1");
  roll_machine machine{new_roll(make_fleet(3, 1))};
  of.pins_known = false;
  of.run(machine, 8);
  of.dead.clear();
  of.run(machine);
  EXPECT_EQ(machine.record().phase, RollPhase::DONE);
  EXPECT_EQ(of.at("2"), 3u);

  auto lost = make_fleet(3, 1);
  lost.dead.insert("n1");
  roll_machine without{new_roll(make_fleet(3, 1))};
  lost.run(without);
  EXPECT_EQ(without.record().phase, RollPhase::DONE);
  EXPECT_EQ(without.record().engines[1].phase, EnginePhase::AWAY);
  EXPECT_EQ(without.wanted(), "2");
}

TEST(RollMachine, LetsCanariesBeJudgedBeforeTheOthersFollow) {
  auto of = make_fleet(4, 1);
  roll_machine machine{new_roll(of, {.canaries = 2, .judge_ms = 10'000, .judge_requests = 10})};
  of.run(machine, 8);
  EXPECT_EQ(machine.record().phase, RollPhase::JUDGING);
  EXPECT_EQ(of.at("2"), 2u);
  of.canaries = {.requests = 100, .failures = 0, .busy_us = 1'000'000};
  of.others = of.canaries;
  of.run(machine);
  EXPECT_EQ(machine.record().phase, RollPhase::DONE);
  EXPECT_EQ(of.at("2"), 4u);
}

TEST(RollMachine, ReplacesACanaryWhoseNodeIsGone) {
  auto of = make_fleet(4, 1);
  roll_machine machine{new_roll(of, {.canaries = 1, .judge_ms = 10'000, .judge_requests = 10})};
  of.dead.insert("n0");
  of.run(machine, 8);
  EXPECT_EQ(machine.record().phase, RollPhase::JUDGING);
  EXPECT_EQ(of.at("2"), 1u);
  of.dead.clear();
  of.canaries = {.requests = 100, .busy_us = 1'000'000};
  of.others = of.canaries;
  of.run(machine);
  EXPECT_EQ(machine.record().phase, RollPhase::DONE);
  EXPECT_EQ(of.at("2"), 4u);
}

TEST(RollMachine, TakesCanariesBackThatFailMore) {
  auto of = make_fleet(4, 1);
  roll_machine machine{new_roll(of, {.canaries = 1, .judge_ms = 10'000, .judge_requests = 10})};
  of.run(machine, 8);
  of.canaries = {.requests = 100, .failures = 20, .busy_us = 1'000'000};
  of.others = {.requests = 300, .failures = 1, .busy_us = 3'000'000};
  of.run(machine);
  EXPECT_EQ(machine.record().phase, RollPhase::ROLLED_BACK);
  EXPECT_EQ(of.at("1"), 4u);
  EXPECT_NE(machine.record().reason.find("they fail more"), std::string::npos);
}

TEST(RollMachine, GoesBackWhenStoppedByHand) {
  auto of = make_fleet(4, 1);
  roll_machine machine{new_roll(of)};
  of.run(machine, 4);
  EXPECT_GT(of.at("2"), 0u);
  machine.stop("stopped by hand");
  of.run(machine);
  EXPECT_EQ(machine.record().phase, RollPhase::ROLLED_BACK);
  EXPECT_EQ(of.at("1"), 4u);
}

TEST(RollMachine, AnotherCoordinatorGoesOnFromTheRecordAlone) {
  for (int at = 0; at < 12; ++at) {
    auto of = make_fleet(4, 1);
    roll_machine first{new_roll(of, {.canaries = 1, .judge_ms = 2000, .judge_requests = 1})};
    of.canaries.requests = of.others.requests = 100;
    of.run(first, at);
    roll_machine second{first.record()};
    second.take_over("n3", 9, first.record().epoch + 1);
    of.run(second);
    EXPECT_EQ(second.record().phase, RollPhase::DONE) << at;
    EXPECT_EQ(of.at("2"), 4u) << at;
  }
}

TEST(RollMachine, TakesAnOutcomeForNewerThanTheNewsThatItHasOfTheEngine) {
  auto of = make_fleet(1, 1);
  roll_machine machine{new_roll(of)};
  for (const auto& each : machine.step(of.view())) of.carry_out(machine, each);
  of.engines[0].gated = true;
  auto orders = machine.step(of.view());
  ASSERT_EQ(orders.size(), 1u);
  ASSERT_EQ(orders[0].action, OrderAction::UPDATE);
  machine.on_outcome(orders[0], errc::unknown, {}, of.now);
  of.now += 100;
  static_cast<void>(machine.step(of.view()));
  EXPECT_EQ(machine.record().phase, RollPhase::DONE);
}

TEST(RollMachine, NeedsNoOutcomeOfAnEngineThatIsSeenAtItsTarget) {
  auto of = make_fleet(1, 1);
  roll_machine machine{new_roll(of)};
  for (const auto& each : machine.step(of.view())) of.carry_out(machine, each);
  static_cast<void>(machine.step(of.view()));
  of.engines[0].version = "2";
  static_cast<void>(machine.step(of.view()));
  EXPECT_EQ(machine.record().phase, RollPhase::DONE);
}

TEST(RollMachine, EndsAtOneVersionEverywhereWhateverFails) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random{seed};
    auto of = make_fleet(1 + static_cast<int>(random() % 4), 1 + static_cast<int>(random() % 3));
    roll_options options{.max_unavailable = 1 + static_cast<std::uint32_t>(random() % 3),
                         .canaries = static_cast<std::uint32_t>(random() % 3),
                         .judge_ms = 3000,
                         .judge_requests = 1,
                         .drain_ms = 5000,
                         .load_ms = 20'000};
    of.canaries.requests = of.others.requests = 10;
    if (random() % 2 == 0) of.engines[random() % of.engines.size()].fails_at = "2";
    roll_machine machine{new_roll(of, options)};
    for (int i = 0; i < 4000 && !machine.record().is_over(); ++i) {
      // Some orders get lost, nodes and coordinators come and go, jobs begin and end.
      for (const auto& each : machine.step(of.view()))
        if (random() % 3 != 0) of.carry_out(machine, each);
      if (random() % 20 == 0) of.dead.insert(of.engines[random() % of.engines.size()].node);
      if (random() % 4 == 0) of.dead.clear();
      if (random() % 40 == 0) {
        auto record = machine.record();
        machine = roll_machine{record};
        machine.take_over("other", i, record.epoch + 1);
      }
      of.pins["1"] = random() % 3;
      of.pins_known = random() % 4 != 0;
      of.now += 500;
    }
    ASSERT_TRUE(machine.record().is_over()) << seed;
    ASSERT_NE(machine.record().phase, RollPhase::GATED) << seed;
    auto wanted = machine.record().phase == RollPhase::DONE ? "2" : "1";
    for (std::size_t i = 0; i < machine.record().engines.size(); ++i) {
      const auto& each = machine.record().engines[i];
      // Whoever is away catches up by itself.
      if (each.phase == EnginePhase::AWAY) continue;
      const auto& real = of.find(each.node, each.name);
      ASSERT_EQ(real.version, wanted) << seed << ' ' << each.name << '@' << each.node;
      ASSERT_FALSE(real.gated) << seed;
    }
  }
}

TEST(RollMachine, SaysWhyItCannotBegin) {
  EXPECT_NE(why_not_roll({}, "small", "2").find("no engine"), std::string::npos);
  EXPECT_NE(why_not_roll({{"n", "e", "1", true, false, "it is a recording"}}, "small", "2")
                .find("it is a recording"),
            std::string::npos);
  EXPECT_NE(why_not_roll({{"n", "e", "2", true, false, ""}}, "small", "2").find("already"),
            std::string::npos);
  EXPECT_EQ(why_not_roll({{"n", "e", "1", true, false, ""}}, "small", "2"), "");
}

}  // namespace
}  // namespace tandem
