// Requests about jobs, wherever the job's home is, and what becomes of them when it is lost.

#include "tests/actor/front/front_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;

/// Two nodes: `a` is asked, `b` has a job.
class FrontRequests : public Fronts {
 protected:
  FrontRequests() : a{add("a", 1, 10)}, b{add("b", 2, 20)} {
    meet(a, b);
    b.jobs->jobs.push_back({"add 1 2", 5});
  }

  template <class T>
  static T about(std::uint64_t journal, std::uint64_t number) {
    message_builder<typename T::schema_type> out;
    out->initJob().setJournal(journal);
    out->getJob().setNumber(number);
    return out.finish();
  }

  /// Asks `a` for each kind of thing that is about a job of `journal`.
  struct all_kinds {
    std::shared_ptr<answer<tmsg::jobsum>> wait, summary, command, feedback;
    std::shared_ptr<answer<tmsg::jobview>> view;
    std::shared_ptr<answer<tmsg::events>> follow;
    std::shared_ptr<answer<tmsg::reschnk>> result;
    std::shared_ptr<answer<tmsg::purged>> purge;
    template <class F>
    void each(F f) const {
      f("wait", *wait);
      f("summary", *summary);
      f("command", *command);
      f("feedback", *feedback);
      f("view", *view);
      f("follow", *follow);
      f("result", *result);
      f("purge", *purge);
    }
  };
  all_kinds ask_all(std::uint64_t journal, std::uint64_t number) {
    auto id = ref(journal, number);
    all_kinds got{
        .wait = ask<tmsg::jobsum>(a, wait_atom_v, id),
        .summary = ask<tmsg::jobsum>(a, summary_atom_v, id),
        .command = ask<tmsg::jobsum>(a, command_atom_v, about<tmsg::jobcmd>(journal, number)),
        .feedback = ask<tmsg::jobsum>(a, feedback_atom_v, about<tmsg::feedbk>(journal, number)),
        .view = ask<tmsg::jobview>(a, view_atom_v, id),
        .follow = ask<tmsg::events>(a, follow_atom_v, about<tmsg::follow>(journal, number)),
        .result = ask<tmsg::reschnk>(a, result_atom_v, about<tmsg::resqry>(journal, number)),
        .purge = ask<tmsg::purged>(a, purge_atom_v, about<tmsg::purge>(journal, number))};
    run();
    return got;
  }

  node& a;
  node& b;
};

TEST_F(FrontRequests, GoToTheJobsHome) {
  ask_all(2, 1).each([](const char* what, const auto& got) {
    EXPECT_TRUE(got.value) << what << ": " << message_of(got.error);
  });
  EXPECT_TRUE(a.jobs->asked.empty());
}

TEST_F(FrontRequests, StayAtHomeWhereTheJobIsThere) {
  a.jobs->jobs.push_back({"mine", 1});
  ask_all(1, 1).each([](const char* what, const auto& got) { EXPECT_TRUE(got.value) << what; });
  EXPECT_TRUE(b.jobs->asked.empty());
}

TEST_F(FrontRequests, OfAnUnknownJournalAreNotFound) {
  ask_all(77, 1).each([](const char* what, const auto& got) {
    EXPECT_EQ(code_of(got.error), errc::not_found) << what;
  });
}

TEST_F(FrontRequests, ArePassedOnTheHomesOwnErrors) {
  auto got = ask<tmsg::jobsum>(a, summary_atom_v, ref(2, 99));
  run();
  EXPECT_EQ(code_of(got->error), errc::not_found);
}

TEST_F(FrontRequests, OfALostJournalSayWhichNodeIsWaitedFor) {
  lose(b);
  ask_all(2, 1).each([](const char* what, const auto& got) {
    EXPECT_EQ(code_of(got.error), errc::unavailable) << what;
    EXPECT_EQ(message_of(got.error), "waiting for journal " + to_string(journal_id{2}) +
                                         " (node b, last at b:2): start that node again with its "
                                         "data folder");
  });
}

