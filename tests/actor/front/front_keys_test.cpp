// One job for each client key, however the nodes' views of the journals differ.

#include <algorithm>
#include <random>

#include "tests/actor/front/front_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;

class FrontKeys : public Fronts {
 protected:
  static std::uint64_t owner(std::uint64_t hash, std::vector<std::uint64_t> journals) {
    std::vector<journal_birth> all;
    for (auto journal : journals) all.push_back({journal, journal});
    return key_owner(hash, all);
  }

  std::shared_ptr<answer<tmsg::submitd>> submit(node& at, const std::string& key,
                                                const std::string& text = "x") {
    auto got = ask<tmsg::submitd>(at, submit_atom_v, goal(text, key));
    run();
    return got;
  }
};

TEST_F(FrontKeys, NameOneJobWhereverTheyAreSubmitted) {
  auto& a = add("a", 1, 10);
  auto& b = add("b", 2, 20);
  auto& c = add("c", 3, 30);
  meet_all();
  for (unsigned i = 0; i < 20; ++i) {
    auto key = "key-" + std::to_string(i);
    auto expected = owner(key_hash("", key), {1, 2, 3});
    for (auto* at : {&a, &b, &c}) {
      auto got = submit(*at, key);
      ASSERT_TRUE(got->value) << message_of(got->error);
      EXPECT_EQ(journal_of(*got), expected);
      EXPECT_EQ(got->value->read()->getDuplicate(), at != &a);
    }
    EXPECT_EQ(jobs_of(key), 1u);
  }
}

TEST_F(FrontKeys, OfALostJournalAreRefusedAndMakeNoSecondJob) {
  auto& a = add("a", 1, 10);
  auto& b = add("b", 2, 20);
  meet_all();
  auto key = key_for([](auto hash) { return owner(hash, {1, 2}) == 2; });
  ASSERT_EQ(journal_of(*submit(a, key)), 2u);
  lose(b);
  auto got = submit(a, key);
  EXPECT_EQ(code_of(got->error), errc::unavailable);
  EXPECT_THAT(message_of(got->error), HasSubstr("this client key belongs to journal"));
  EXPECT_THAT(message_of(got->error), HasSubstr("(node b, last at b:2)"));
  EXPECT_TRUE(a.jobs->jobs.empty());
  come_back(b);
  meet(a, b);
  auto again = submit(a, key);
  ASSERT_TRUE(again->value) << message_of(again->error);
  EXPECT_TRUE(again->value->read()->getDuplicate());
  EXPECT_EQ(jobs_of(key), 1u);
}

TEST_F(FrontKeys, UnderWayWhenTheOwnerIsLostAreAnsweredAndFoundLater) {
  auto& a = add("a", 1, 10);
  auto& b = add("b", 2, 20);
  meet_all();
  auto key = key_for([](auto hash) { return owner(hash, {1, 2}) == 2; });
  auto before = key_for([&](auto hash) {
    return owner(hash, {1, 2}) == 2 && hash != key_hash("", key);
  });
  submit(a, before);
  b.jobs->hold = true;
  auto got = submit(a, key);
  ASSERT_FALSE(got->came());
  lose(b);
  EXPECT_EQ(code_of(got->error), errc::unavailable);
  EXPECT_THAT(message_of(got->error), HasSubstr("same client key"));
  come_back(b);
  meet(a, b);
  EXPECT_TRUE(submit(a, key)->value);
  EXPECT_EQ(jobs_of(key), 1u);
}

TEST_F(FrontKeys, ThatMoveToANewJournalStillNameTheirJob) {
  auto& a = add("a", 1, 10);
  auto& b = add("b", 2, 20);
  meet_all();
  auto key = key_for([](auto hash) {
    return owner(hash, {1, 2}) == 2 && owner(hash, {1, 2, 3}) == 3;
  });
  ASSERT_EQ(journal_of(*submit(a, key)), 2u);
  auto& c = add("c", 3, 30);
  meet_all();
  for (auto* at : {&a, &b, &c}) {
    auto got = submit(*at, key);
    ASSERT_TRUE(got->value) << message_of(got->error);
    EXPECT_EQ(journal_of(*got), 2u);
    EXPECT_TRUE(got->value->read()->getDuplicate());
  }
  EXPECT_EQ(jobs_of(key), 1u);
}

