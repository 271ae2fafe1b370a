#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/openssl/publish.hpp>
#include <caf/openssl/remote_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/system/caf_settings.hpp"
#include "config/certificates.hpp"
#include "schema/errc.hpp"
#include "schema/types.hpp"
#include "tests/unit/config/test_folder.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;

constexpr certificate_days day{1};
constexpr auto answer_timeout = 20s;

/// A peer that does not use our settings, and so is not stopped by our own checks.
struct hostile_config : caf::actor_system_config {
  explicit hostile_config(const tls_files& files) {
    set("middleman.connection-timeout", caf::timespan{1s});
    set("middleman.heartbeat-interval", caf::timespan{200ms});
    openssl_certificate = files.certificate.string();
    openssl_key = files.key.string();
    openssl_cafile = files.ca.string();
    load<caf::io::middleman>();
    load<caf::openssl::manager>();
  }
};

caf::behavior doubling_actor() {
  return {[](std::int32_t number) { return 2 * number; }};
}

class tls : public testing::Test {
 protected:
  tls() {
    auto files = ensure_certificates(folder_ / "server", "server", {});
    if (!files) throw std::runtime_error{message_of(files.error())};
    config_ = make_config(*files);
    system_ = std::make_unique<caf::actor_system>(*config_);
    server_ = system_->spawn(doubling_actor);
    auto port = caf::openssl::publish(server_, 0, "127.0.0.1");
    if (!port) throw std::runtime_error{caf::to_string(port.error())};
    port_ = *port;
  }

  ~tls() override { caf::anon_send_exit(server_, caf::exit_reason::user_shutdown); }

  static std::unique_ptr<system_config> make_config(const tls_files& files) {
    auto config = system_config::make({.threads = 1, .network = files});
    if (!config) throw std::runtime_error{message_of(config.error())};
    return std::move(*config);
  }

  /// Whether a peer with `config` gets an answer from the server.
  bool is_let_in(caf::actor_system_config& config) const {
    caf::actor_system system{config};
    auto remote = caf::openssl::remote_actor(system, "127.0.0.1", port_);
    return remote && answers(system, *remote);
  }

  static bool answers(caf::actor_system& system, const caf::actor& remote) {
    caf::scoped_actor self{system};
    bool is_answered = false;
    self->request(remote, answer_timeout, std::int32_t{21})
        .receive([&is_answered](std::int32_t number) { is_answered = number == 42; },
                 [](const caf::error&) {});
    return is_answered;
  }

  /// The server still serves those who may.
  bool is_healthy() const {
    auto config = make_config(certificate_files(folder_ / "server", certificate_kind::client));
    return is_let_in(*config);
  }

  test::test_folder folder_;
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::actor server_;
  std::uint16_t port_ = 0;
};

TEST_F(tls, LetsInTheLocalClient) {
  EXPECT_TRUE(is_healthy());
}

TEST_F(tls, LetsInANodeWithAnIssuedCertificate) {
  auto files = issue_certificate(folder_ / "server", {.name = "beta"}, folder_ / "beta");
  ASSERT_TRUE(files) << message_of(files.error());
  auto config = make_config(*files);
  EXPECT_TRUE(is_let_in(*config));
}

TEST_F(tls, CarriesOurMessages) {
  auto echo = system_->spawn([]() -> caf::behavior {
    return {[](const tandem::message<schema::JobRef>& job) { return job; }};
  });
  auto port = caf::openssl::publish(echo, 0, "127.0.0.1");
  ASSERT_TRUE(port);
  auto config = make_config(certificate_files(folder_ / "server", certificate_kind::client));
  caf::actor_system system{*config};
  auto remote = caf::openssl::remote_actor(system, "127.0.0.1", *port);
  ASSERT_TRUE(remote);
  message_builder<schema::JobRef> builder;
  auto sent = builder.finish();
  caf::scoped_actor self{system};
  self->request(*remote, answer_timeout, sent)
      .receive(
          [&sent](const tandem::message<schema::JobRef>& job) {
            EXPECT_TRUE(std::equal(sent.bytes().begin(), sent.bytes().end(), job.bytes().begin(),
                                   job.bytes().end()));
          },
          [](const caf::error& err) { ADD_FAILURE() << caf::to_string(err); });
  caf::anon_send_exit(echo, caf::exit_reason::user_shutdown);
}

