#include "config/certificates.hpp"

#include <sys/stat.h>

#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "actors/system/openssl_ptr.hpp"
#include "config/private_file.hpp"
#include "schema/errc.hpp"
#include "tests/unit/config/test_folder.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using clock = std::chrono::system_clock;

constexpr certificate_days day{1};

unsigned mode_of(const std::filesystem::path& file) {
  struct stat status {};
  EXPECT_EQ(::stat(file.c_str(), &status), 0) << file;
  return status.st_mode & 0777u;
}

class certificates : public testing::Test {
 protected:
  tls_files ensure(clock::time_point now = clock::now(), const std::string& name = "alpha") {
    auto files = ensure_certificates(tls_, name, {"node.example", "10.1.2.3"}, 90 * day, now);
    if (!files) {
      ADD_FAILURE() << message_of(files.error());
      return {};
    }
    return *files;
  }
  std::string problem_of(const tls_files& files, clock::time_point now = clock::now()) {
    auto err = check_certificate_files(files, now);
    if (!err) return {};
    EXPECT_EQ(code_of(err), errc::not_authenticated);
    return message_of(err);
  }

  test::test_folder folder_;
  std::filesystem::path tls_ = folder_ / "data/tls";
};

TEST_F(certificates, AFirstStartMakesAnAuthorityAndACertificateForNodeAndClient) {
  auto now = clock::now();
  auto files = ensure(now);
  EXPECT_EQ(files.certificate, tls_ / "node.pem");
  EXPECT_FALSE(check_certificate_files(files));
  EXPECT_FALSE(check_certificate_files(certificate_files(tls_, certificate_kind::client)));
  EXPECT_EQ(mode_of(tls_), 0700u);
  for (auto name : {"ca.pem", "ca.key", "node.pem", "node.key", "client.pem", "client.key"}) {
    EXPECT_EQ(mode_of(tls_ / name), 0600u) << name;
  }
  auto ca = describe_certificate(files.ca);
  auto node = describe_certificate(files.certificate);
  ASSERT_TRUE(ca && node);
  EXPECT_EQ(node->subject, "CN=alpha,O=Tandem");
  EXPECT_EQ(node->common_name, "alpha");
  EXPECT_EQ(node->issuer, ca->subject);
  EXPECT_EQ(std::chrono::floor<std::chrono::seconds>(now) + 90 * day, node->not_after);
  EXPECT_EQ(std::chrono::floor<std::chrono::seconds>(now) + authority_lifetime, ca->not_after);
  EXPECT_EQ(node->fingerprint.size(), 32u * 3 - 1);
  EXPECT_NE(node->fingerprint, ca->fingerprint);
}

TEST_F(certificates, HoldForTheNodesNameItsHostsAndLocalhostOnly) {
  auto certificate = read_certificate(ensure().certificate);
  ASSERT_TRUE(certificate);
  auto* x509 = certificate->get();
  for (auto host : {"alpha", "localhost", "node.example"}) {
    EXPECT_EQ(X509_check_host(x509, host, 0, 0, nullptr), 1) << host;
  }
  for (auto address : {"127.0.0.1", "::1", "10.1.2.3"}) {
    EXPECT_EQ(X509_check_ip_asc(x509, address, 0), 1) << address;
  }
  EXPECT_EQ(X509_check_host(x509, "beta", 0, 0, nullptr), 0);
}

TEST_F(certificates, HaveRandomSerialNumbers) {
  auto files = ensure();
  auto node = read_certificate(files.certificate);
  auto client = read_certificate(tls_ / "client.pem");
  ASSERT_TRUE(node && client);
  EXPECT_NE(
      ASN1_INTEGER_cmp(X509_get0_serialNumber(node->get()), X509_get0_serialNumber(client->get())),
      0);
}

TEST_F(certificates, ASecondStartChangesNothing) {
  auto files = ensure();
  auto before =
      test::read_text(files.certificate) + test::read_text(files.ca) + test::read_text(files.key);
  ensure();
  auto after =
      test::read_text(files.certificate) + test::read_text(files.ca) + test::read_text(files.key);
  EXPECT_EQ(before, after);
}

