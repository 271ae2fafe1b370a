// Certificates of a node that runs.

#include "config/certificates.hpp"
#include "nodes/node/certificate_watch.hpp"
#include "tests/integration/node/node_test.hpp"
#include "tests/support/wait_until.hpp"

namespace tandem::test {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::seconds command_limit{60};
constexpr certificate_days day{1};

/// The fingerprint of the certificate that the node shows to a new connection; empty: none.
std::string served_fingerprint(const node_process& node) {
  auto files = certificate_files(node.tls_dir(), certificate_kind::client);
  auto command = "openssl s_client -connect " + node.address() + " -cert '" +
                 files.certificate.string() + "' -key '" + files.key.string() + "' -CAfile '" +
                 files.ca.string() +
                 "' -verify_return_error </dev/null 2>/dev/null | openssl x509 -noout -fingerprint "
                 "-sha256";
  auto result = run({.program = "/bin/sh", .arguments = {"-c", command}}, command_limit);
  auto begin = result.out.find('=');
  if (begin == std::string::npos) return {};
  return result.out.substr(begin + 1, result.out.find('\n') - begin - 1);
}

TEST(Certificates, ARunningNodeShowsARenewedOneToNewConnections) {
  auto found =
      run({.program = "/bin/sh", .arguments = {"-c", "command -v openssl"}}, command_limit);
  if (found.out.empty()) GTEST_SKIP() << "needs the openssl program";
  node_process node{TANDEM_BIN_DIR};
  node.start(sim_config{}.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto old_client = connect(node);
  auto before = served_fingerprint(node);
  ASSERT_FALSE(before.empty());
  auto renewed =
      renew_certificate(node.tls_dir(), node.tls_dir(), certificate_kind::node, 60 * day);
  ASSERT_TRUE(renewed) << message_of(renewed.error());
  auto after = served_fingerprint(node);
  EXPECT_NE(after, before);
  EXPECT_EQ(after, describe_certificate(renewed->certificate)->fingerprint);
  // Who was connected stays so; who comes now is served.
  EXPECT_TRUE(old_client.topology());
  EXPECT_TRUE(connect(node).topology());
  EXPECT_EQ(node.stop(), 0) << node.log();
}

TEST(Certificates, ANodeStartsWithWhatAnotherMachinesAuthorityIssued) {
  temp_folder ca;
  ASSERT_FALSE(found_authority(ca.path() / "ca", "prod"));
  node_process node{TANDEM_BIN_DIR};
  auto issued =
      issue_certificate(ca.path() / "ca", {.name = "beta", .lifetime = 5 * day}, node.tls_dir());
  ASSERT_TRUE(issued) << message_of(issued.error());
  std::filesystem::permissions(node.data_dir(), std::filesystem::perms::owner_all);
  node.start(sim_config{}.text(), {"--name", "beta"});
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto client_files = issue_certificate(
      ca.path() / "ca", {.kind = certificate_kind::client, .name = "ops"}, ca.path() / "ops");
  ASSERT_TRUE(client_files) << message_of(client_files.error());
  // It cannot renew itself, and its certificate lasts for five days.
  EXPECT_THAT(node.log(), HasSubstr("certificate ends soon"));
  EXPECT_EQ(node.stop(), 0) << node.log();
}

TEST(Certificates, ThatOfTheHttpServerIsLookedAtToo) {
  temp_folder ca;
  ASSERT_FALSE(found_authority(ca.path() / "ca", "web"));
  auto issued = issue_certificate(ca.path() / "ca", {.name = "front", .lifetime = 5 * day},
                                  ca.path() / "front");
  ASSERT_TRUE(issued) << message_of(issued.error());
  node_process node{TANDEM_BIN_DIR};
  node.start(sim_config{.more = "[http]\nlisten = \"127.0.0.1:0\"\ncert_file = \"" +
                                issued->certificate.string() + "\"\nkey_file = \"" +
                                issued->key.string() + "\"\n"}
                 .text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  auto said = "certificate ends soon file=" + issued->certificate.string();
  EXPECT_TRUE(wait_until(command_limit, [&] { return node.log().find(said) != std::string::npos; }))
      << node.log();
  EXPECT_THAT(node.log(), HasSubstr("http.cert_file"));
  // The alarm is for the first of both.
  node_config config;
  config.tls.folder = node.tls_dir();
  config.http.listen = "127.0.0.1:0";
  auto own_ms = certificate_ends_at_ms(shown_certificates(config, true));
  config.http.cert_file = issued->certificate;
  auto first_ms = certificate_ends_at_ms(shown_certificates(config, true));
  EXPECT_GT(first_ms, 0u);
  EXPECT_LT(first_ms, own_ms);
  EXPECT_EQ(certificate_ends_at_ms(shown_certificates(config, false)), first_ms);
}

TEST(CertificateWatch, SaysItOnceADay) {
  using namespace std::chrono_literals;
  auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  certificate_info info{
      .common_name = "alpha", .not_before = now - 85 * day, .not_after = now + 5 * day};
  certificate_watch watch;
  auto said = watch.look(info, "call alice", now);
  ASSERT_TRUE(said);
  EXPECT_THAT(*said, HasSubstr("'alpha' ends at "));
  EXPECT_THAT(*said, HasSubstr("; call alice"));
  EXPECT_FALSE(watch.look(info, "call alice", now + 23h));
  EXPECT_TRUE(watch.look(info, "call alice", now + 24h));
  auto renewed = info;
  renewed.not_after = now + 90 * day;
  EXPECT_FALSE(watch.look(renewed, "call alice", now + 49h));
  EXPECT_TRUE(watch.look(info, "call alice", now + 49h));
  EXPECT_THAT(*watch.look(info, "call alice", now + 30 * day), HasSubstr("ended at "));
}

}  // namespace
}  // namespace tandem::test
