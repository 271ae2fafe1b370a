#include "actors/engine/weight_change.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using kind = weight_change::deed::kind;
using schema::EnginePhase;
using schema::OrderAction;

/// An engine at v1 with its change of weights; what was asked for and answered is kept.
class weight_change_test : public ::testing::Test {
 protected:
  struct answered {
    std::uint64_t ticket = 0;
    weight_change::ending end;
  };

  static weight_order update_to(const std::string& version, std::uint64_t epoch = 1) {
    return {.epoch = epoch,
            .action = OrderAction::UPDATE,
            .version = version,
            .path = "/weights/" + version,
            .drain = 1000ms,
            .load = 10'000ms};
  }
  static weight_order order(OrderAction action, std::uint64_t epoch = 1) {
    return {.epoch = epoch, .action = action, .version = "v2"};
  }

  void take(weight_change::deeds deeds) {
    for (auto& deed : deeds) {
      if (deed.what == kind::step) steps_.push_back(deed);
      if (deed.what == kind::generate) generation_ = deed.number;
      if (deed.what == kind::stop_generating) generation_ = 0;
      if (deed.what == kind::cut_off) at_.running = at_.unmixed = ends_when_cut_ ? 0 : at_.running;
      if (deed.what == kind::cut_off_unmixed) {
        at_.running -= at_.unmixed;
        at_.unmixed = 0;
      }
      if (deed.what == kind::forget) at_.running = at_.unmixed = 0;
      for (auto ticket : deed.tickets) answers_.push_back({ticket, deed.end});
    }
    if (cut_ != at_.running) {
      cut_ = at_.running;
      take(change_.look(at_, now_));
    }
  }
  std::uint64_t ask(const weight_order& order) {
    auto ticket = ++tickets_;
    cut_ = at_.running;
    take(change_.on_order(ticket, order, at_, now_));
    return ticket;
  }
  /// The step that is under way ends so.
  void end_step(weight_step step, weight_outcome outcome = {}) {
    ASSERT_LT(ended_, steps_.size()) << "nothing was asked of the backend";
    auto& asked = steps_[ended_++];
    ASSERT_EQ(static_cast<int>(asked.step), static_cast<int>(step));
    take(change_.on_step(asked.number, outcome, at_, now_));
  }
  void says(const std::string& text, errc code = errc::unknown) {
    ASSERT_NE(generation_, 0u) << "no generation was asked for";
    auto number = std::exchange(generation_, 0);
    take(change_.on_generation(
        number, {.code = code, .error = "because", .finish = schema::Finish::STOP, .text = text},
        at_, now_));
  }
  void pass(std::chrono::milliseconds time) {
    now_ += time;
    take(change_.look(at_, now_));
  }
  /// To the end of the backend's steps.
  void load(const std::string& version = "v2") {
    end_step(weight_step::load);
    at_.version = version;
    end_step(weight_step::flush);
    end_step(weight_step::check, {.version = version});
    end_step(weight_step::resume);
  }
  const weight_change::ending& only_answer() {
    EXPECT_EQ(answers_.size(), 1u);
    return answers_.at(0).end;
  }
  void expect_failure(EnginePhase phase, const std::string& words) {
    ASSERT_EQ(answers_.size(), 1u);
    EXPECT_NE(answers_[0].end.code, errc::unknown);
    EXPECT_EQ(answers_[0].end.phase, phase);
    EXPECT_THAT(answers_[0].end.error, HasSubstr(words));
    EXPECT_EQ(change_.admits(), weight_change::admission::closed) << "it stays gated";
    EXPECT_THAT(change_.reason(), HasSubstr(words));
    EXPECT_FALSE(change_.is_under_way());
    EXPECT_FALSE(change_.next_time());
  }

  weight_change change_;
  weight_change::clock::time_point now_{std::chrono::hours{1}};
  weight_change::facts at_{.version = "v1", .abilities = {.says_version = true}};
  std::vector<weight_change::deed> steps_;
  std::size_t ended_ = 0;
  std::uint64_t generation_ = 0;
  std::vector<answered> answers_;
  std::uint64_t tickets_ = 0;
  std::size_t cut_ = 0;
  bool ends_when_cut_ = true;
};

TEST_F(weight_change_test, GoesAllTheWayAndSaysHowLongEachPartTook) {
  at_.running = at_.unmixed = 2;
  ask(update_to("v2"));
  EXPECT_EQ(change_.admits(), weight_change::admission::closed);
  EXPECT_THAT(change_.reason(), HasSubstr("draining"));
  EXPECT_TRUE(steps_.empty()) << "nothing is loaded under what runs";
  at_.running = at_.unmixed = 0;
  pass(300ms);
  ASSERT_EQ(steps_.size(), 1u);
  EXPECT_EQ(steps_[0].target.version, "v2");
  EXPECT_EQ(steps_[0].target.path, "/weights/v2");
  EXPECT_EQ(steps_[0].target.timeout, 10'000ms);
  now_ += 2000ms;
  load();
  now_ += 100ms;
  EXPECT_TRUE(answers_.empty());
  says("yes");
  EXPECT_EQ(only_answer().code, errc::unknown);
  EXPECT_EQ(only_answer().phase, EnginePhase::SERVING);
  EXPECT_EQ(only_answer().drain, 300ms);
  EXPECT_EQ(only_answer().load, 2000ms);
  EXPECT_EQ(only_answer().verify, 100ms);
  EXPECT_EQ(only_answer().cut_off, 0u);
  EXPECT_EQ(change_.admits(), weight_change::admission::open);
  EXPECT_FALSE(change_.next_time());
}

TEST_F(weight_change_test, CutsOffWhatHasNotEndedAtTheDrainsDeadline) {
  at_.running = at_.unmixed = 3;
  ask(update_to("v2"));
  EXPECT_EQ(change_.next_time(), now_ + 1000ms);
  pass(999ms);
  EXPECT_EQ(at_.running, 3u);
  pass(1ms);
  EXPECT_EQ(at_.running, 0u);
  load();
  says("yes");
  EXPECT_EQ(only_answer().cut_off, 3u);
}

TEST_F(weight_change_test, WhatDoesNotEvenEndWhenItIsCutOffIsForgotten) {
  ends_when_cut_ = false;
  at_.running = at_.unmixed = 1;
  ask(update_to("v2"));
  pass(1000ms);
  EXPECT_EQ(at_.running, 1u);
  EXPECT_TRUE(steps_.empty());
  now_ = *change_.next_time();
  pass(0ms);
  EXPECT_EQ(at_.running, 0u);
  load();
  says("yes");
  EXPECT_EQ(only_answer().phase, EnginePhase::SERVING);
}

TEST_F(weight_change_test, ABackendThatDiesWhileLoadingIsAFailureAndStaysGated) {
  ask(update_to("v2"));
  end_step(weight_step::load, {.code = errc::engine_failed, .error = "killed by signal 9"});
  // What may be paused is resumed as well as can be.
  end_step(weight_step::resume, {.code = errc::engine_failed, .error = "gone"});
  expect_failure(EnginePhase::LOADING, "killed by signal 9");
}

TEST_F(weight_change_test, ALoadThatNeverEndsIsGivenUp) {
  ask(update_to("v2"));
  now_ = *change_.next_time();
  pass(0ms);
  expect_failure(EnginePhase::LOADING, "10000 ms");
  EXPECT_EQ(steps_.size(), 1u) << "the backend is still at it";
}

TEST_F(weight_change_test, AfterALoadThatNeverEndedTheNextOneWaitsForTheBackend) {
  ask(update_to("v2"));
  now_ = *change_.next_time();
  pass(0ms);
  ask(update_to("v1b", 2));
  EXPECT_EQ(steps_.size(), 1u);
  end_step(weight_step::load);
  ASSERT_EQ(steps_.size(), 2u);
  EXPECT_EQ(steps_[1].target.version, "v1b");
  load("v1b");
  says("yes");
  EXPECT_EQ(answers_.back().end.phase, EnginePhase::SERVING);
}

TEST_F(weight_change_test, ARefusedFlushKeepsItOut) {
  ask(update_to("v2"));
  end_step(weight_step::load);
  end_step(weight_step::flush, {.code = errc::engine_failed, .error = "not idle"});
  end_step(weight_step::resume);
  expect_failure(EnginePhase::FLUSHING, "not idle");
}

TEST_F(weight_change_test, AServerThatSaysSuccessAndServesTheOldVersionIsFound) {
  ask(update_to("v2"));
  end_step(weight_step::load);
  end_step(weight_step::flush);
  end_step(weight_step::check, {.version = "v1"});
  end_step(weight_step::resume);
  expect_failure(EnginePhase::VERIFYING, "serves weights 'v1' instead of 'v2'");
}

TEST_F(weight_change_test, AGenerationThatIsWrongEmptyOrFailsIsFound) {
  auto order = update_to("v2");
  order.expected = "19";
  for (auto text : {"18", "", " \n"}) {
    answers_.clear();
    order.epoch++;
    ask(order);
    load();
    says(text);
    expect_failure(EnginePhase::VERIFYING, *text == '1' ? "'18' does not contain '19'" : "empty");
  }
  answers_.clear();
  ask(order);
  load();
  says("19", errc::engine_failed);
  expect_failure(EnginePhase::VERIFYING, "because");
  answers_.clear();
  ask(order);
  load();
  says("it is 19");
  EXPECT_EQ(only_answer().phase, EnginePhase::SERVING);
}

TEST_F(weight_change_test, AGenerationThatNeverEndsIsGivenUp) {
  ask(update_to("v2"));
  load();
  EXPECT_NE(generation_, 0u);
  now_ = *change_.next_time();
  pass(0ms);
  EXPECT_EQ(generation_, 0u) << "it is cancelled";
  expect_failure(EnginePhase::VERIFYING, "10000 ms");
}

TEST_F(weight_change_test, ItWaitsForAHealthyServerBeforeTheGeneration) {
  at_.healthy = false;
  ask(update_to("v2"));
  load();
  EXPECT_EQ(generation_, 0u);
  at_.healthy = true;
  pass(10ms);
  EXPECT_NE(generation_, 0u);
}

TEST_F(weight_change_test, OneThatIsNeverHealthyIsGivenUp) {
  ask(update_to("v2"));
  at_.healthy = false;
  load();
  now_ = *change_.next_time();
  pass(0ms);
  expect_failure(EnginePhase::VERIFYING, "not healthy");
}

TEST_F(weight_change_test, PausesInsteadOfDrainingAndCutsOffOnlyWhatMustNotMix) {
  at_.abilities.can_pause = true;
  at_.running = 3;
  at_.unmixed = 2;
  auto order = update_to("v2");
  order.pause = true;
  ask(order);
  EXPECT_EQ(at_.running, 3u);
  end_step(weight_step::pause);
  EXPECT_EQ(at_.running, 1u);
  load();
  says("yes");
  EXPECT_EQ(only_answer().cut_off, 2u);
  EXPECT_EQ(at_.running, 1u);
}

TEST_F(weight_change_test, AFlushRefusedForWhatIsPausedIsTriedOnceMoreWithoutIt) {
  at_.abilities.can_pause = true;
  at_.running = 1;
  auto order = update_to("v2");
  order.pause = true;
  ask(order);
  end_step(weight_step::pause);
  end_step(weight_step::load);
  end_step(weight_step::flush, {.code = errc::engine_failed, .error = "not idle"});
  EXPECT_EQ(at_.running, 0u);
  end_step(weight_step::flush, {.code = errc::engine_failed, .error = "not idle"});
  end_step(weight_step::resume);
  expect_failure(EnginePhase::FLUSHING, "not idle");
}

TEST_F(weight_change_test, AFailureAfterAPauseCutsOffWhatIsPaused) {
  at_.abilities.can_pause = true;
  at_.running = 2;
  auto order = update_to("v2");
  order.pause = true;
  ask(order);
  end_step(weight_step::pause);
  end_step(weight_step::load, {.code = errc::engine_failed, .error = "no such path"});
  EXPECT_EQ(at_.running, 0u);
  end_step(weight_step::resume);
  expect_failure(EnginePhase::LOADING, "no such path");
  EXPECT_EQ(only_answer().cut_off, 2u);
}

TEST_F(weight_change_test, WhatRunsGoesOnWhereWeightsAreSwappedInPlace) {
  at_.abilities.swaps_in_place = true;
  at_.running = at_.unmixed = 4;
  ask(update_to("v2"));
  load();
  says("yes");
  EXPECT_EQ(at_.running, 4u);
  EXPECT_EQ(only_answer().cut_off, 0u);
}

TEST_F(weight_change_test, HoldsAndOpensAgainForWhatItHas) {
  ask(order(OrderAction::HOLD));
  EXPECT_EQ(only_answer().code, errc::unknown);
  EXPECT_EQ(change_.admits(), weight_change::admission::held);
  EXPECT_EQ(change_.reason(), "held: its weights are to be changed to 'v2'");
  ask(update_to("v1"));
  EXPECT_EQ(change_.admits(), weight_change::admission::open);
  EXPECT_EQ(change_.reason(), "");
  EXPECT_TRUE(steps_.empty());
}

TEST_F(weight_change_test, AHoldDoesNotOpenWhatHasFailed) {
  ask(update_to("v2"));
  end_step(weight_step::load, {.code = errc::engine_failed, .error = "no"});
  end_step(weight_step::resume);
  ask(order(OrderAction::HOLD));
  EXPECT_EQ(answers_.back().end.code, errc::conflict) << "a hold would let calls in";
  EXPECT_EQ(change_.admits(), weight_change::admission::closed);
}

TEST_F(weight_change_test, WhatItServesAlreadyIsAnsweredAtOnceUnlessItHasFailed) {
  ask(update_to("v1"));
  EXPECT_EQ(only_answer().phase, EnginePhase::SERVING);
  EXPECT_TRUE(steps_.empty());
  ask(update_to("v2"));
  end_step(weight_step::load, {.code = errc::engine_failed, .error = "no"});
  end_step(weight_step::resume);
  ask(update_to("v1"));
  EXPECT_TRUE(change_.is_under_way()) << "who knows what it has now";
}

TEST_F(weight_change_test, TheSameOrderWaitsForTheSameEnd) {
  ask(update_to("v2"));
  ask(update_to("v2"));
  ask(update_to("v2", 2));
  load();
  says("yes");
  ASSERT_EQ(answers_.size(), 3u);
  for (const auto& each : answers_) EXPECT_EQ(each.end.phase, EnginePhase::SERVING);
  EXPECT_EQ(steps_.size(), 4u) << "it was done once";
}

TEST_F(weight_change_test, ALowerEpochAndAnotherVersionOfTheSameAreConflicts) {
  ask(update_to("v2", 5));
  ask(update_to("v3", 4));
  ask(update_to("v3", 5));
  ask(order(OrderAction::HOLD, 5));
  ASSERT_EQ(answers_.size(), 3u);
  for (const auto& each : answers_) EXPECT_EQ(each.end.code, errc::conflict) << each.end.error;
}

TEST_F(weight_change_test, AHigherEpochTakesOverWhenTheStepUnderWayHasEnded) {
  auto first = ask(update_to("v2", 1));
  auto second = ask(update_to("v1b", 2));
  EXPECT_EQ(steps_.size(), 1u);
  end_step(weight_step::load);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].ticket, first);
  EXPECT_EQ(answers_[0].end.code, errc::conflict);
  ASSERT_EQ(steps_.size(), 2u);
  EXPECT_EQ(steps_[1].target.version, "v1b");
  load("v1b");
  says("yes");
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[1].ticket, second);
  EXPECT_EQ(answers_[1].end.phase, EnginePhase::SERVING);
}

TEST_F(weight_change_test, AHigherEpochTakesOverAtOnceWhileItDrains) {
  at_.running = at_.unmixed = 1;
  ask(update_to("v2", 1));
  ask(update_to("v3", 2));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].end.code, errc::conflict);
  at_.running = at_.unmixed = 0;
  pass(1ms);
  ASSERT_EQ(steps_.size(), 1u);
  EXPECT_EQ(steps_[0].target.version, "v3");
}

TEST_F(weight_change_test, WeightsThatAreFixedAreAnErrorThatDoesNotGateIt) {
  at_.abilities.fixed = "started with them";
  ask(update_to("v2"));
  EXPECT_EQ(only_answer().code, errc::invalid_argument);
  EXPECT_EQ(only_answer().error, "started with them");
  EXPECT_EQ(change_.admits(), weight_change::admission::open);
}

TEST_F(weight_change_test, OrdersThatWaitForOneChangeAreBounded) {
  ask(update_to("v2"));
  for (int i = 0; i < 100; ++i) ask(update_to("v2"));
  EXPECT_EQ(answers_.size(), 37u);
  EXPECT_EQ(answers_[0].end.code, errc::overloaded);
}

}  // namespace
}  // namespace tandem