TEST_F(tls, LetsInAPeerThatDoesNotUseOurSettingsButHasACertificate) {
  hostile_config config{certificate_files(folder_ / "server", certificate_kind::client)};
  EXPECT_TRUE(is_let_in(config));
}

TEST_F(tls, RefusesAForeignAuthority) {
  auto foreign = ensure_certificates(folder_ / "foreign", "server", {});
  ASSERT_TRUE(foreign);
  // It trusts the server's authority, so that the refusal is the server's.
  foreign->ca = folder_ / "server/ca.pem";
  hostile_config config{*foreign};
  EXPECT_FALSE(is_let_in(config));
  EXPECT_TRUE(is_healthy());
}

TEST_F(tls, IsNotTrustedByAPeerOfAnotherAuthority) {
  auto foreign = ensure_certificates(folder_ / "foreign", "server", {});
  ASSERT_TRUE(foreign);
  auto trusted = certificate_files(folder_ / "server", certificate_kind::client);
  trusted.ca = foreign->ca;
  hostile_config config{trusted};
  EXPECT_FALSE(is_let_in(config));
}

TEST_F(tls, RefusesAnExpiredCertificate) {
  auto expired = issue_certificate(folder_ / "server", {.name = "beta", .lifetime = -1 * day},
                                   folder_ / "old");
  ASSERT_TRUE(expired) << message_of(expired.error());
  hostile_config config{*expired};
  EXPECT_FALSE(is_let_in(config));
  EXPECT_TRUE(is_healthy());
}

TEST_F(tls, RefusesAPeerWithoutACertificate) {
  hostile_config config{{}};
  EXPECT_FALSE(is_let_in(config));
  EXPECT_TRUE(is_healthy());
}

TEST_F(tls, OurOwnSettingsRefuseFilesThatWouldNotDo) {
  auto expired = issue_certificate(folder_ / "server", {.name = "beta", .lifetime = -1 * day},
                                   folder_ / "old");
  ASSERT_TRUE(expired);
  EXPECT_EQ(code_of(system_config::make({.network = *expired}).error()), errc::not_authenticated);
  EXPECT_EQ(code_of(system_config::make({.network = tls_files{}}).error()),
            errc::not_authenticated);
}

TEST(settings, AreReadByCafInTheTypesThatItExpects) {
  test::test_folder folder;
  auto files = ensure_certificates(folder.path(), "server", {});
  ASSERT_TRUE(files);
  auto config = system_config::make({.threads = 3, .network = *files});
  ASSERT_TRUE(config);
  EXPECT_EQ(caf::get_or(**config, "middleman.heartbeat-interval", caf::timespan{0}), 500ms);
  EXPECT_EQ(caf::get_or(**config, "middleman.connection-timeout", caf::timespan{0}), 3s);
  EXPECT_EQ(caf::get_or(**config, "scheduler.max-threads", std::size_t{0}), 3u);
  EXPECT_EQ(caf::get_or(**config, "scheduler.policy", caf::atom("")), caf::atom("sharing"));
  caf::actor_system system{**config};
  EXPECT_EQ(system.scheduler().num_workers(), 3u);
  EXPECT_TRUE(system.openssl_manager().authentication_enabled());
}

TEST(settings, RenderOurErrorsInWords) {
  auto config = system_config::make({.threads = 1});
  ASSERT_TRUE(config);
  caf::actor_system system{**config};
  EXPECT_FALSE(system.has_middleman());
  EXPECT_EQ(system.render(make_error(errc::not_found, "job 7")), "not_found: job 7");
  EXPECT_EQ(system.render(make_error(errc::overloaded)), "overloaded");
}

}  // namespace
}  // namespace tandem
