// Three meshes in one process, each with an actor system of its own, over mutual TLS on loopback.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <gtest/gtest.h>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/openssl/publish.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/mesh/mesh.hpp"
#include "actors/supervisor/supervisor_actor.hpp"
#include "actors/system/caf_settings.hpp"
#include "config/certificates.hpp"
#include "schema/text.hpp"
#include "tests/unit/config/test_folder.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using schema::MemberState;

constexpr auto patience = 20s;

/// What a listener was told, in order, as `alive beta 2`.
class told_list {
 public:
  void add(std::string text) {
    std::lock_guard lock{mutex_};
    texts_.push_back(std::move(text));
    changed_.notify_all();
  }
  bool wait_for(const std::string& text) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] {
      return std::find(texts_.begin(), texts_.end(), text) != texts_.end();
    });
  }
  std::vector<std::string> all() const {
    std::lock_guard lock{mutex_};
    return texts_;
  }
  void clear() {
    std::lock_guard lock{mutex_};
    texts_.clear();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> texts_;
};

std::string state_text(MemberState state) {
  switch (state) {
    case MemberState::ALIVE:
      return "alive ";
    case MemberState::SUSPECT:
      return "suspect ";
    case MemberState::GONE:
      return "gone ";
    case MemberState::LEFT:
      return "left ";
    default:
      return "unknown ";
  }
}

caf::behavior listen(caf::event_based_actor*, std::shared_ptr<told_list> told) {
  return {[told](member_atom, const tmsg::member& member, const peer_handles& handles) {
    auto reader = member.read();
    auto lives =
        reader->getState() == MemberState::ALIVE || reader->getState() == MemberState::SUSPECT;
    auto sound =
        lives == static_cast<bool>(handles.mesh) && lives == static_cast<bool>(handles.supervisor);
    told->add(state_text(reader->getState()) + std::string{view(reader->getName())} + ' ' +
              std::to_string(reader->getIncarnation()) + (sound ? "" : " with wrong handles"));
  }};
}

/// The only part of a supervisor that the mesh needs.
greeter_actor::behavior_type greet(greeter_actor::pointer self, mesh_inside mesh) {
  return {[self, mesh](hello_atom, const tmsg::hello& hello, const peer_handles& handles) {
    return self->delegate(caf::actor_cast<mesh_actor>(mesh), hello_atom_v, hello, handles);
  }};
}

struct options {
  std::string name;
  std::uint64_t incarnation = 1;
  std::string cluster = "tandem";
  std::vector<std::string> join{};
  std::vector<std::uint64_t> journals{};
  std::uint16_t port = 0;
};

/// One node: an actor system with a supervisor that is published and a mesh.
class member_node {
 public:
  member_node(const tls_files& files, const options& from) {
    auto config = system_config::make({.threads = 2, .network = files});
    if (!config) throw std::runtime_error{message_of(config.error())};
    config_ = std::move(*config);
    system_ = std::make_unique<caf::actor_system>(*config_);
    told = std::make_shared<told_list>();
    listener_ = system_->spawn(listen, told);
    mesh_setup setup;
    setup.config.name = from.cluster;
    setup.config.join = from.join;
    setup.config.heartbeat = 100ms;
    setup.config.suspect_after = 300ms;
    setup.config.gone_after = 1000ms;
    setup.listeners = {caf::actor_cast<member_listener>(listener_)};
    setup.dial = make_dialer(files, 2s);
    setup.random_seed = from.incarnation;
    own_.emplace();
    (*own_)->setName(from.name);
    (*own_)->setIncarnation(from.incarnation);
    (*own_)->setProtocol(protocol_version);
    (*own_)->setVersion("0.0.1");
    auto journals = (*own_)->initJournals(static_cast<unsigned>(from.journals.size()));
    for (unsigned i = 0; i < journals.size(); ++i) journals.set(i, from.journals[i]);
    setup.own = own_->finish();
    // Not detached as in a node: now and then CAF 0.17 never lets go of a detached actor that has
    // ended, and the end of its system waits for it. A node has a guard against that.
    mesh_ = system_->spawn(mesh_behavior, setup);
    supervisor_ = system_->spawn(greet, mesh_);
    auto port = caf::openssl::publish(supervisor_, from.port, "127.0.0.1", true);
    if (!port) throw std::runtime_error{caf::to_string(port.error())};
    this->port = *port;
    address = "127.0.0.1:" + std::to_string(*port);
    peer_handles handles;
    handles.supervisor = caf::actor_cast<caf::actor>(supervisor_);
    caf::anon_send(mesh_, wire_atom_v, handles);
    (*own_)->setAddress(address);
    caf::anon_send(mesh_, node_atom_v, own_->finish());
  }
  ~member_node() { stop(); }

  /// Says good-bye.
  void stop() { end(caf::exit_reason::user_shutdown); }
  /// Says nothing, as a process that is killed.
  void kill() { end(caf::exit_reason::kill); }

