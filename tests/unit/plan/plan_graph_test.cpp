#include "actors/job/plan/plan_graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ids = std::vector<std::uint32_t>;

void add(plan_graph& graph, std::uint32_t id, const ids& depends_on = {}) {
  const auto error = graph.add_step(id, depends_on);
  ASSERT_FALSE(error) << error->message;
}

plan_errc refused(plan_graph& graph, std::uint32_t id, const ids& depends_on = {}) {
  const auto size = graph.size();
  const auto error = graph.add_step(id, depends_on);
  EXPECT_EQ(graph.size(), size);
  EXPECT_TRUE(error.has_value());
  return error.value_or(plan_error{}).code;
}

TEST(PlanGraph, GivesStepsWhenAllTheyNeedIsDone) {
  plan_graph graph;
  add(graph, 1);
  add(graph, 2);
  add(graph, 3, {1, 2});
  EXPECT_THAT(graph.take_ready(), ElementsAre(1, 2));
  EXPECT_THAT(graph.take_ready(), IsEmpty());
  EXPECT_TRUE(graph.mark_done(1));
  EXPECT_THAT(graph.take_ready(), IsEmpty());
  EXPECT_TRUE(graph.mark_done(2));
  EXPECT_THAT(graph.take_ready(), ElementsAre(3));
  EXPECT_FALSE(graph.all_done());
  EXPECT_TRUE(graph.mark_done(3));
  EXPECT_TRUE(graph.all_done());
  EXPECT_EQ(graph.remaining(), 0U);
}

TEST(PlanGraph, GivesReadyStepsWithoutWaitingForTheRestOfThePlan) {
  plan_graph graph;
  add(graph, 1);
  EXPECT_THAT(graph.take_ready(), ElementsAre(1));
  graph.mark_done(1);
  add(graph, 2, {1});
  EXPECT_THAT(graph.take_ready(), ElementsAre(2));
}

TEST(PlanGraph, GivesTheLongestChainFirstAndTiesById) {
  plan_graph graph;
  add(graph, 1);
  add(graph, 9);
  add(graph, 5);
  add(graph, 4);
  add(graph, 10, {9});
  add(graph, 11, {10});
  add(graph, 12, {5});
  add(graph, 13, {4});
  EXPECT_THAT(graph.take_ready(1), ElementsAre(9));
  EXPECT_THAT(graph.take_ready(2), ElementsAre(4, 5));
  // The plan goes on: what was last becomes first.
  add(graph, 2);
  add(graph, 14, {2});
  EXPECT_THAT(graph.take_ready(), ElementsAre(2, 1));
}

TEST(PlanGraph, IgnoresLateAndRepeatedReports) {
  plan_graph graph;
  add(graph, 1);
  add(graph, 2, {1});
  (void)graph.take_ready();
  EXPECT_TRUE(graph.mark_done(1));
  EXPECT_FALSE(graph.mark_done(1));
  EXPECT_FALSE(graph.mark_failed(1));
  EXPECT_FALSE(graph.requeue(1));
  EXPECT_FALSE(graph.mark_done(7));
  EXPECT_FALSE(graph.mark_failed(7));
  EXPECT_FALSE(graph.requeue(7));
  EXPECT_FALSE(graph.requeue(2));
  EXPECT_THAT(graph.take_ready(), ElementsAre(2));
  EXPECT_EQ(graph.in_flight(), 1U);
}

TEST(PlanGraph, AFailedStepStallsTheGraphInsteadOfWaitingForEver) {
  plan_graph graph;
  add(graph, 1);
  add(graph, 2, {1});
  add(graph, 3, {2});
  add(graph, 4);
  EXPECT_FALSE(graph.stalled());
  (void)graph.take_ready();
  EXPECT_TRUE(graph.mark_failed(1));
  EXPECT_FALSE(graph.mark_failed(1));
  EXPECT_FALSE(graph.stalled());
  graph.mark_done(4);
  EXPECT_TRUE(graph.stalled());
  EXPECT_FALSE(graph.all_done());
  EXPECT_EQ(graph.failed(), 1U);
  EXPECT_THAT(graph.blocked_by(1), ElementsAre(2, 3));
  EXPECT_TRUE(graph.requeue(1));
  EXPECT_FALSE(graph.stalled());
  EXPECT_THAT(graph.take_ready(), ElementsAre(1));
}

TEST(PlanGraph, GivesARequeuedStepOnce) {
  plan_graph graph;
  add(graph, 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(graph.mark_failed(1));
    EXPECT_TRUE(graph.requeue(1));
  }
  EXPECT_THAT(graph.take_ready(), ElementsAre(1));
  EXPECT_TRUE(graph.requeue(1));
  EXPECT_THAT(graph.take_ready(), ElementsAre(1));
  EXPECT_THAT(graph.take_ready(), IsEmpty());
}