TEST_F(certificates, AreRenewedWithLessThanAThirdOfTheLifetimeLeft) {
  auto now = clock::now();
  auto files = ensure(now);
  auto first = describe_certificate(files.certificate)->fingerprint;
  ensure(now + 59 * day);
  EXPECT_EQ(describe_certificate(files.certificate)->fingerprint, first);
  ensure(now + 61 * day);
  auto renewed = describe_certificate(files.certificate);
  EXPECT_NE(renewed->fingerprint, first);
  EXPECT_EQ(renewed->not_after, std::chrono::floor<std::chrono::seconds>(now) + 151 * day);
  EXPECT_EQ(mode_of(files.certificate), 0600u);
  EXPECT_FALSE(
      check_certificate_files(certificate_files(tls_, certificate_kind::client), now + 100 * day));
}

TEST_F(certificates, AreRenewedAfterTheyExpired) {
  auto now = clock::now();
  auto files = ensure(now);
  EXPECT_THAT(problem_of(files, now + 200 * day), HasSubstr("expired at "));
  ensure(now + 200 * day);
  EXPECT_EQ(problem_of(files, now + 200 * day), "");
}

TEST_F(certificates, AreIssuedAgainForANewName) {
  auto files = ensure();
  ensure(clock::now(), "beta");
  EXPECT_EQ(describe_certificate(files.certificate)->common_name, "beta");
}

TEST_F(certificates, NeverOutliveTheAuthority) {
  auto now = clock::now();
  auto files = ensure(now);
  ensure(now + authority_lifetime - 10 * day);
  EXPECT_EQ(describe_certificate(files.certificate)->not_after,
            describe_certificate(files.ca)->not_after);
  auto late = ensure_certificates(tls_, "alpha", {}, 90 * day, now + authority_lifetime + day);
  ASSERT_FALSE(late);
  EXPECT_THAT(message_of(late.error()), HasSubstr("the certificate authority expired at"));
}

TEST_F(certificates, OfAJoinedNodeNeedNoKeyOfTheAuthority) {
  ensure();
  auto joined = issue_certificate(tls_, {.name = "beta"}, folder_ / "beta");
  ASSERT_TRUE(joined) << message_of(joined.error());
  auto before = test::read_text(joined->certificate);
  auto files = ensure_certificates(folder_ / "beta", "beta", {});
  ASSERT_TRUE(files) << message_of(files.error());
  EXPECT_EQ(test::read_text(files->certificate), before);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "beta/ca.key"));
  auto late = ensure_certificates(folder_ / "beta", "beta", {}, 90 * day, clock::now() + 91 * day);
  ASSERT_FALSE(late);
  EXPECT_THAT(message_of(late.error()), HasSubstr("tandem certs issue"));
}

TEST_F(certificates, AreFinishedAfterACrashBetweenKeyAndCertificate) {
  auto files = ensure();
  for (auto name : {"ca.pem", "node.pem", "client.pem", "client.key"}) {
    std::filesystem::remove(tls_ / name);
  }
  ensure();
  EXPECT_EQ(problem_of(files), "");
}

TEST_F(certificates, AreNotFoundedAnewOverALostAuthority) {
  auto files = ensure();
  std::filesystem::remove(files.ca);
  auto again = ensure_certificates(tls_, "alpha", {});
  ASSERT_FALSE(again);
  EXPECT_THAT(message_of(again.error()), HasSubstr("has node.pem but no ca.pem"));
}

TEST_F(certificates, SurviveManyFirstStartsAtOnce) {
  std::vector<std::string> problems(8);
  {
    std::vector<std::jthread> starts;
    for (auto& problem : problems) {
      starts.emplace_back([&problem, this] {
        auto files = ensure_certificates(tls_, "alpha", {});
        if (!files) {
          problem = message_of(files.error());
        } else if (auto err = check_certificate_files(*files)) {
          problem = message_of(err);
        }
      });
    }
  }
  for (const auto& problem : problems) EXPECT_EQ(problem, "");
}

