#include <gtest/gtest.h>

#include <memory>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <caf/send.hpp>
#include <caf/type_id.hpp>

#include "actors/mesh/peer_handles.hpp"
#include "schema/types.hpp"
#include "tests/unit/schema/message_walk.hpp"
#include "tests/unit/schema/sample.hpp"

namespace tandem::testing {
namespace {

using all_types = ::testing::Types<
    tmsg::submit, tmsg::submitd, tmsg::jobref, tmsg::jobsum, tmsg::jobqry, tmsg::joblist,
    tmsg::jobview, tmsg::follow, tmsg::events, tmsg::resqry, tmsg::reschnk, tmsg::jobcmd,
    tmsg::purge, tmsg::purged, tmsg::feedbk, tmsg::attempt, tmsg::chunk, tmsg::attres, tmsg::cancel,
    tmsg::rtqry, tmsg::decisn, tmsg::reward, tmsg::engstat, tmsg::actstat, tmsg::nodstat,
    tmsg::topo, tmsg::engqry, tmsg::engrep, tmsg::member, tmsg::hello, tmsg::pulse, tmsg::memlist,
    tmsg::offer, tmsg::work, tmsg::workchnk, tmsg::workres, tmsg::workcncl, tmsg::piece,
    tmsg::receipt, tmsg::repwrite, tmsg::repack, tmsg::repqry, tmsg::repchnk, tmsg::drainqry,
    tmsg::engcmd, tmsg::keyqry, tmsg::keyrep, tmsg::armstat, tmsg::rtset, tmsg::rtcmd, tmsg::rtrep,
    tmsg::decrec, tmsg::rtchg, tmsg::cachqry, tmsg::cachrep, tmsg::cachent, tmsg::cachlv,
    tmsg::cachprg, tmsg::cachcmd, tmsg::cachrpt, tmsg::planlbl, tmsg::wtcmd, tmsg::wtrep,
    tmsg::wtnews, tmsg::wtorder, tmsg::wtoutcm, tmsg::wtpin, tmsg::engupd, tmsg::engupdd,
    tmsg::keycmd, tmsg::keyrpt, tmsg::keynews, tmsg::costqry, tmsg::costrep>;

template <class List>
struct length;
template <class... Ts>
struct length<::testing::Types<Ts...>> {
  static constexpr int value = sizeof...(Ts);
};

struct config : caf::actor_system_config {
  config() {
    set("scheduler.max-threads", 1u);
    add_message_types<caf::id_block::tandem_messages>();
    add_message_types<caf::id_block::tandem_mesh>();
  }
};

struct node {
  config cfg;
  caf::actor_system system{cfg};
};

/// An actor system must not outlive main(): at its end it touches thread-local state of CAF's
/// logger.
class node_environment : public ::testing::Environment {
 public:
  void SetUp() override { instance = std::make_unique<node>(); }
  void TearDown() override { instance.reset(); }

