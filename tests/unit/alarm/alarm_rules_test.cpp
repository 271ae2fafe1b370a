#include "actors/alarm/alarm_rules.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/metrics/view_builder.hpp"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint64_t second = 1000;
constexpr std::uint64_t minute = 60 * second;
constexpr std::uint64_t hour = 60 * minute;
constexpr std::uint64_t start_ms = 1'700'000'000'000;

/// One node after the other look, at a time that the test moves.
class AlarmRules : public ::testing::Test {
 protected:
  using topology = message_builder<schema::Topology>;

  /// Names of what begins and ends: `+EngineDown small-0`, `-NodeGone b`.
  std::vector<std::string> look(alarm_view view) {
    view.now_ms = now_ms_;
    changes_ = rules_->look(view);
    std::vector<std::string> names;
    auto add = [&names](char sign, const alarm& what) {
      names.push_back(sign + what.name + (what.subject.empty() ? "" : " " + what.subject));
    };
    for (const auto& each : changes_.begun) add('+', each);
    for (const auto& each : changes_.ended) add('-', each.what);
    return names;
  }

  std::vector<std::string> look_at_engine(schema::Health health,
                                          schema::Breaker breaker = schema::Breaker::CLOSED,
                                          bool has_stand_in = true) {
    topology made;
    auto engines = made->initNodes(1)[0].initEngines(has_stand_in ? 2 : 1);
    engines[0].setName("small-0");
    engines[0].setModel("small");
    engines[0].setHealth(health);
    engines[0].setBreaker(breaker);
    engines[0].setLastError("connection refused");
    if (has_stand_in) {
      engines[1].setName("small-1");
      engines[1].setModel("small");
      engines[1].setHealth(schema::Health::HEALTHY);
    }
    return look({.topology = made.finish()});
  }

  std::vector<std::string> look_at_member(schema::MemberState state, bool waits = false) {
    topology made;
    auto nodes = made->initNodes(2);
    nodes[0].setName("a");
    nodes[0].initMember().setState(schema::MemberState::ALIVE);
    nodes[1].setName("b");
    nodes[1].initMember().setState(state);
    nodes[1].getMember().setSinceMs(start_ms - minute);
    if (waits) {
      auto waiting = made->initWaiting(1)[0];
      waiting.setJournal(7);
      waiting.setNode("b");
    }
    return look({.topology = made.finish()});
  }

  std::vector<std::string> look_at_sums(std::uint64_t attempts, std::uint64_t failed,
                                        double cost = 0) {
    return look({.sums = {attempts, failed, cost}});
  }

  std::vector<std::string> look_at_weights(const std::vector<std::string>& versions,
                                           schema::RollPhase phase = schema::RollPhase::DONE,
                                           std::uint64_t began_ms = 1) {
    topology made;
    auto engines = made->initNodes(1)[0].initEngines(static_cast<unsigned>(versions.size()));
    for (unsigned i = 0; i < engines.size(); ++i) {
      engines[i].setName("small-" + std::to_string(i));
      engines[i].setModel("small");
      engines[i].setHealth(schema::Health::HEALTHY);
      engines[i].setWeightVersion(versions[i]);
    }
    return look({.topology = made.finish(), .weights = testing::make_weights(phase, began_ms)});
  }

  std::vector<std::string> look_at_mailbox(std::uint32_t depth) {
    topology made;
    auto actor = made->initNodes(1)[0].initActors(1)[0];
    actor.setName("router");
    actor.setMailboxDepth(depth);
    return look({.topology = made.finish()});
  }

  void pass(std::uint64_t time) { now_ms_ += time; }
  void configure(const alarm_config& config) { rules_ = std::make_unique<alarm_rules>(config); }

  std::uint64_t now_ms_ = start_ms;
  alarm_config config_;
  std::unique_ptr<alarm_rules> rules_ = std::make_unique<alarm_rules>(config_);
  alarm_changes changes_;
};

TEST_F(AlarmRules, TellOfALostNodeAtOnceAndOfItsReturn) {
  EXPECT_THAT(look_at_member(schema::MemberState::ALIVE), IsEmpty());
  EXPECT_THAT(look_at_member(schema::MemberState::SUSPECT), IsEmpty());
  EXPECT_THAT(look_at_member(schema::MemberState::GONE), ElementsAre("+NodeGone b"));
  ASSERT_THAT(rules_->active(), SizeIs(1));
  EXPECT_EQ(rules_->active()[0].severity, schema::AlarmSeverity::CRITICAL);
  EXPECT_EQ(rules_->active()[0].since_ms, start_ms - minute);
  EXPECT_THAT(rules_->active()[0].text, HasSubstr("Start it again"));
  EXPECT_THAT(look_at_member(schema::MemberState::GONE), IsEmpty());
  // Heard of, but not yet well.
  EXPECT_THAT(look_at_member(schema::MemberState::SUSPECT), IsEmpty());
  EXPECT_THAT(look_at_member(schema::MemberState::ALIVE), ElementsAre("-NodeGone b"));
}

