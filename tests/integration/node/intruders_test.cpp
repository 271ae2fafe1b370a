// Whoever is not of the cluster is refused, and the node goes on.

#include <chrono>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/certificates.hpp"
#include "tests/integration/node/node_test.hpp"

namespace tandem::test {
namespace {

class Intruder : public SimNode {
 protected:
  void TearDown() override {
    EXPECT_TRUE(node_->process().is_running()) << node_->log();
    EXPECT_EQ(wait_end(at(), submit(at(), "still served")).state, "done");
    // A new connection, too.
    auto fresh = client::connect(options_of(*node_));
    EXPECT_TRUE(fresh.engaged()) << why(fresh);
  }

  temp_folder folder_;
};

TEST_F(Intruder, WithACertificateOfAnotherAuthorityIsRefused) {
  auto foreign = ensure_certificates(folder_.path() / "tls", "foreign", {});
  ASSERT_TRUE(foreign.engaged()) << message_of(foreign.error());
  auto options = options_of(*node_);
  options.tls = certificate_files(folder_.path() / "tls", certificate_kind::client);
  auto refused = client::connect(options);
  EXPECT_EQ(code(refused), errc::not_authenticated) << why(refused);
}

TEST_F(Intruder, WithAForeignCertificateThatClaimsTheRightAuthorityIsRefused) {
  auto foreign = ensure_certificates(folder_.path() / "tls", "foreign", {});
  ASSERT_TRUE(foreign.engaged()) << message_of(foreign.error());
  auto options = options_of(*node_);
  auto files = certificate_files(folder_.path() / "tls", certificate_kind::client);
  options.tls.certificate = files.certificate;
  options.tls.key = files.key;
  auto refused = client::connect(options);
  EXPECT_EQ(code(refused), errc::not_authenticated) << why(refused);
}

TEST_F(Intruder, WithAnExpiredCertificateIsRefused) {
  auto expired = issue_certificate(
      node_->tls_dir(),
      {.kind = certificate_kind::client, .name = "late", .lifetime = certificate_days{-1}},
      folder_.path() / "late");
  ASSERT_TRUE(expired.engaged()) << message_of(expired.error());
  auto options = options_of(*node_);
  options.tls = *expired;
  auto refused = client::connect(options);
  EXPECT_EQ(code(refused), errc::not_authenticated) << why(refused);
  EXPECT_THAT(why(refused), ::testing::HasSubstr("expired"));
}

TEST_F(Intruder, WithAFreshCertificateOfTheAuthorityIsServed) {
  auto issued =
      issue_certificate(node_->tls_dir(), {.kind = certificate_kind::client, .name = "colleague"},
                        folder_.path() / "colleague");
  ASSERT_TRUE(issued.engaged()) << message_of(issued.error());
  auto options = options_of(*node_);
  options.tls = *issued;
  auto other = client::connect(options);
  ASSERT_TRUE(other.engaged()) << why(other);
  EXPECT_TRUE(other->topology().engaged());
}

/// Sends `bytes` over plain TCP; whether the node closed the connection within a limit. Half closed
/// or not, a peer that says nothing sound must not be kept.
bool node_hangs_up_on(const node_process& node, std::string_view bytes) {
  auto options = options_of(node);
  auto fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
  while (!bytes.empty()) {
    auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  bool closed = false;
  while (!closed && std::chrono::steady_clock::now() < end) {
    pollfd wait{fd, POLLIN, 0};
    ::poll(&wait, 1, 1000);
    char buffer[4096];
    auto count = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    closed = count == 0 || (count < 0 && errno != EAGAIN);
  }
  ::close(fd);
  return closed;
}

/// CAF's own handshake, as its plain protocol sends it: a header of 36 bytes.
std::string basp_header(unsigned char operation, std::uint32_t payload) {
  std::string header(36, '\0');
  header[0] = static_cast<char>(operation);
  for (int i = 0; i < 4; ++i)
    header[4 + static_cast<std::size_t>(i)] = static_cast<char>(payload >> (24 - 8 * i));
  return header;
}

TEST_F(Intruder, WithoutTlsIsHungUpOn) {
  EXPECT_TRUE(node_hangs_up_on(*node_, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_TRUE(node_hangs_up_on(*node_, std::string(100'000, '\0')));
  EXPECT_TRUE(node_hangs_up_on(*node_, std::string(100'000, '\xFF')));
}

TEST_F(Intruder, WithCafsPlainProtocolIsHungUpOn) {
  for (unsigned char operation = 0; operation < 8; ++operation) {
    EXPECT_TRUE(node_hangs_up_on(*node_, basp_header(operation, 0) + std::string(64, '\0')));
    EXPECT_TRUE(node_hangs_up_on(*node_, basp_header(operation, 0xFFFFFFFF)));
  }
}

TEST_F(Intruder, WithABrokenTlsGreetingIsHungUpOn) {
  // A TLS record that announces more than a record holds, and one that is no greeting.
  EXPECT_TRUE(
      node_hangs_up_on(*node_, std::string{"\x16\x03\x01\xFF\xFF", 5} + std::string(70'000, 'x')));
  EXPECT_TRUE(node_hangs_up_on(*node_, std::string{"\x17\x03\x03\x00\x05hello", 10}));
}

TEST_F(Intruder, ThatOnlyConnectsKeepsNobodyElseOut) {
  std::vector<int> open;
  auto options = options_of(*node_);
  for (int i = 0; i < 50; ++i) {
    auto fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    open.push_back(fd);
  }
  auto fresh = client::connect(options);
  EXPECT_TRUE(fresh.engaged()) << why(fresh);
  for (auto fd : open) ::close(fd);
}

}  // namespace
}  // namespace tandem::test