  static inline std::unique_ptr<node> instance;
};

const auto* const environment = ::testing::AddGlobalTestEnvironment(new node_environment);

node& the_node() {
  return *node_environment::instance;
}

using buffer = caf::binary_serializer::container_type;

template <class T>
buffer save(T& value) {
  buffer out;
  caf::binary_serializer sink{the_node().system, out};
  auto err = sink(value);
  EXPECT_FALSE(err) << caf::to_string(err);
  return out;
}

template <class T>
caf::error load(const buffer& bytes, T& value) {
  caf::binary_deserializer source{the_node().system, bytes};
  return source(value);
}

template <class T>
class messages : public ::testing::Test {};
TYPED_TEST_SUITE(messages, all_types);

TEST(message_types, AreAllInTheList) {
  EXPECT_EQ(length<all_types>::value,
            caf::id_block::tandem_messages::end - caf::id_block::tandem_messages::begin);
}

TEST(message_types, KeepTheirNumbers) {
  EXPECT_EQ(caf::type_id<tmsg::submit>::value, 200);
  EXPECT_EQ(caf::type_id<tmsg::attempt>::value, 215);
  EXPECT_EQ(caf::type_id<tmsg::topo>::value, 225);
}

TYPED_TEST(messages, ArriveAsTheyWereSent) {
  for (unsigned member = 0; member < 5; ++member) {
    auto sent = sample<typename TypeParam::schema_type>(member);
    auto envelope = caf::make_message(sent);
    auto wire = save(envelope);
    EXPECT_GT(wire.size(), sent.bytes().size());
    caf::message arrived;
    auto err = load(wire, arrived);
    ASSERT_FALSE(err) << caf::to_string(err);
    ASSERT_TRUE(arrived.match_elements<TypeParam>());
    const auto& got = arrived.get_as<TypeParam>(0);
    ASSERT_EQ(got.bytes().size(), sent.bytes().size());
    EXPECT_TRUE(std::equal(got.bytes().begin(), got.bytes().end(), sent.bytes().begin()));
    EXPECT_EQ(walk(got), walk(sent));
  }
}

TYPED_TEST(messages, EveryTruncationIsRefused) {
  auto sent = sample<typename TypeParam::schema_type>();
  auto wire = save(sent);
  for (std::size_t size = 0; size < wire.size(); ++size) {
    TypeParam got;
    ASSERT_TRUE(load({wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(size)}, got))
        << size;
    ASSERT_TRUE(got.empty()) << "nothing half-read comes out";
  }
}

TYPED_TEST(messages, AnnouncedSizesAreCheckedBeforeAnythingIsAllocated) {
  auto sent = sample<typename TypeParam::schema_type>();
  auto wire = save(sent);
  auto words = sent.bytes().size() / 8;
  for (std::uint32_t lie :
       {static_cast<std::uint32_t>(words + 1), static_cast<std::uint32_t>(words - 1), 0u,
        (1u << 17), (1u << 17) + 1, 0x7FFF'FFFFu, 0xFFFF'FFFFu}) {
    auto forged = wire;
    for (int i = 0; i < 4; ++i)
      forged[static_cast<std::size_t>(i)] = static_cast<char>(lie >> (24 - 8 * i));
    TypeParam got;
    auto err = load(forged, got);
    ASSERT_TRUE(err) << lie;
    if (lie != words - 1) {
      EXPECT_EQ(code_of(err), errc::malformed_message) << lie;
    }
  }
}

TEST(message_types, PeerHandlesArriveWithAndWithoutActors) {
  auto& system = the_node().system;
  auto actor =
      system.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](caf::unit_t) {}}; });
  peer_handles some;
  some.supervisor = actor;
  some.front = actor;
  for (const auto& sent : {peer_handles{}, some}) {
    auto envelope = caf::make_message(sample<schema::Hello>(1), sent);
    auto wire = save(envelope);
    caf::message arrived;
    auto err = load(wire, arrived);
    ASSERT_FALSE(err) << caf::to_string(err);
    ASSERT_TRUE((arrived.match_elements<tmsg::hello, peer_handles>()));
    const auto& got = arrived.get_as<peer_handles>(1);
    EXPECT_EQ(got.supervisor, sent.supervisor);
    EXPECT_EQ(got.mesh, sent.mesh);
    EXPECT_EQ(got.exchange, sent.exchange);
    EXPECT_EQ(got.front, sent.front);
    EXPECT_EQ(got.replicas, sent.replicas);
  }
  EXPECT_EQ(caf::type_id<peer_handles>::value, 320);
  caf::anon_send_exit(actor, caf::exit_reason::kill);
}

TEST(message_types, BadContentIsRefusedOnArrival) {
  message_builder<schema::Submit> builder;
  builder->setTenant("bad \xFF");
  auto sent = builder.finish();
  auto wire = save(sent);
  tmsg::submit got;
  EXPECT_EQ(code_of(load(wire, got)), errc::malformed_message);
}

TEST(message_types, MessagesAboveTheCapAreRefusedOnArrival) {
  message_builder<schema::Submit> builder;
  builder->setTenant(std::string(1u << 20, 'x'));
  auto sent = builder.finish();
  auto wire = save(sent);
  tmsg::submit got;
  EXPECT_EQ(code_of(load(wire, got)), errc::malformed_message);
}

TEST(message_types, TextsStayOutOfLogs) {
  message_builder<schema::Submit> builder;
  builder->setTenant("secret");
  auto printed = caf::to_string(caf::make_message(builder.finish()));
  EXPECT_EQ(printed.find("secret"), std::string::npos) << printed;
}

}  // namespace
}  // namespace tandem::testing