TEST_F(AlarmRules, LetNodesLeaveInPeace) {
  EXPECT_THAT(look_at_member(schema::MemberState::LEFT), IsEmpty());
}

TEST_F(AlarmRules, TakeARestartedNodeForTheSameOne) {
  topology made;
  auto nodes = made->initNodes(2);
  for (unsigned i = 0; i < 2; ++i) {
    nodes[i].setName("b");
    nodes[i].initMember().setState(i == 0 ? schema::MemberState::ALIVE : schema::MemberState::GONE);
  }
  EXPECT_THAT(look({.topology = made.finish()}), IsEmpty());
}

TEST_F(AlarmRules, TellOfAJournalThatWaitsForLonger) {
  EXPECT_THAT(look_at_member(schema::MemberState::LEFT, true), IsEmpty());
  pass(10 * second);
  EXPECT_THAT(look_at_member(schema::MemberState::LEFT, true),
              ElementsAre(::testing::StartsWith("+JournalWaiting ")));
  EXPECT_THAT(look_at_member(schema::MemberState::LEFT, false),
              ElementsAre(::testing::StartsWith("-JournalWaiting ")));
}

TEST_F(AlarmRules, GiveAnEngineAMomentToRecover) {
  EXPECT_THAT(look_at_engine(schema::Health::UNHEALTHY), IsEmpty());
  pass(5 * second);
  EXPECT_THAT(look_at_engine(schema::Health::HEALTHY), IsEmpty());
  pass(5 * second);
  EXPECT_THAT(look_at_engine(schema::Health::UNHEALTHY), IsEmpty());
  pass(5 * second);
  EXPECT_THAT(look_at_engine(schema::Health::HEALTHY, schema::Breaker::OPEN), IsEmpty());
  pass(5 * second);
  EXPECT_THAT(look_at_engine(schema::Health::UNHEALTHY), ElementsAre("+EngineDown small-0"));
  EXPECT_EQ(changes_.begun[0].severity, schema::AlarmSeverity::WARNING);
  EXPECT_THAT(changes_.begun[0].text, HasSubstr("connection refused"));
  // Back for a moment is not back.
  EXPECT_THAT(look_at_engine(schema::Health::HEALTHY), IsEmpty());
  pass(5 * second);
  EXPECT_THAT(look_at_engine(schema::Health::UNHEALTHY), IsEmpty());
  EXPECT_THAT(look_at_engine(schema::Health::HEALTHY), IsEmpty());
  pass(10 * second);
  EXPECT_THAT(look_at_engine(schema::Health::HEALTHY), ElementsAre("-EngineDown small-0"));
  EXPECT_THAT(rules_->active(), IsEmpty());
}

TEST_F(AlarmRules, TakeTheLastEngineOfAModelMoreSeriously) {
  EXPECT_THAT(look_at_engine(schema::Health::UNHEALTHY, schema::Breaker::OPEN, false), IsEmpty());
  pass(10 * second);
  EXPECT_THAT(look_at_engine(schema::Health::UNHEALTHY, schema::Breaker::OPEN, false),
              ElementsAre("+EngineDown small-0"));
  EXPECT_EQ(changes_.begun[0].severity, schema::AlarmSeverity::CRITICAL);
}

TEST_F(AlarmRules, ForgetAnEngineThatWasRemoved) {
  EXPECT_THAT(look_at_engine(schema::Health::UNHEALTHY), IsEmpty());
  pass(10 * second);
  EXPECT_THAT(look_at_engine(schema::Health::UNHEALTHY), SizeIs(1));
  topology none;
  none->initNodes(1);
  auto nothing = none.finish();
  EXPECT_THAT(look({.topology = nothing}), IsEmpty());
  pass(10 * second);
  EXPECT_THAT(look({.topology = nothing}), ElementsAre("-EngineDown small-0"));
}

TEST_F(AlarmRules, KeepAnAlarmWhileNobodyKnows) {
  EXPECT_THAT(look_at_member(schema::MemberState::GONE), SizeIs(1));
  pass(hour);
  EXPECT_THAT(look({}), IsEmpty());
  EXPECT_THAT(rules_->active(), SizeIs(1));
}

