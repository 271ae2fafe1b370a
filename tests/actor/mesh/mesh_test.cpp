// Meshes that lose sight of each other, without a network: who is told what, and when.

#include "tests/actor/mesh/mesh_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

TEST_F(Mesh, TwoNodesMeetAndStayAliveWithoutAWord) {
  auto& alpha = start("alpha", 1);
  auto& beta = start("beta", 2, {"alpha"});
  EXPECT_THAT(alpha.told, ElementsAre("alive beta 2"));
  EXPECT_THAT(beta.told, ElementsAre("alive alpha 1"));
  forget_told();
  pass(2min);
  EXPECT_THAT(alpha.told, IsEmpty());
  EXPECT_THAT(beta.told, IsEmpty());
  EXPECT_THAT(beta.dialed, IsEmpty());
}

TEST_F(Mesh, AThirdIsConnectedToAllThroughOneSeed) {
  auto& alpha = start("alpha", 1);
  auto& beta = start("beta", 2, {"alpha"});
  auto& gamma = start("gamma", 3, {"alpha"});
  pass(100ms);
  EXPECT_THAT(alpha.told, ElementsAre("alive beta 2", "alive gamma 3"));
  EXPECT_THAT(beta.told, ElementsAre("alive alpha 1", "alive gamma 3"));
  EXPECT_THAT(gamma.told, UnorderedElementsAre("alive alpha 1", "alive beta 2"));
  EXPECT_THAT(members(gamma), UnorderedElementsAre("alive gamma", "alive alpha", "alive beta"));
}

TEST_F(Mesh, ASilentCutIsNoticedInTime) {
  cluster_config config;
  auto& alpha = start("alpha", 1);
  auto& beta = start("beta", 2, {"alpha"});
  // Wherever within a heartbeat it comes.
  for (auto offset = 0ms; offset < config.heartbeat; offset += 90ms) {
    pass(20s + offset);
    forget_told();
    cut_both("alpha", "beta");
    auto suspected = until_told(alpha, "suspect beta 2");
    EXPECT_GE(suspected, config.suspect_after - config.heartbeat);
    EXPECT_LE(suspected, config.suspect_after + 200ms);
    EXPECT_TRUE(alpha.handles.back().mesh) << "its actors may still answer";
    auto gone = suspected + until_told(alpha, "gone beta 2");
    EXPECT_GE(gone, config.gone_after - config.heartbeat);
    EXPECT_LE(gone, config.gone_after + 200ms);
    EXPECT_THAT(alpha.told, ElementsAre("suspect beta 2", "gone beta 2"));
    pass(1s);
    EXPECT_THAT(beta.told, ElementsAre("suspect alpha 1", "gone alpha 1"));
    heal();
    EXPECT_LE(until_told(alpha, "alive beta 2"), 7s) << "dialed again";
    EXPECT_THAT(beta.told, ElementsAre("suspect alpha 1", "gone alpha 1", "alive alpha 1"));
  }
}

TEST_F(Mesh, AShortSilenceIsForgiven) {
  auto& alpha = start("alpha", 1);
  auto& beta = start("beta", 2, {"alpha"});
  pass(10s);
  forget_told();
  cut_both("alpha", "beta");
  pass(2s);
  heal();
  pass(10s);
  EXPECT_THAT(alpha.told, ElementsAre("suspect beta 2", "alive beta 2"));
  EXPECT_THAT(beta.told, ElementsAre("suspect alpha 1", "alive alpha 1"));
  EXPECT_THAT(alpha.dialed, IsEmpty());
  EXPECT_THAT(beta.dialed, IsEmpty());
}

TEST_F(Mesh, ALossThatOnlyOneSideNoticedIsToldOnBoth) {
  auto& alpha = start("alpha", 1);
  auto& beta = start("beta", 2, {"alpha"});
  pass(10s);
  forget_told();
  cut("beta", "alpha");
  until_told(alpha, "gone beta 2");
  EXPECT_THAT(beta.told, IsEmpty()) << "it heard every pulse";
  heal();
  until_told(alpha, "alive beta 2");
  EXPECT_THAT(alpha.told, ElementsAre("suspect beta 2", "gone beta 2", "alive beta 2"));
  EXPECT_THAT(beta.told, ElementsAre("gone alpha 1", "alive alpha 1"))
      << "what alpha gave up is lost on this side, too";
  forget_told();
  pass(1min);
  EXPECT_THAT(alpha.told, IsEmpty());
  EXPECT_THAT(beta.told, IsEmpty());
}

TEST_F(Mesh, ABrokenConnectionIsALossAtOnceAndIsMadeAgain) {
  auto& alpha = start("alpha", 1);
  auto& beta = start("beta", 2, {"alpha"});
  pass(10s);
  forget_told();
  disconnect("alpha", "beta");
  EXPECT_THAT(alpha.told, ElementsAre("gone beta 2"));
  EXPECT_THAT(beta.told, ElementsAre("gone alpha 1"));
  pass(1s);
  EXPECT_THAT(alpha.told, ElementsAre("gone beta 2", "alive beta 2"));
  EXPECT_THAT(beta.told, ElementsAre("gone alpha 1", "alive alpha 1"));
}