TEST(PlanGraph, TakesResultsOfStepsThatWereNeverTaken) {
  plan_graph graph;
  add(graph, 1);
  add(graph, 2, {1});
  add(graph, 3, {2});
  EXPECT_TRUE(graph.mark_done(2));
  EXPECT_TRUE(graph.mark_done(1));
  EXPECT_THAT(graph.take_ready(), ElementsAre(3));
  EXPECT_THAT(graph.finished(), ElementsAre(1, 2));
}

TEST(PlanGraph, AWaitingStepThatFailedWaitsOnWhenRequeued) {
  plan_graph graph;
  add(graph, 1);
  add(graph, 2, {1});
  EXPECT_TRUE(graph.mark_failed(2));
  EXPECT_TRUE(graph.requeue(2));
  EXPECT_EQ(graph.state_of(2), step_state::waiting);
  graph.mark_done(1);
  EXPECT_THAT(graph.take_ready(), ElementsAre(2));
}

TEST(PlanGraph, ANewEpochKeepsWhatIsDone) {
  plan_graph graph;
  add(graph, 1);
  add(graph, 2);
  add(graph, 3, {1, 2});
  add(graph, 4, {1});
  (void)graph.take_ready();
  graph.mark_done(1);
  EXPECT_THAT(graph.take_ready(), ElementsAre(4));
  graph.mark_done(4);
  EXPECT_THAT(graph.abandon_unfinished(), ElementsAre(2));
  EXPECT_THAT(graph.finished(), ElementsAre(1, 4));
  EXPECT_THAT(graph.dependents(1), ElementsAre(4));
  EXPECT_TRUE(graph.all_done());
  EXPECT_EQ(graph.last_id(), 4U);
  EXPECT_FALSE(graph.mark_done(2));
  EXPECT_EQ(graph.state_of(3), std::nullopt);
  EXPECT_EQ(refused(graph, 2), plan_errc::duplicate_id);
  EXPECT_EQ(refused(graph, 5, {3}), plan_errc::unknown_reference);
  add(graph, 5, {1, 4});
  EXPECT_THAT(graph.take_ready(), ElementsAre(5));
  graph.mark_done(5);
  EXPECT_TRUE(graph.all_done());
}

TEST(PlanGraph, RefusesWhatItCannotHold) {
  plan_graph graph(limits{.steps_max = 3, .job_steps_max = 4, .depends_max = 2});
  EXPECT_EQ(refused(graph, 0), plan_errc::bad_id);
  EXPECT_EQ(refused(graph, step_id_max + 1), plan_errc::bad_id);
  EXPECT_EQ(refused(graph, 1, {1}), plan_errc::cycle);
  EXPECT_EQ(refused(graph, 1, {2}), plan_errc::unknown_reference);
  add(graph, 1);
  EXPECT_EQ(refused(graph, 1), plan_errc::duplicate_id);
  EXPECT_EQ(refused(graph, 2, {1, 1}), plan_errc::unknown_reference);
  EXPECT_EQ(refused(graph, 2, {1, 1, 1}), plan_errc::too_many_dependencies);
  add(graph, 2);
  add(graph, 3);
  EXPECT_EQ(refused(graph, 4), plan_errc::too_many_steps);
  for (const std::uint32_t id : {1, 2, 3}) graph.mark_done(id);
  EXPECT_THAT(graph.abandon_unfinished(), IsEmpty());
  add(graph, 4);
  EXPECT_EQ(refused(graph, 5), plan_errc::too_many_steps);
}

// Work for a plan that streams in slower than it is taken from: every second step is ready at once,
// one is taken for each that arrives, so that the queue grows and chains matter all the time.
std::size_t streaming_work(std::uint32_t steps) {
  plan_graph graph(limits{.steps_max = steps, .job_steps_max = steps});
  for (std::uint32_t id = 1; id <= steps; ++id) {
    ids needs;
    if (id % 2 == 0 && id > 8) needs = {id - 2, id - 5, id - 8};
    add(graph, id, needs);
    if (id % 4 != 0) continue;
    for (const auto taken : graph.take_ready(1)) graph.mark_done(taken);
  }
  while (!graph.all_done()) {
    const auto taken = graph.take_ready(1);
    EXPECT_EQ(taken.size(), 1U);
    if (taken.empty()) break;
    graph.mark_done(taken[0]);
  }
  return graph.work();
}

TEST(PlanGraph, WorkIsLinearInTheEdgesOfAStreamedPlan) {
  const auto small = streaming_work(1'000);
  const auto large = streaming_work(8'000);
  EXPECT_LT(large, 12 * small);
  EXPECT_LT(large, 8'000U * 4 * 16);
}

TEST(PlanGraph, RepeatedRequeuesDoNotFillTheQueue) {
  plan_graph graph;
  add(graph, 1);
  const auto before = graph.work();
  for (int i = 0; i < 1'000; ++i) {
    graph.mark_failed(1);
    graph.requeue(1);
  }
  EXPECT_THAT(graph.take_ready(), ElementsAre(1));
  EXPECT_LT(graph.work() - before, 10U);
}

}  // namespace
}  // namespace tandem::plan