TEST_F(FrontKeys, ThatMoveAreRefusedWhileTheirEarlierOwnerIsLost) {
  auto& a = add("a", 1, 10);
  auto& b = add("b", 2, 20);
  meet_all();
  auto key = key_for([](auto hash) {
    return owner(hash, {1, 2}) == 2 && owner(hash, {1, 2, 3}) == 3;
  });
  submit(a, key);
  auto& c = add("c", 3, 30);
  meet_all();
  lose(b);
  auto got = submit(c, key);
  EXPECT_EQ(code_of(got->error), errc::unavailable);
  EXPECT_THAT(message_of(got->error), HasSubstr("may have been used when it belonged to journal"));
  EXPECT_THAT(message_of(got->error), HasSubstr("(node b,"));
  EXPECT_TRUE(c.jobs->jobs.empty());
}

TEST_F(FrontKeys, OfANodeThatAcceptedThemAloneAreFoundAfterItHasJoined) {
  auto& a = add("a", 1, 10);
  auto& b = add("b", 2, 20);
  auto key = key_for([](auto hash) { return owner(hash, {1, 2}) == 1; });
  ASSERT_EQ(journal_of(*submit(b, key)), 2u);
  meet_all();
  for (auto* at : {&a, &b}) EXPECT_EQ(journal_of(*submit(*at, key)), 2u);
  EXPECT_EQ(jobs_of(key), 1u);
}

TEST_F(FrontKeys, AreLearnedByTheQueryItself) {
  auto& a = add("a", 1, 10);
  auto& b = add("b", 2, 20);
  auto& c = add("c", 3, 30);
  meet(a, b);
  // `a` hears of c only by what c asks it.
  tell(c, a);
  tell(c, b);
  auto key = key_for([](auto hash) { return owner(hash, {1, 2, 3}) == 3; });
  ASSERT_EQ(journal_of(*submit(c, key)), 3u);
  EXPECT_TRUE(a.book->knows(3));
  // It cannot reach c, so it refuses; it does not make a second job.
  auto got = submit(a, key);
  EXPECT_EQ(code_of(got->error), errc::unavailable);
  EXPECT_EQ(jobs_of(key), 1u);
}

TEST_F(FrontKeys, AreAcceptedOnlyOnceWhatItRestsOnIsDurable) {
  auto& a = add("a", 1, 10);
  auto& b = add("b", 2, 20);
  auto key = key_for([](auto hash) { return owner(hash, {1, 2}) == 2; });
  a.writer->hold = true;
  meet_all();
  auto got = submit(b, key);
  EXPECT_FALSE(got->came()) << "the oldest journal's order is not durable yet";
  wake(a.writer_actor);
  EXPECT_TRUE(got->value) << message_of(got->error);
}

TEST_F(FrontKeys, AreRefusedWhenTheDiskIsFullAndAcceptedAfterwards) {
  auto& a = add("a", 1, 10);
  a.writer->fail = true;
  auto got = submit(a, "k");
  EXPECT_EQ(code_of(got->error), errc::storage_failed);
  EXPECT_TRUE(a.jobs->jobs.empty());
  a.writer->fail = false;
  EXPECT_TRUE(submit(a, "k")->value);
}

TEST_F(FrontKeys, SettleSoThatFewAreAskedForANewKey) {
  std::vector<node*> all;
  for (std::uint64_t i = 1; i <= 6; ++i) all.push_back(&add("n" + std::to_string(i), i, i));
  meet_all();
  for (unsigned i = 0; i < 60; ++i) submit(*all[i % 6], "warm-" + std::to_string(i));
  for (auto* each : all) each->jobs->asked.clear();
  unsigned expected = 0;
  for (unsigned i = 0; i < 20; ++i) {
    auto key = "new-" + std::to_string(i);
    std::set<std::uint64_t> asked{1};
    for (auto journal : key_owners_so_far(key_hash("", key), all[0]->book->journals()))
      asked.insert(journal);
    asked.insert(owner(key_hash("", key), {1, 2, 3, 4, 5, 6}));
    expected += asked.size();
    ASSERT_TRUE(submit(*all[i % 6], key)->value);
  }
  unsigned finds = 0;
  for (auto* each : all) finds += each->jobs->asked["find"];
  EXPECT_EQ(finds, expected);
}