TEST_F(Mesh, AConnectionThatEndsIsALossOnBothSidesThoughAnotherOneIsLeft) {
  auto& alpha = start("alpha", 1);
  auto& beta = start("beta", 2, {"alpha"});
  pass(10s);
  forget_told();
  // The one that beta made to its seed.
  caf::anon_send(beta.mesh, gone_atom_v, std::string{"alpha:7420"});
  run();
  EXPECT_THAT(beta.told, ElementsAre("gone alpha 1"));
  EXPECT_LE(until_told(beta, "alive alpha 1"), 7s) << "over the connection that is left";
  EXPECT_THAT(alpha.told, ElementsAre("gone beta 2", "alive beta 2"));
  forget_told();
  caf::anon_send(beta.mesh, gone_atom_v, std::string{"nobody:7420"});
  pass(1min);
  EXPECT_THAT(alpha.told, IsEmpty());
  EXPECT_THAT(beta.told, IsEmpty());
}

TEST_F(Mesh, ACutBetweenTwoOfThreeStaysBetweenThem) {
  auto& alpha = start("alpha", 1);
  auto& beta = start("beta", 2, {"alpha"});
  auto& gamma = start("gamma", 3, {"alpha"});
  pass(10s);
  forget_told();
  cut_both("beta", "gamma");
  pass(1min);
  EXPECT_THAT(alpha.told, IsEmpty()) << "it hears both";
  EXPECT_THAT(beta.told, ElementsAre("suspect gamma 3", "gone gamma 3"));
  EXPECT_THAT(gamma.told, ElementsAre("suspect beta 2", "gone beta 2"));
  pass(11min);
  heal();
  EXPECT_LE(until_told(beta, "alive gamma 3"), 7s) << "alpha kept saying that it lives";
  pass(1s);
  EXPECT_THAT(gamma.told, Contains("alive beta 2"));
}

TEST_F(Mesh, AKilledNodeComesBackAsAnother) {
  auto& alpha = start("alpha", 1);
  start("beta", 2, {"alpha"});
  pass(10s);
  forget_told();
  kill("beta");
  EXPECT_THAT(alpha.told, ElementsAre("gone beta 2"));
  start("beta", 22);
  until_told(alpha, "alive beta 22", 7s);
  EXPECT_THAT(alpha.told, ElementsAre("gone beta 2", "alive beta 22"));
  EXPECT_THAT(members(alpha), ElementsAre("alive alpha", "alive beta"));
}

TEST_F(Mesh, WhoStopsSaysGoodBye) {
  auto& alpha = start("alpha", 1);
  start("beta", 2, {"alpha"});
  forget_told();
  end("beta", caf::exit_reason::user_shutdown);
  EXPECT_THAT(alpha.told, ElementsAre("left beta 2"));
  pass(1min);
  EXPECT_THAT(alpha.dialed, IsEmpty());
}

TEST_F(Mesh, DrainingIsToldToAllAtOnce) {
  auto& alpha = start("alpha", 1);
  auto& beta = start("beta", 2, {"alpha"});
  auto& gamma = start("gamma", 3, {"alpha"});
  pass(1s);
  forget_told();
  beta.own.draining = true;
  for (int i = 0; i < 2; ++i) caf::anon_send(beta.mesh, node_atom_v, member_of(beta.own));
  run();
  EXPECT_THAT(alpha.told, ElementsAre("alive beta 2 draining"));
  EXPECT_THAT(gamma.told, ElementsAre("alive beta 2 draining"));
  EXPECT_THAT(beta.told, IsEmpty());
}

TEST_F(Mesh, NewHandlesOfANodeAreANewSession) {
  auto& alpha = start("alpha", 1);
  auto& beta = start("beta", 2, {"alpha"});
  forget_told();
  peer_handles handles;
  handles.supervisor = idle();
  handles.exchange = beta.exchange = idle();
  caf::anon_send(beta.mesh, wire_atom_v, handles);
  run();
  EXPECT_THAT(alpha.told, ElementsAre("gone beta 2", "alive beta 2"));
  EXPECT_EQ(alpha.handles.back().exchange, handles.exchange);
  EXPECT_THAT(members(alpha), ElementsAre("alive alpha", "alive beta"));
  EXPECT_THAT(members(beta), ElementsAre("alive beta", "alive alpha"));
  pass(1min);
  EXPECT_THAT(alpha.told, Not(Contains("suspect beta 2")));
}

TEST_F(Mesh, AListenerThatComesLaterIsToldOfAllAndOneThatEndsIsForgotten) {
  auto& alpha = start("alpha", 1);
  start("beta", 2, {"alpha"});
  start("gamma", 3, {"alpha"});
  kill("gamma");
  forget_told();
  caf::anon_send(alpha.mesh, wire_atom_v, listen(alpha));
  run();
  EXPECT_THAT(alpha.told, ElementsAre("alive beta 2", "gone gamma 3"));
  caf::anon_send_exit(alpha.listener, caf::exit_reason::kill);
  run();
  forget_told();
  kill("beta");
  EXPECT_THAT(alpha.told, ElementsAre("gone beta 2")) << "by the one that is left";
}

}  // namespace
}  // namespace tandem::testing