TEST_F(FrontRequests, UnderWayAreAnsweredWhenTheHomeIsLostAndOnlyOnce) {
  b.jobs->hold = true;
  auto got = ask_all(2, 1);
  got.each([](const char* what, const auto& one) { ASSERT_FALSE(one.came()) << what; });
  lose(b);
  got.each([](const char* what, const auto& one) {
    EXPECT_EQ(code_of(one.error), errc::unavailable) << what;
    EXPECT_THAT(message_of(one.error), HasSubstr("node b (b:2) went away")) << what;
    EXPECT_THAT(message_of(one.error), HasSubstr("safe in its journal")) << what;
  });
  // It was only slow: what it says now is for nobody (answered twice would fail the test).
  wake(b.planner);
}

TEST_F(FrontRequests, ForPinnedWeightsCountTheJobsOfAllJournalsThatAreOpenHere) {
  message_builder<schema::WeightPin> question;
  question->setModel("small");
  auto counted = [&] {
    auto got = ask<tmsg::wtoutcm>(a, pin_atom_v, question.finish());
    run();
    std::map<std::string, std::uint64_t> found;
    EXPECT_TRUE(got->value) << message_of(got->error);
    if (!got->value) return found;
    auto reader = got->value->read();
    for (auto pin : reader->getPins())
      found.emplace(std::string{view(pin.getVersion())}, pin.getJobs());
    return found;
  };
  using counts = std::map<std::string, std::uint64_t>;
  EXPECT_EQ(counted(), (counts{{"1", 2}, {"of journal 1", 3}}));
  caf::anon_send(a.front, wire_atom_v, std::uint64_t{2}, caf::actor_cast<planner_actor>(b.planner));
  EXPECT_EQ(counted(), (counts{{"1", 4}, {"of journal 1", 3}, {"of journal 2", 3}}));
  for (std::uint64_t journal : {1, 2}) caf::anon_send(a.front, gone_atom_v, journal);
  EXPECT_EQ(counted(), counts{});
}

TEST_F(FrontRequests, GoOnWhenTheFolderIsBackAtAnotherAddress) {
  lose(b);
  come_back(b);
  tell(a, b);
  ask_all(2, 1).each([](const char* what, const auto& got) { EXPECT_TRUE(got.value) << what; });
}

TEST_F(FrontRequests, FollowAJournalThatIsTakenOver) {
  auto& c = add("c", 3, 30);
  meet_all();
  lose(b);
  // `c` opens journal 2: its planner is the one that b had.
  caf::anon_send(c.front, wire_atom_v, std::uint64_t{2}, caf::actor_cast<planner_actor>(b.planner));
  message_builder<schema::Member> member;
  member->setName("c");
  member->setIncarnation(c.incarnation);
  member->initRoles(1).set(0, "planner");
  auto journals = member->initJournals(2);
  journals.set(0, 3);
  journals.set(1, 2);
  auto births = member->initJournalBirthsMs(2);
  births.set(0, 30);
  births.set(1, 20);
  member->setState(schema::MemberState::ALIVE);
  peer_handles handles;
  handles.front = caf::actor_cast<caf::actor>(c.front);
  caf::anon_send(a.front, member_atom_v, member.finish(), handles);
  run();
  ask_all(2, 1).each([](const char* what, const auto& got) { EXPECT_TRUE(got.value) << what; });
  caf::anon_send(c.front, gone_atom_v, std::uint64_t{2});
  run();
  ask_all(2, 1).each([](const char* what, const auto& got) {
    EXPECT_EQ(code_of(got.error), errc::unavailable) << what;
    EXPECT_THAT(message_of(got.error), HasSubstr("not open on node c any more")) << what;
  });
}