TEST_F(certificates, RefuseNamesAndHostsThatAreNone) {
  for (std::string name : {"", "a b", "a,DNS:evil", "a\nb", "a/b"}) {
    EXPECT_FALSE(ensure_certificates(tls_, name, {})) << name;
    EXPECT_FALSE(ensure_certificates(tls_, "alpha", {name})) << name;
  }
  EXPECT_FALSE(ensure_certificates(tls_, std::string(64, 'a'), {}));
  EXPECT_FALSE(ensure_certificates(tls_, "alpha", std::vector<std::string>(65, "host")));
  EXPECT_FALSE(ensure_certificates(tls_, "alpha", {}, 3651 * day));
  EXPECT_FALSE(std::filesystem::exists(tls_));
}

TEST_F(certificates, AreNotIssuedIntoAFolderOfAnotherAuthority) {
  ensure();
  ASSERT_TRUE(ensure_certificates(folder_ / "other", "beta", {}));
  auto issued = issue_certificate(tls_, {.name = "beta"}, folder_ / "other");
  ASSERT_FALSE(issued);
  EXPECT_EQ(code_of(issued.error()), errc::conflict);
}

TEST_F(certificates, CheckNamesEveryMissingFile) {
  auto text = problem_of(certificate_files(folder_.path(), certificate_kind::node));
  for (auto name : {"ca.pem", "node.pem", "node.key"}) EXPECT_THAT(text, HasSubstr(name));
  EXPECT_THAT(problem_of({}), HasSubstr("no file is named"));
}

TEST_F(certificates, CheckRefusesAForeignAuthority) {
  auto files = ensure();
  auto other = ensure_certificates(folder_ / "other", "alpha", {});
  ASSERT_TRUE(other);
  files.ca = other->ca;
  EXPECT_THAT(problem_of(files), HasSubstr("is not signed by"));
}

TEST_F(certificates, CheckRefusesAKeyOfAnotherCertificate) {
  auto files = ensure();
  files.key = tls_ / "client.key";
  EXPECT_THAT(problem_of(files), HasSubstr("does not belong to the certificate"));
}

TEST_F(certificates, CheckRefusesAKeyThatOthersMayRead) {
  auto files = ensure();
  std::filesystem::permissions(files.key, std::filesystem::perms{0640});
  EXPECT_THAT(problem_of(files), HasSubstr("(mode 640); run `chmod 600 "));
}

TEST_F(certificates, CheckTellsBothEndsOfTheLifetime) {
  ensure();
  auto expired = issue_certificate(tls_, {.name = "beta", .lifetime = -5 * day}, folder_ / "old");
  ASSERT_TRUE(expired) << message_of(expired.error());
  EXPECT_THAT(
      problem_of(*expired),
      HasSubstr("expired at " + format_utc(describe_certificate(expired->certificate)->not_after)));
  EXPECT_THAT(problem_of(certificate_files(tls_, certificate_kind::node), clock::now() - 30 * day),
              HasSubstr("is not valid before"));
}

