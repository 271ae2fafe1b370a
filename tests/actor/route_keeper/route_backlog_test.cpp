#include "actors/router/route_backlog.hpp"

#include "tests/unit/storage/route_fixture.hpp"

namespace tandem {
namespace {

using storage::ids_of;
using storage::make_change;
using storage::make_decision;
using storage::make_setting;
using storage::make_statistics;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(RouteBacklog, KeepsTheLaterOfWhatHasTheSameKey) {
  route_backlog backlog{10};
  EXPECT_TRUE(backlog.empty());
  storage::route_batch batch;
  batch.statistics = {make_statistics(1, "big", 1), make_statistics(2, "big", 1)};
  batch.decisions = {make_decision(1), make_decision(2)};
  batch.setting = make_setting(1, "auto");
  batch.states = {{"judge", "a"}};
  batch.changes = {make_change(1, "x")};
  backlog.add(batch);
  batch = {};
  batch.statistics = {make_statistics(1, "big", 2)};
  batch.decisions = {make_decision(2, 1), make_decision(3)};
  batch.states = {{"judge", "b"}, {"trial", "c"}};
  batch.changes = {make_change(2, "y")};
  backlog.add(batch);
  const auto& all = backlog.batch();
  ASSERT_THAT(all.statistics, SizeIs(2));
  EXPECT_EQ(all.statistics[0].read()->getQualitySum(), 2);
  EXPECT_THAT(ids_of(all.decisions), ElementsAre(1, 2, 3));
  EXPECT_EQ(all.decisions[1].read()->getQuality(), 1);
  EXPECT_EQ(all.setting.read()->getGeneration(), 1u);
  ASSERT_THAT(all.states, SizeIs(2));
  EXPECT_EQ(all.states[0].bytes, "b");
  EXPECT_THAT(all.changes, SizeIs(2));
  backlog.clear();
  EXPECT_TRUE(backlog.empty());
}

TEST(RouteBacklog, WhatItGivesUpIsForgottenOnTheDiskToo) {
  route_backlog backlog{2};
  storage::route_batch batch;
  batch.decisions = {make_decision(1), make_decision(2), make_decision(3)};
  backlog.add(batch);
  EXPECT_THAT(ids_of(backlog.batch().decisions), ElementsAre(2, 3));
  EXPECT_THAT(backlog.batch().forgotten_decisions, ElementsAre(1));
  EXPECT_EQ(backlog.lost(), 1u);
  batch.decisions = {make_decision(1, 1)};
  backlog.add(batch);
  EXPECT_THAT(ids_of(backlog.batch().decisions), ElementsAre(3, 1));
  EXPECT_THAT(backlog.batch().forgotten_decisions, ElementsAre(1, 2));
}

TEST(RouteBacklog, KeepsTheNewestChanges) {
  route_backlog backlog{2};
  storage::route_batch batch;
  for (std::uint64_t i = 0; i < route_backlog::changes_max + 5; ++i)
    batch.changes.push_back(make_change(i, "x"));
  backlog.add(batch);
  EXPECT_THAT(backlog.batch().changes, SizeIs(route_backlog::changes_max));
  EXPECT_EQ(backlog.batch().changes[0].read()->getAtMs(), 5u);
}

TEST(RouteBacklog, ALaterForgettingTakesWhatWaits) {
  route_backlog backlog{10};
  storage::route_batch batch;
  batch.statistics = {make_statistics(1, "big"), make_statistics(2, "big")};
  batch.decisions = {make_decision(1), make_decision(2)};
  backlog.add(batch);
  batch = {};
  batch.forgotten_origins = {2};
  batch.forgotten_decisions = {1};
  backlog.add(batch);
  EXPECT_THAT(backlog.batch().statistics, SizeIs(1));
  EXPECT_THAT(ids_of(backlog.batch().decisions), ElementsAre(2));
  EXPECT_THAT(backlog.batch().forgotten_origins, ElementsAre(2));
}

}  // namespace
}  // namespace tandem