TEST_F(FrontRequests, AreNeverPassedOnTwice) {
  // Each believes that the other is the home of journal 9.
  for (auto* pair : {&a, &b}) {
    auto& other = pair == &a ? b : a;
    message_builder<schema::Member> member;
    member->setName(other.name);
    member->setIncarnation(other.incarnation);
    member->initJournals(1).set(0, 9);
    member->setState(schema::MemberState::ALIVE);
    peer_handles handles;
    handles.front = caf::actor_cast<caf::actor>(other.front);
    caf::anon_send(pair->front, member_atom_v, member.finish(), handles);
  }
  run();
  ask_all(9, 1).each([](const char* what, const auto& got) {
    EXPECT_EQ(code_of(got.error), errc::unavailable) << what;
  });
}

TEST_F(FrontRequests, BeyondTheLimitOfAPeerAreRefused) {
  auto& c = add("c", 3, 30, {.peer_requests_max = 2});
  tell(c, b);
  b.jobs->hold = true;
  auto first = ask<tmsg::jobsum>(c, wait_atom_v, ref(2, 1));
  auto second = ask<tmsg::jobsum>(c, wait_atom_v, ref(2, 1));
  auto third = ask<tmsg::jobsum>(c, wait_atom_v, ref(2, 1));
  run();
  unsigned refused = 0;
  for (const auto& got : {first, second, third})
    if (got->failed && code_of(got->error) == errc::overloaded) ++refused;
  EXPECT_EQ(refused, 1u);
  wake(b.planner);
  EXPECT_TRUE(first->came() && second->came() && third->came());
}

TEST_F(FrontRequests, OfAClientWithoutAKeyAreSubmittedHere) {
  auto got = ask<tmsg::submitd>(a, submit_atom_v, goal("x"));
  run();
  EXPECT_EQ(journal_of(*got), 1u);
}

TEST_F(FrontRequests, TooLargeForAMessageBetweenNodesAreRefusedAtOnce) {
  for (std::string key : {"", "k"}) {
    auto large = goal(std::string(std::size_t{1} << 20, 'x'), key);
    auto got = ask<tmsg::submitd>(a, submit_atom_v, large);
    run();
    EXPECT_EQ(code_of(got->error), errc::invalid_argument);
    EXPECT_THAT(message_of(got->error), HasSubstr("jobs.goal_bytes_max"));
  }
}

TEST_F(FrontRequests, OfADrainingNodeAreSubmittedElsewhereInTurn) {
  auto& c = add("c", 3, 30);
  meet_all();
  caf::anon_send(a.front, drain_atom_v, true);
  for (int i = 0; i < 4; ++i) ask<tmsg::submitd>(a, submit_atom_v, goal("x"));
  run();
  EXPECT_TRUE(a.jobs->jobs.empty());
  EXPECT_EQ(b.jobs->jobs.size(), 3u);
  EXPECT_EQ(c.jobs->jobs.size(), 2u);
  tell(a, b, schema::MemberState::ALIVE, true);
  tell(a, c, schema::MemberState::SUSPECT);
  auto got = ask<tmsg::submitd>(a, submit_atom_v, goal("x"));
  run();
  EXPECT_EQ(code_of(got->error), errc::unavailable);
  EXPECT_THAT(message_of(got->error), HasSubstr("drains"));
}

TEST_F(FrontRequests, SubmittedWithoutAKeySayThatTheirFateIsUnknown) {
  caf::anon_send(a.front, drain_atom_v, true);
  b.jobs->hold = true;
  auto got = ask<tmsg::submitd>(a, submit_atom_v, goal("x"));
  run();
  ASSERT_FALSE(got->came());
  lose(b);
  EXPECT_EQ(code_of(got->error), errc::unavailable);
  EXPECT_THAT(message_of(got->error), HasSubstr("may or may not have been accepted"));
  EXPECT_THAT(message_of(got->error), HasSubstr("use a client key"));
}

TEST_F(FrontRequests, UnderWayAreAnsweredWhenTheFrontItselfStops) {
  b.jobs->hold = true;
  auto got = ask_all(2, 1);
  caf::anon_send_exit(a.front, caf::exit_reason::user_shutdown);
  run();
  got.each([](const char* what, const auto& one) { EXPECT_TRUE(one.failed) << what; });
}

}  // namespace
}  // namespace tandem::testing
