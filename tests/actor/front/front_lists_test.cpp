// Lists and purges of all journals.

#include "tests/actor/front/front_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;

class FrontLists : public Fronts {
 protected:
  FrontLists() : a{add("a", 1, 10)}, b{add("b", 2, 20)}, c{add("c", 3, 30)} {
    meet_all();
    for (unsigned i = 0; i < 5; ++i) {
      a.jobs->jobs.push_back({"a", 100 + 30 * i});
      b.jobs->jobs.push_back({"b", 110 + 30 * i});
      c.jobs->jobs.push_back({"c", 120 + 30 * i});
    }
  }

  std::shared_ptr<answer<tmsg::joblist>> list(std::uint32_t limit) {
    message_builder<schema::JobQuery> query;
    query->setLimit(limit);
    auto got = ask<tmsg::joblist>(a, list_atom_v, query.finish());
    run();
    return got;
  }

  static std::string journals(const tmsg::joblist& list) {
    std::string text;
    auto reader = list.read();
    for (auto job : reader->getJobs()) text += std::to_string(job.getJob().getJournal());
    return text;
  }

  node& a;
  node& b;
  node& c;
};

TEST_F(FrontLists, HaveTheJobsOfAllNodesNewestFirst) {
  auto got = list(20);
  ASSERT_TRUE(got->value) << message_of(got->error);
  EXPECT_EQ(journals(*got->value), "321321321321321");
  EXPECT_EQ(got->value->read()->getMissing().size(), 0u);
}

TEST_F(FrontLists, GoOnPageAfterPage) {
  message_builder<schema::JobQuery> query;
  query->setLimit(4);
  std::string all;
  for (unsigned page = 0; page < 10; ++page) {
    auto got = ask<tmsg::joblist>(a, list_atom_v, query.finish());
    run();
    ASSERT_TRUE(got->value);
    all += journals(*got->value) + ' ';
    if (got->value->read()->getCursors().size() == 0) break;
    query->setCursors(got->value->read()->getCursors());
  }
  EXPECT_EQ(all, "3213 2132 1321 321 ");
}

TEST_F(FrontLists, NameALostJournal) {
  lose(b);
  auto got = list(20);
  ASSERT_TRUE(got->value);
  EXPECT_EQ(journals(*got->value), "3131313131");
  auto reader = got->value->read();
  auto missing = reader->getMissing();
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_EQ(missing[0].getJournal(), 2u);
  EXPECT_EQ(view(missing[0].getNode()), "b");
  EXPECT_EQ(view(missing[0].getAddress()), "b:2");
  EXPECT_TRUE(missing[0].getWaiting());
}

TEST_F(FrontLists, DoNotWaitForASlowNode) {
  b.jobs->hold = true;
  auto got = list(20);
  EXPECT_FALSE(got->came());
  scheduler().advance_time(2s);
  run();
  ASSERT_TRUE(got->value);
  EXPECT_EQ(journals(*got->value), "3131313131");
  ASSERT_EQ(got->value->read()->getMissing().size(), 1u);
  EXPECT_FALSE(got->value->read()->getMissing()[0].getWaiting());
  wake(b.planner);
}

TEST_F(FrontLists, DoNotWaitForANodeThatIsLostMeanwhile) {
  b.jobs->hold = true;
  auto got = list(20);
  lose(b);
  ASSERT_TRUE(got->value);
  EXPECT_EQ(got->value->read()->getMissing().size(), 1u);
}

TEST_F(FrontLists, OfALoneNodeAreItsPlannersOwn) {
  auto& d = add("d", 4, 40);
  d.jobs->jobs.push_back({"d", 1});
  d.jobs->jobs.push_back({"d", 2});
  message_builder<schema::JobQuery> query;
  query->setLimit(1);
  auto got = ask<tmsg::joblist>(d, list_atom_v, query.finish());
  run();
  ASSERT_TRUE(got->value);
  EXPECT_EQ(got->value->read()->getNext(), 2u);
  EXPECT_EQ(got->value->read()->getCursors().size(), 0u);
}

TEST_F(FrontLists, BeyondTheirLimitAreRefused) {
  auto& d = add("d", 4, 40, {.rounds_max = 1});
  tell(d, b);
  b.jobs->hold = true;
  auto first = ask<tmsg::joblist>(d, list_atom_v, message_builder<schema::JobQuery>{}.finish());
  run();
  auto second = ask<tmsg::joblist>(d, list_atom_v, message_builder<schema::JobQuery>{}.finish());
  run();
  EXPECT_EQ(code_of(second->error), errc::overloaded);
  wake(b.planner);
  EXPECT_TRUE(first->value);
}

TEST_F(FrontLists, PurgesByAgeAreSummed) {
  a.jobs->purged = 1;
  b.jobs->purged = 20;
  c.jobs->purged = 300;
  message_builder<schema::Purge> purge;
  purge->setOlderThanMs(5);
  auto got = ask<tmsg::purged>(a, purge_atom_v, purge.finish());
  run();
  ASSERT_TRUE(got->value) << message_of(got->error);
  EXPECT_EQ(got->value->read()->getJobs(), 321u);
}

TEST_F(FrontLists, APurgeSaysWhenAHomeWasLostMeanwhile) {
  b.jobs->hold = true;
  auto got = ask<tmsg::purged>(a, purge_atom_v, message_builder<schema::Purge>{}.finish());
  run();
  ASSERT_FALSE(got->came());
  lose(b);
  EXPECT_EQ(code_of(got->error), errc::unavailable);
}

}  // namespace
}  // namespace tandem::testing
