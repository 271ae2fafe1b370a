// A peer that the test speaks for: what it may say, and what is not listened to.

#include "schema/errc.hpp"
#include "tests/actor/mesh/mesh_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

tmsg::pulse pulse_of(std::uint64_t incarnation) {
  message_builder<schema::Pulse> pulse;
  pulse->setIncarnation(incarnation);
  pulse->setNumber(~std::uint64_t{0});
  return pulse.finish();
}

TEST_F(Mesh, WhatStrangersSayIsNotListenedTo) {
  auto& alpha = start("alpha", 1);
  for (std::uint64_t who : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{9}})
    caf::anon_send(alpha.mesh, pulse_atom_v, pulse_of(who));
  caf::anon_send(alpha.mesh, member_atom_v, list_of({}));
  caf::anon_send(alpha.mesh, member_atom_v,
                 list_of({{.name = "ghost", .incarnation = 9}, {.name = "x", .incarnation = 10}}));
  caf::anon_send(alpha.mesh, leave_atom_v,
                 member_of({.incarnation = 9, .state = schema::MemberState::LEFT}));
  run();
  pass(10s);
  EXPECT_THAT(alpha.told, IsEmpty());
  EXPECT_THAT(alpha.dialed, IsEmpty());
  EXPECT_THAT(members(alpha), ElementsAre("alive alpha"));
}

TEST_F(Mesh, AHelloWithoutActorsOrWithNonsenseIsRefused) {
  auto& alpha = start("alpha", 1);
  EXPECT_EQ(code_of(say_hello(alpha, {}, {})), errc::invalid_argument);
  peer_handles handles;
  handles.supervisor = idle();
  EXPECT_EQ(code_of(say_hello(alpha, {}, handles)), errc::invalid_argument);
  handles.mesh = idle();
  EXPECT_EQ(code_of(say_hello(alpha, {.of = {.name = "a\nb"}}, handles)), errc::invalid_argument);
  EXPECT_EQ(code_of(say_hello(alpha, {.of = {.incarnation = 0}}, handles)), errc::invalid_argument);
  EXPECT_EQ(code_of(say_hello(alpha, {.of = {}, .cluster = "other"}, handles)), errc::conflict);
  EXPECT_EQ(code_of(say_hello(alpha, {.of = alpha.own}, handles)), errc::conflict);
  EXPECT_THAT(alpha.told, IsEmpty());
  EXPECT_FALSE(say_hello(alpha, {}, handles));
  EXPECT_THAT(alpha.told, ElementsAre("alive beta 2"));
}

TEST_F(Mesh, NullHandlesBesideTheTwoThatCountAreFine) {
  auto& alpha = start("alpha", 1);
  peer_handles handles;
  handles.supervisor = idle();
  handles.mesh = idle();
  EXPECT_FALSE(say_hello(alpha, {}, handles));
  ASSERT_EQ(alpha.handles.size(), 1u);
  EXPECT_FALSE(alpha.handles[0].exchange);
  EXPECT_FALSE(alpha.handles[0].front);
  EXPECT_FALSE(alpha.handles[0].replicas);
}

TEST_F(Mesh, ANodeWithoutAnAddressNeitherDialsNorAnswers) {
  auto& alpha = start("alpha", 1);
  auto own = alpha.own;
  own.address = "-";
  caf::anon_send(alpha.mesh, node_atom_v, member_of(own));
  run();
  peer_handles handles;
  handles.supervisor = idle();
  handles.mesh = idle();
  EXPECT_EQ(code_of(say_hello(alpha, {}, handles)), errc::unavailable);
  caf::anon_send(alpha.mesh, node_atom_v, member_of(alpha.own));
  run();
  EXPECT_FALSE(say_hello(alpha, {}, handles));
}

TEST_F(Mesh, AnActorOfThePeerThatEndsIsALoss) {
  auto& alpha = start("alpha", 1);
  peer_handles handles;
  handles.supervisor = idle();
  handles.mesh = idle();
  EXPECT_FALSE(say_hello(alpha, {}, handles));
  caf::anon_send_exit(handles.mesh, caf::exit_reason::kill);
  run();
  EXPECT_THAT(alpha.told, ElementsAre("alive beta 2", "gone beta 2"));
}

TEST_F(Mesh, AListOfTenThousandByAMemberIsBounded) {
  cluster_config config;
  config.members_max = 256;
  auto& alpha = start("alpha", 1, {}, config);
  peer_handles handles;
  handles.supervisor = idle();
  handles.mesh = idle();
  EXPECT_FALSE(say_hello(alpha, {}, handles));
  std::vector<saying> all{{}};
  for (std::uint64_t i = 0; i < 10'000; ++i)
    all.push_back({.name = "n" + std::to_string(i), .incarnation = 100 + i});
  caf::anon_send(alpha.mesh, member_atom_v, list_of(all));
  run();
  EXPECT_LE(alpha.dialed.size(), config.members_max);
  EXPECT_EQ(members(alpha).size(), config.members_max);
  EXPECT_THAT(alpha.told, ElementsAre("alive beta 2"));
}

TEST_F(Mesh, ThePeersMailboxGetsOnePulseAHeartbeat) {
  auto& alpha = start("alpha", 1);
  auto pulses = std::make_shared<int>(0);
  auto lists = std::make_shared<int>(0);
  peer_handles handles;
  handles.supervisor = idle();
  handles.mesh = counter(pulses, lists);
  EXPECT_FALSE(say_hello(alpha, {}, handles));
  for (int i = 0; i < 100; ++i) {
    pass(500ms);
    caf::anon_send(alpha.mesh, pulse_atom_v, pulse_of(2));
    run();
  }
  EXPECT_NEAR(*pulses, 100, 1);
  EXPECT_NEAR(*lists, 10, 1);
}

}  // namespace
}  // namespace tandem::testing