TEST_F(FrontKeys, BeyondTheirLimitAreRefused) {
  auto& a = add("a", 1, 10, {.keys_max = 1});
  a.jobs->hold = true;
  auto first = submit(a, "k1");
  auto second = submit(a, "k2");
  EXPECT_EQ(code_of(second->error), errc::overloaded);
  a.jobs->hold = false;
  wake(a.planner);
  EXPECT_TRUE(first->value);
  EXPECT_TRUE(submit(a, "k2")->value);
}

/// Nodes join one after the other through whichever node they like, hear of the others at some
/// time, crash and come back, while the same few keys are submitted everywhere; actors run in
/// random order. Nobody accepts a key a second time.
class FrontKeyRaces : public FrontKeys, public ::testing::WithParamInterface<unsigned> {
 protected:
  FrontKeyRaces() : random{GetParam()} {}

  void steps(unsigned count) {
    for (unsigned i = 0; i < count && !scheduler().jobs.empty(); ++i) {
      auto& jobs = scheduler().jobs;
      std::swap(jobs.front(), jobs[random() % jobs.size()]);
      scheduler().run_once();
    }
  }

  /// As tell(), without running.
  void whisper(node& who, node& of) {
    message_builder<schema::Member> member;
    member->setName(of.name);
    member->setIncarnation(of.incarnation);
    member->initRoles(1).set(0, "planner");
    member->initJournals(1).set(0, of.journal);
    member->initJournalBirthsMs(1).set(0, of.birth);
    member->setState(schema::MemberState::ALIVE);
    peer_handles handles;
    handles.front = caf::actor_cast<caf::actor>(of.front);
    caf::anon_send(who.front, member_atom_v, member.finish(), handles);
  }

  std::mt19937 random;
};

TEST_P(FrontKeyRaces, NeverMakeASecondJob) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  std::vector<node*> all;
  std::vector<std::uint64_t> births{10, 20, 30, 40, 50};
  std::shuffle(births.begin(), births.end(), random);
  std::vector<std::shared_ptr<answer<tmsg::submitd>>> answers;
  auto any = [&]() -> node& { return *all[random() % all.size()]; };
  for (unsigned joined = 0; joined < births.size();) {
    switch (random() % 8) {
      case 0: {
        // A fresh node: it and its seed know each other before it takes jobs.
        auto& fresh = add("n" + std::to_string(joined), 1 + joined, births[joined]);
        if (!all.empty()) meet(any(), fresh);
        all.push_back(&fresh);
        ++joined;
        break;
      }
      case 1:
      case 2:
        if (all.empty()) break;
        if (auto& who = any(), &of = any(); &who != &of) whisper(who, of);
        break;
      case 3:
        if (all.size() > 1 && random() % 4 == 0) {
          auto& back = any();
          lose(back);
          come_back(back);
          for (auto* each : all)
            if (each != &back) meet(*each, back);
        }
        break;
      default:
        if (!all.empty())
          answers.push_back(ask<tmsg::submitd>(any(), submit_atom_v,
                                               goal("x", "key-" + std::to_string(random() % 4))));
        steps(random() % 30);
    }
  }
  run();
  meet_all();
  for (unsigned i = 0; i < 4; ++i) {
    auto key = "key-" + std::to_string(i);
    for (auto* each : all) {
      auto got = submit(*each, key);
      EXPECT_TRUE(got->value) << message_of(got->error);
    }
    EXPECT_EQ(jobs_of(key), 1u) << key;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, FrontKeyRaces, ::testing::Range(1u, 201u));

}  // namespace
}  // namespace tandem::testing
