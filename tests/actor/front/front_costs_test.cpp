// What was spent, of all journals.

#include "tests/actor/front/front_fixture.hpp"

namespace tandem::testing {
namespace {

class FrontCosts : public Fronts {
 protected:
  FrontCosts() : a{add("a", 1, 10)}, b{add("b", 2, 20)}, c{add("c", 3, 30)} {
    meet_all();
    for (unsigned i = 0; i < 5; ++i)
      for (auto* each : {&a, &b, &c}) each->jobs->jobs.push_back({"goal", 100 + i});
  }

  std::shared_ptr<answer<tmsg::costrep>> cost(
      const tmsg::costqry& query = message_builder<schema::CostQuery>{}.finish()) {
    auto got = ask<tmsg::costrep>(a, cost_atom_v, query);
    run();
    return got;
  }

  static std::int64_t spent(const tmsg::costrep& report) {
    std::int64_t sum = 0;
    auto reader = report.read();
    for (auto row : reader->getRows()) sum += row.getUsage().getCostNanousd();
    return sum;
  }

  node& a;
  node& b;
  node& c;
};

TEST_F(FrontCosts, AreTheSumOfAllJournals) {
  auto got = cost();
  ASSERT_TRUE(got->value) << message_of(got->error);
  auto reader = got->value->read();
  EXPECT_EQ(reader->getRows().size(), 3u);
  EXPECT_EQ(spent(*got->value), 1'500);
  EXPECT_EQ(reader->getJournals(), 3u);
  EXPECT_EQ(reader->getJobsCounted(), 15u);
  EXPECT_EQ(reader->getCursors().size(), 0u);
  EXPECT_EQ(reader->getMissing().size(), 0u);
}

TEST_F(FrontCosts, ComeInPartsUntilEveryJournalIsRead) {
  a.jobs->cost_part = 5;
  b.jobs->cost_part = 2;
  c.jobs->cost_part = 1;
  message_builder<schema::CostQuery> query;
  std::int64_t sum = 0;
  unsigned parts = 0;
  for (auto more = true; more && parts < 100; ++parts) {
    auto got = cost(query.finish());
    ASSERT_TRUE(got->value);
    sum += spent(*got->value);
    auto reader = got->value->read();
    more = reader->getCursors().size() != 0;
    query->setCursors(reader->getCursors());
  }
  EXPECT_EQ(parts, 5u);
  EXPECT_EQ(sum, 1'500);
  // Who has told all is not asked again.
  EXPECT_EQ(a.jobs->asked["cost"], 1u);
  EXPECT_EQ(b.jobs->asked["cost"], 3u);
}

TEST_F(FrontCosts, NameALostJournal) {
  lose(b);
  auto got = cost();
  ASSERT_TRUE(got->value);
  EXPECT_EQ(spent(*got->value), 1'000);
  auto reader = got->value->read();
  ASSERT_EQ(reader->getMissing().size(), 1u);
  EXPECT_EQ(reader->getMissing()[0].getJournal(), 2u);
  EXPECT_EQ(view(reader->getMissing()[0].getNode()), "b");
  EXPECT_TRUE(reader->getMissing()[0].getWaiting());
}

TEST_F(FrontCosts, OfASlowNodeAreLeftOutAndWhatComesLateCountsNowhere) {
  b.jobs->hold = true;
  auto got = cost();
  EXPECT_FALSE(got->came());
  scheduler().advance_time(2s);
  run();
  ASSERT_TRUE(got->value);
  EXPECT_EQ(spent(*got->value), 1'000);
  auto reader = got->value->read();
  ASSERT_EQ(reader->getMissing().size(), 1u);
  EXPECT_FALSE(reader->getMissing()[0].getWaiting());
  b.jobs->hold = false;
  wake(b.planner);
  // Asked for again, from where it was.
  message_builder<schema::CostQuery> again;
  again->initCursors(1)[0].setJournal(2);
  auto rest = cost(again.finish());
  ASSERT_TRUE(rest->value);
  EXPECT_EQ(spent(*rest->value), 500);
}

TEST_F(FrontCosts, DoNotWaitForANodeThatIsLostMeanwhile) {
  b.jobs->hold = true;
  auto got = cost();
  lose(b);
  ASSERT_TRUE(got->value);
  EXPECT_EQ(got->value->read()->getMissing().size(), 1u);
}

TEST_F(FrontCosts, OfAJournalNeverHeardOfAreMissing) {
  message_builder<schema::CostQuery> query;
  query->initCursors(1)[0].setJournal(77);
  auto got = cost(query.finish());
  ASSERT_TRUE(got->value);
  EXPECT_EQ(got->value->read()->getMissing().size(), 1u);
  EXPECT_EQ(got->value->read()->getRows().size(), 0u);
}

TEST_F(FrontCosts, BeyondTheirLimitAreRefused) {
  auto& d = add("d", 4, 40, {.rounds_max = 1});
  tell(d, b);
  b.jobs->hold = true;
  auto query = message_builder<schema::CostQuery>{}.finish();
  auto first = ask<tmsg::costrep>(d, cost_atom_v, query);
  run();
  auto second = ask<tmsg::costrep>(d, cost_atom_v, query);
  run();
  EXPECT_EQ(code_of(second->error), errc::overloaded);
  wake(b.planner);
  EXPECT_TRUE(first->value);
}

}  // namespace
}  // namespace tandem::testing
