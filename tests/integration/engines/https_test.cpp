// Engines over HTTPS: whom they believe, and that nothing is said to anybody else.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/certificates.hpp"
#include "tests/integration/engines/backend_client.hpp"
#include "tests/integration/engines/tls_front.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::test {
namespace {

using ::testing::HasSubstr;

class Https : public ::testing::Test {
 protected:
  /// A certificate for localhost and 127.0.0.1, by an authority of its own.
  tls_files authority(const std::string& name) {
    auto files = ensure_certificates(folder_.path() / name, "llm", {});
    if (!files) throw std::runtime_error{message_of(files.error())};
    return *files;
  }
  engine_config engine_at(const tls_front& front, const std::filesystem::path& ca) {
    auto config = test::engine_at(stub_);
    config.http.url = front.url();
    config.http.ca_file = ca;
    return config;
  }
  /// It is no server to talk to, and it has heard nothing.
  void expect_refused(const engine_config& config) {
    backend_client at{config};
    auto result = at.ask(question());
    EXPECT_EQ(result.code, errc::engine_failed);
    EXPECT_THAT(result.error, HasSubstr("TLS failed"));
    auto seen = at.wait_status([](const auto& s) { return s.health == schema::Health::UNHEALTHY; });
    EXPECT_THAT(seen.reason, HasSubstr("TLS failed"));
    EXPECT_EQ(stub_.counts().requests + stub_.counts().other_requests, 0u);
  }

  temp_folder folder_;
  tls_files good_ = authority("good");
  stub_engine stub_{{.api_key = "a-secret"}};
};

TEST_F(Https, AnswersUnderTheAuthorityAndWithTheKeyOfItsConfiguration) {
  tls_front front{good_, stub_.port(), "127.0.0.1"};
  auto config = engine_at(front, good_.ca);
  config.http.api_key_file = folder_.path() / "key";
  write_text(config.http.api_key_file, "a-secret\n");
  backend_client at{config};
  at.wait_status([](const auto& s) { return s.health == schema::Health::HEALTHY; });
  auto result = at.ask(question("add 12 7"));
  EXPECT_EQ(result.code, errc::unknown) << result.error;
  EXPECT_EQ(result.text, "add 12 7");
  stub_.push(stub_answer::say(std::string(200'000, 'x')));
  EXPECT_EQ(at.ask(question()).text.size(), 200'000u);
}

TEST_F(Https, ACertificateOfAForeignAuthorityIsRefused) {
  tls_front front{good_, stub_.port(), "127.0.0.1"};
  expect_refused(engine_at(front, authority("other").ca));
}

TEST_F(Https, ACertificateThatTheSystemDoesNotKnowIsRefused) {
  tls_front front{good_, stub_.port(), "127.0.0.1"};
  expect_refused(engine_at(front, {}));
}

TEST_F(Https, ACertificateForAnotherHostIsRefused) {
  tls_front front{good_, stub_.port(), "127.0.0.2"};
  expect_refused(engine_at(front, good_.ca));
}

TEST_F(Https, AnExpiredCertificateIsRefused) {
  auto old =
      issue_certificate(good_.ca.parent_path(), {.name = "llm", .lifetime = certificate_days{-1}},
                        folder_.path() / "old");
  ASSERT_TRUE(old) << message_of(old.error());
  tls_front front{*old, stub_.port(), "127.0.0.1"};
  expect_refused(engine_at(front, good_.ca));
}

}  // namespace
}  // namespace tandem::test