TEST_F(certificates, CheckRefusesWhatIsNoPem) {
  auto files = ensure();
  files.certificate = folder_.write("junk.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
  EXPECT_THAT(problem_of(files), HasSubstr("holds no certificate in PEM form"));
  files.certificate = folder_.write("huge.pem", std::string(2u << 20, 'x'));
  EXPECT_THAT(problem_of(files), HasSubstr("larger than 1 MiB"));
  files.certificate = folder_.path();
  EXPECT_THAT(problem_of(files), HasSubstr("is a folder"));
}

TEST(private_file, ReplacesTheOldContentAndLeavesNothingElse) {
  test::test_folder folder;
  auto file = folder.write("a.pem", "a much longer old text");
  EXPECT_FALSE(write_private_file(file, "new"));
  EXPECT_EQ(test::read_text(file), "new");
  EXPECT_EQ(mode_of(file), 0600u);
  auto entries = std::filesystem::directory_iterator{folder.path()};
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST(private_file, SaysWhyAFolderCannotBeUsed) {
  test::test_folder folder;
  auto file = folder.write("file", "x");
  auto err = make_private_folder(file / "below");
  ASSERT_TRUE(err);
  EXPECT_EQ(code_of(err), errc::storage_failed);
  EXPECT_THAT(message_of(err), HasSubstr("Not a directory"));
}

TEST(file_lock, IsHeldByOneAtATime) {
  test::test_folder folder;
  {
    auto first = file_lock::acquire(folder / "lock");
    ASSERT_TRUE(first);
    auto second = file_lock::acquire(folder / "lock", 0ms);
    ASSERT_FALSE(second);
    EXPECT_EQ(code_of(second.error()), errc::locked);
  }
  EXPECT_TRUE(file_lock::acquire(folder / "lock", 0ms));
}

TEST_F(certificates, AnAuthorityOfItsOwnIssuesForOtherMachines) {
  auto ca = folder_ / "ca";
  ASSERT_FALSE(found_authority(ca, "prod"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "ca/node.pem"));
  EXPECT_EQ(mode_of(folder_ / "ca/ca.key"), 0600u);
  auto again = found_authority(ca, "prod");
  EXPECT_EQ(code_of(again), errc::conflict);
  auto issued = issue_certificate(ca, {.name = "beta", .hosts = {"10.0.0.2"}}, tls_);
  ASSERT_TRUE(issued) << message_of(issued.error());
  // A node that starts with that folder takes it as it is, and has no authority's key.
  auto files = ensure(clock::now(), "beta");
  EXPECT_FALSE(check_certificate_files(files));
  EXPECT_FALSE(std::filesystem::exists(tls_ / "ca.key"));
}

TEST_F(certificates, ARenewedCertificateHasTheSameKeyNameAndHosts) {
  auto now = clock::now();
  auto files = ensure(now - 50 * day);
  auto before = read_certificate(files.certificate);
  ASSERT_TRUE(before);
  auto key = test::read_text(files.key);
  auto renewed = renew_certificate(tls_, tls_, certificate_kind::node, 30 * day, now);
  ASSERT_TRUE(renewed) << message_of(renewed.error());
  auto after = read_certificate(files.certificate);
  ASSERT_TRUE(after);
  EXPECT_EQ(test::read_text(files.key), key);
  EXPECT_EQ(X509_check_host(after->get(), "node.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(after->get(), "10.1.2.3", 0), 1);
  auto info = describe_certificate(**after);
  EXPECT_EQ(info.common_name, "alpha");
  EXPECT_EQ(info.not_after, std::chrono::floor<std::chrono::seconds>(now) + 30 * day);
  EXPECT_NE(info.fingerprint, describe_certificate(**before).fingerprint);
  EXPECT_FALSE(check_certificate_files(files, now));
}

TEST_F(certificates, OnlyItsOwnAuthorityRenewsACertificate) {
  ensure();
  ASSERT_FALSE(found_authority(folder_ / "other", "other"));
  auto renewed = renew_certificate(folder_ / "other", tls_, certificate_kind::node);
  ASSERT_FALSE(renewed);
  EXPECT_EQ(code_of(renewed.error()), errc::not_authenticated);
  EXPECT_THAT(message_of(renewed.error()), HasSubstr("another authority"));
}

TEST_F(certificates, EndsSoonWithAThirdOfItsLifeOrSevenDaysLeft) {
  auto now = std::chrono::floor<std::chrono::seconds>(clock::now());
  certificate_info info{.not_before = now - 60 * day, .not_after = now + 31 * day};
  EXPECT_FALSE(ends_soon(info, now));
  EXPECT_TRUE(ends_soon(info, now + 2 * day));
  info = {.not_before = now, .not_after = now + 8 * day};
  EXPECT_FALSE(ends_soon(info, now));
  EXPECT_TRUE(ends_soon(info, now + 25h));
}

}  // namespace
}  // namespace tandem