  tmsg::actstat status() {
    caf::scoped_actor self{*system_};
    tmsg::actstat result;
    self->request(mesh_, patience, status_atom_v)
        .receive([&result](const tmsg::actstat& status) { result = status; },
                 [](const caf::error& err) { ADD_FAILURE() << caf::to_string(err); });
    return result;
  }
  std::size_t members() {
    caf::scoped_actor self{*system_};
    std::size_t count = 0;
    self->request(mesh_, patience, member_atom_v)
        .receive([&count](const tmsg::memlist& list) { count = list.read()->getMembers().size(); },
                 [](const caf::error& err) { ADD_FAILURE() << caf::to_string(err); });
    return count;
  }

  std::shared_ptr<told_list> told;
  std::string address;
  std::uint16_t port = 0;

 private:
  void end(caf::exit_reason reason) {
    if (!system_) return;
    {
      caf::scoped_actor self{*system_};
      caf::anon_send_exit(mesh_, reason);
      self->wait_for(mesh_);
    }
    caf::anon_send_exit(supervisor_, caf::exit_reason::kill);
    caf::anon_send_exit(listener_, caf::exit_reason::kill);
    mesh_ = nullptr;
    supervisor_ = nullptr;
    listener_ = nullptr;
    system_.reset();
  }

  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::optional<message_builder<schema::Member>> own_;
  caf::actor listener_;
  mesh_inside mesh_;
  greeter_actor supervisor_;
};

class mesh_tls : public ::testing::Test {
 protected:
  mesh_tls() {
    auto files = ensure_certificates(folder_ / "tls", "alpha", {});
    if (!files) throw std::runtime_error{message_of(files.error())};
    files_ = *files;
  }
  std::unique_ptr<member_node> start(const options& from) {
    return std::make_unique<member_node>(files_, from);
  }

  test::test_folder folder_;
  tls_files files_;
};

TEST_F(mesh_tls, ThreeNodesFindEachOtherThroughOneOfThem) {
  auto alpha = start({.name = "alpha", .incarnation = 1});
  auto beta = start({.name = "beta", .incarnation = 2, .join = {alpha->address}});
  auto gamma = start({.name = "gamma", .incarnation = 3, .join = {alpha->address}});
  for (auto* node : {&alpha, &beta})
    EXPECT_TRUE((*node)->told->wait_for("alive gamma 3")) << (*node)->address;
  for (auto* node : {&alpha, &gamma})
    EXPECT_TRUE((*node)->told->wait_for("alive beta 2")) << (*node)->address;
  for (auto* node : {&beta, &gamma})
    EXPECT_TRUE((*node)->told->wait_for("alive alpha 1")) << (*node)->address;
  EXPECT_EQ(alpha->members(), 3u);
}

TEST_F(mesh_tls, ANodeThatDiesIsGoneAndItsNextStartJoins) {
  auto alpha = start({.name = "alpha", .incarnation = 1});
  auto beta = start({.name = "beta", .incarnation = 2, .join = {alpha->address}});
  auto gamma =
      start({.name = "gamma", .incarnation = 3, .join = {alpha->address}, .journals = {7}});
  ASSERT_TRUE(alpha->told->wait_for("alive gamma 3"));
  ASSERT_TRUE(beta->told->wait_for("alive gamma 3"));
  gamma->kill();
  EXPECT_TRUE(alpha->told->wait_for("gone gamma 3"));
  EXPECT_TRUE(beta->told->wait_for("gone gamma 3"));
  gamma = start({.name = "gamma", .incarnation = 33, .join = {beta->address}, .journals = {7}});
  EXPECT_TRUE(alpha->told->wait_for("alive gamma 33"));
  EXPECT_TRUE(beta->told->wait_for("alive gamma 33"));
  EXPECT_EQ(alpha->members(), 3u);
}

TEST_F(mesh_tls, ANodeThatStopsSaysGoodBye) {
  auto alpha = start({.name = "alpha", .incarnation = 1});
  auto beta = start({.name = "beta", .incarnation = 2, .join = {alpha->address}});
  ASSERT_TRUE(alpha->told->wait_for("alive beta 2"));
  ASSERT_TRUE(beta->told->wait_for("alive alpha 1"));
  beta->stop();
  EXPECT_TRUE(alpha->told->wait_for("left beta 2"));
}

TEST_F(mesh_tls, ASeedMayComeLater) {
  auto first = start({.name = "alpha", .incarnation = 1});
  auto port = first->port;
  auto address = first->address;
  first.reset();
  auto beta = start({.name = "beta", .incarnation = 2, .join = {address}});
  EXPECT_TRUE(beta->told->all().empty());
  auto alpha = start({.name = "alpha", .incarnation = 11, .port = port});
  EXPECT_TRUE(beta->told->wait_for("alive alpha 11"));
}

TEST_F(mesh_tls, AnotherClusterIsRefusedAndTheReasonIsShown) {
  auto alpha = start({.name = "alpha", .incarnation = 1});
  auto beta =
      start({.name = "beta", .incarnation = 2, .cluster = "other", .join = {alpha->address}});
  std::string error;
  for (auto end = std::chrono::steady_clock::now() + patience;
       error.empty() && std::chrono::steady_clock::now() < end;)
    error = view(beta->status().read()->getLastError());
  EXPECT_NE(error.find("'other'"), std::string::npos) << error;
  EXPECT_NE(error.find("'tandem'"), std::string::npos) << error;
  EXPECT_TRUE(alpha->told->all().empty());
}

}  // namespace
}  // namespace tandem