TEST_F(AlarmRules, CountFlapsOfHealthButNotWhatIsDueToUs) {
  auto look_at_changes = [this](const std::vector<schema::Health>& healths, std::uint64_t first) {
    topology made;
    auto engine = made->initNodes(1)[0].initEngines(1)[0];
    engine.setName("small-0");
    engine.setHealth(schema::Health::HEALTHY);
    auto list = engine.initChanges(static_cast<unsigned>(healths.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setHealth(healths[i]);
      list[i].setAtMs(first + i * second);
    }
    return look({.topology = made.finish()});
  };
  using schema::Health;
  std::vector<Health> busy;
  std::vector<Health> flaps;
  for (int i = 0; i < 8; ++i) {
    busy.push_back(i % 2 == 0 ? Health::BUSY : Health::HEALTHY);
    flaps.push_back(i % 2 == 0 ? Health::UNHEALTHY : Health::HEALTHY);
  }
  EXPECT_THAT(look_at_changes(busy, start_ms), IsEmpty());
  EXPECT_THAT(look_at_changes(flaps, start_ms + minute), ElementsAre("+EngineFlapping small-0"));
  // The same list again is nothing new.
  pass(9 * minute);
  EXPECT_THAT(look_at_changes(flaps, start_ms + minute), IsEmpty());
  pass(3 * minute);
  EXPECT_THAT(look_at_changes(flaps, start_ms + minute), ElementsAre("-EngineFlapping small-0"));
}

TEST_F(AlarmRules, WatchTheShareOfFailuresOfFiveMinutes) {
  EXPECT_THAT(look_at_sums(1000, 10), IsEmpty());
  pass(minute);
  // Too few to say anything.
  EXPECT_THAT(look_at_sums(1010, 20), IsEmpty());
  pass(minute);
  EXPECT_THAT(look_at_sums(1100, 20), ElementsAre("+ErrorBudgetBurn"));
  EXPECT_EQ(changes_.begun[0].severity, schema::AlarmSeverity::WARNING);
  // 4 % is below the limit and above half of it: it stays.
  pass(minute);
  EXPECT_THAT(look_at_sums(1250, 20), IsEmpty());
  EXPECT_THAT(rules_->active(), SizeIs(1));
  pass(minute);
  EXPECT_THAT(look_at_sums(2000, 20), IsEmpty());
  pass(minute);
  EXPECT_THAT(look_at_sums(2100, 20), ElementsAre("-ErrorBudgetBurn"));
}

TEST_F(AlarmRules, AreGraveWhenHalfOfAllFails) {
  EXPECT_THAT(look_at_sums(0, 0), IsEmpty());
  pass(minute);
  EXPECT_THAT(look_at_sums(100, 80), ElementsAre("+ErrorBudgetBurn"));
  EXPECT_EQ(changes_.begun[0].severity, schema::AlarmSeverity::CRITICAL);
}

TEST_F(AlarmRules, WatchTheCostOfAnHour) {
  config_.cost_usd_per_h_max = 10;
  configure(config_);
  EXPECT_THAT(look_at_sums(0, 0, 100), IsEmpty());
  pass(50 * minute);
  EXPECT_THAT(look_at_sums(0, 0, 109), IsEmpty());
  pass(5 * minute);
  EXPECT_THAT(look_at_sums(0, 0, 111), ElementsAre("+CostOverBudget"));
  EXPECT_THAT(changes_.begun[0].text, HasSubstr("$11.00"));
  // An hour later what was spent then no longer counts.
  pass(hour + minute);
  EXPECT_THAT(look_at_sums(0, 0, 111), ElementsAre("-CostOverBudget"));
}

TEST_F(AlarmRules, HaveNoOpinionOnCostWithoutALimit) {
  EXPECT_THAT(look_at_sums(0, 0, 0), IsEmpty());
  pass(minute);
  EXPECT_THAT(look_at_sums(0, 0, 1e6), IsEmpty());
}

TEST_F(AlarmRules, TellOfMixedWeightsThatNoUpdateExplains) {
  EXPECT_THAT(look_at_weights({"v1", "v2"}, schema::RollPhase::ROLLING), IsEmpty());
  pass(hour);
  EXPECT_THAT(look_at_weights({"v1", "v2"}, schema::RollPhase::ROLLING), IsEmpty());
  EXPECT_THAT(look_at_weights({"v1", "v2"}), IsEmpty());
  pass(10 * minute);
  EXPECT_THAT(look_at_weights({"v1", "v2"}), ElementsAre("+MixedWeights small"));
  EXPECT_THAT(changes_.begun[0].text, HasSubstr("v1, v2"));
  EXPECT_THAT(look_at_weights({"v2", "v2"}), ElementsAre("-MixedWeights small"));
}

TEST_F(AlarmRules, TellOfAnUpdateThatFailedUntilTheNextOne) {
  EXPECT_THAT(look_at_weights({"v1"}, schema::RollPhase::ROLLED_BACK, 5),
              ElementsAre("+WeightUpdateFailed small"));
  EXPECT_THAT(changes_.begun[0].text, HasSubstr("the canary was worse"));
  EXPECT_EQ(changes_.begun[0].severity, schema::AlarmSeverity::WARNING);
  EXPECT_THAT(look_at_weights({"v1"}, schema::RollPhase::ROLLING, 6),
              ElementsAre("-WeightUpdateFailed small"));
  EXPECT_THAT(look_at_weights({"v1"}, schema::RollPhase::GATED, 6),
              ElementsAre("+WeightUpdateFailed small"));
  EXPECT_EQ(changes_.begun[0].severity, schema::AlarmSeverity::CRITICAL);
}

TEST_F(AlarmRules, TellOfNearPlansThatDidHarm) {
  EXPECT_THAT(look({.cache = testing::make_cache()}), ElementsAre("+CacheHarm large"));
}

TEST_F(AlarmRules, LookAtTheCertificate) {
  EXPECT_THAT(look({.certificate_ends_at_ms = start_ms + 15 * 24 * hour}), IsEmpty());
  EXPECT_THAT(look({.certificate_ends_at_ms = start_ms + 13 * 24 * hour}),
              ElementsAre("+CertificateExpiry"));
  EXPECT_THAT(look({.certificate_ends_at_ms = start_ms + 365 * 24 * hour}),
              ElementsAre("-CertificateExpiry"));
  EXPECT_THAT(look({.certificate_ends_at_ms = start_ms - 1}), ElementsAre("+CertificateExpiry"));
  EXPECT_EQ(changes_.begun[0].severity, schema::AlarmSeverity::CRITICAL);
  EXPECT_THAT(changes_.begun[0].text, HasSubstr("has ended"));
}

TEST_F(AlarmRules, WaitBeforeTheySayThatAMailboxGrows) {
  EXPECT_THAT(look_at_mailbox(2000), IsEmpty());
  pass(20 * second);
  // It was a burst.
  EXPECT_THAT(look_at_mailbox(600), IsEmpty());
  pass(20 * second);
  EXPECT_THAT(look_at_mailbox(2000), IsEmpty());
  pass(30 * second);
  EXPECT_THAT(look_at_mailbox(2000), ElementsAre("+MailboxGrowing router"));
  EXPECT_THAT(look_at_mailbox(600), IsEmpty());
  EXPECT_THAT(look_at_mailbox(10), ElementsAre("-MailboxGrowing router"));
}

TEST_F(AlarmRules, SayWhenTheDiskBecomesFull) {
  constexpr std::uint64_t gib = std::uint64_t{1} << 30;
  auto look_at_disk = [this](std::uint64_t free, std::uint64_t size) {
    return look({.disk_free_bytes = free, .disk_size_bytes = size});
  };
  EXPECT_THAT(look_at_disk(10 * gib, 100 * gib), IsEmpty());
  EXPECT_THAT(look_at_disk(4 * gib, 100 * gib), ElementsAre("+DiskLow"));
  // Not far enough from where it began.
  EXPECT_THAT(look_at_disk(5 * gib + gib / 4, 100 * gib), IsEmpty());
  EXPECT_THAT(look_at_disk(6 * gib, 100 * gib), ElementsAre("-DiskLow"));
  // A twentieth of a large disk is enough for long.
  EXPECT_THAT(look_at_disk(100 * gib, 10'000 * gib), IsEmpty());
  EXPECT_THAT(look_at_disk(gib / 8, 100 * gib), ElementsAre("+DiskLow"));
  EXPECT_EQ(changes_.begun[0].severity, schema::AlarmSeverity::CRITICAL);
}

TEST_F(AlarmRules, SurviveAClockThatIsSetBack) {
  EXPECT_THAT(look_at_engine(schema::Health::UNHEALTHY), IsEmpty());
  now_ms_ -= hour;
  EXPECT_THAT(look_at_engine(schema::Health::UNHEALTHY), IsEmpty());
  EXPECT_THAT(look_at_sums(10, 0), IsEmpty());
  pass(10 * second);
  EXPECT_THAT(look_at_engine(schema::Health::UNHEALTHY), ElementsAre("+EngineDown small-0"));
}

TEST_F(AlarmRules, AreBoundedInWhatTheyRaise) {
  topology made;
  auto nodes = made->initNodes(500);
  for (unsigned i = 0; i < nodes.size(); ++i) {
    nodes[i].setName("node-" + std::to_string(i));
    nodes[i].initMember().setState(schema::MemberState::GONE);
  }
  EXPECT_THAT(look({.topology = made.finish()}), SizeIs(alarm_book::active_max));
}

}  // namespace
}  // namespace tandem
