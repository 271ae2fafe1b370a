// Real TLS over loopback, byte by byte.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/system/openssl_ptr.hpp"
#include "tests/unit/weights/tls_talk.hpp"
#include "tests/unit/weights/weights_nodes.hpp"

namespace tandem::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::uint32_t chunk = 16 * 1024;

class ChunkServer : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.add(version_);
    node_.serve();
  }
  std::string files_url() const { return "/v1/files/" + to_hex(version_.hash) + "/"; }
  static std::string get(const std::string& target, const std::string& headers = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: n\r\n" + headers + "\r\n";
  }
  /// All that a server says to this before it closes.
  std::string say(const std::string& text) {
    tls_talk talk{node_.server().port(), node_.tls()};
    EXPECT_TRUE(talk.is_open());
    (void)talk.send(text);
    return talk.read_all();
  }
  /// The answer, of a connection that the client asks to be closed.
  std::string ask(const std::string& target, const std::string& headers = "") {
    return say(get(target, headers + "Connection: close\r\n"));
  }
  std::string bytes(std::size_t file, std::size_t first, std::size_t last) const {
    return {reinterpret_cast<const char*>(files_[file].data()) + first, last - first + 1};
  }

  temp_folder folder_;
  std::vector<std::vector<std::uint8_t>> files_{noise(5 * chunk + 100, 1), noise(7, 2)};
  made_version version_ = make_version(folder_.path() / "files", files_, chunk);
  weights_node node_{folder_.path(), folder_.path() / "ca", "a"};
};

TEST_F(ChunkServer, GivesManifestsAndRangesAlignedOrNot) {
  EXPECT_THAT(ask("/v1/manifests/" + to_hex(version_.hash)), EndsWith(encode(version_.manifest)));
  for (auto [first, last] : {std::pair<std::size_t, std::size_t>{0, chunk - 1},
                             {chunk, 2 * chunk - 1},
                             {5 * chunk, 5 * chunk + 99},
                             {0, 0},
                             {chunk - 1, chunk},
                             {100, 3 * chunk + 50},
                             {5 * chunk + 99, 5 * chunk + 99}}) {
    auto range = std::to_string(first) + "-" + std::to_string(last);
    auto answer = ask(files_url() + "0", "Range: bytes=" + range + "\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 206 "));
    EXPECT_THAT(answer, HasSubstr("Content-Range: bytes " + range + "/" +
                                  std::to_string(files_[0].size()) + "\r\n"));
    EXPECT_TRUE(answer.ends_with("\r\n\r\n" + bytes(0, first, last))) << range;
  }
  EXPECT_THAT(ask(files_url() + "1", "Range: bytes=0-6\r\n"), EndsWith(bytes(1, 0, 6)));
}

TEST_F(ChunkServer, KeepsAConnectionForMany) {
  auto one = get(files_url() + "1", "Range: bytes=2-2\r\n");
  auto last = get(files_url() + "1", "Range: bytes=3-3\r\nConnection: close\r\n");
  auto answer = say(one + one + get("/v1/manifests/" + std::string(64, '0')) + one + last);
  std::size_t parts = 0;
  for (auto at = answer.find("HTTP/1.1 206"); at != answer.npos;
       at = answer.find("HTTP/1.1 206", at + 1))
    ++parts;
  EXPECT_EQ(parts, 4u);
  EXPECT_THAT(answer, EndsWith(bytes(1, 3, 3)));
}

TEST_F(ChunkServer, HeadsHaveNoBodies) {
  auto answer = say("HEAD " + files_url() + "1 HTTP/1.1\r\nHost: n\r\nRange: bytes=0-6\r\n" +
                    "Connection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(ChunkServer, RangesOutsideTheFileOrTooLargeAreRefused) {
  const auto size = files_[0].size();
  for (const auto& range :
       {std::to_string(size) + "-" + std::to_string(size), "0-" + std::to_string(size),
        std::string{"0-18446744073709551615"}, "0-" + std::to_string(4 * chunk), std::string{"1-0"},
        std::string{"0-"}, std::string{"-1"}})
    EXPECT_THAT(ask(files_url() + "0", "Range: bytes=" + range + "\r\n"),
                StartsWith("HTTP/1.1 416 "))
        << range;
  EXPECT_THAT(ask(files_url() + "0"), StartsWith("HTTP/1.1 416 ")) << "no range";
  EXPECT_THAT(ask(files_url() + "2", "Range: bytes=0-0\r\n"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(ChunkServer, WhatIsNotHereYetIsRefusedUntilItHasCome) {
  weights_node part{folder_.path(), folder_.path() / "ca", "part"};
  part.serve();
  ASSERT_FALSE(part.store()->begin(encode(version_.manifest)));
  auto ask_part = [&](const std::string& range) {
    tls_talk talk{part.server().port(), part.tls()};
    (void)talk.send(get(files_url() + "0", "Range: bytes=" + range + "\r\nConnection: close\r\n"));
    return talk.read_all();
  };
  auto second = std::to_string(chunk) + "-" + std::to_string(2 * chunk - 1);
  EXPECT_THAT(ask_part(second), StartsWith("HTTP/1.1 416 "));
  ASSERT_FALSE(part.store()->put(version_.hash, 1, std::span{files_[0]}.subspan(chunk, chunk)));
  EXPECT_THAT(ask_part(second), EndsWith(bytes(0, chunk, 2 * chunk - 1)));
  EXPECT_THAT(ask_part(std::to_string(chunk - 1) + "-" + std::to_string(chunk)),
              StartsWith("HTTP/1.1 416 "));
}

TEST_F(ChunkServer, GivesDifferencesToWhatBothHave) {
  auto changed = files_;
  changed[0][chunk + 5] ^= 1;
  changed[1] = noise(7, 3);
  auto next = make_version(folder_.path() / "next", changed, chunk);
  node_.add(next);
  auto deltas = "/v1/deltas/" + to_hex(version_.hash) + "/" + to_hex(next.hash) + "/";
  auto answer = ask(deltas + "1");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_LT(answer.size(), 1000u);
  EXPECT_THAT(ask(deltas + "7"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("/v1/deltas/" + std::string(64, '0') + "/" + to_hex(next.hash) + "/1"),
              StartsWith("HTTP/1.1 404 "));
  auto noisy = files_;
  noisy[0] = noise(files_[0].size(), 9);
  auto other = make_version(folder_.path() / "other", noisy, chunk);
  node_.add(other);
  EXPECT_THAT(ask("/v1/deltas/" + to_hex(version_.hash) + "/" + to_hex(other.hash) + "/1"),
              StartsWith("HTTP/1.1 204 "));
}

TEST_F(ChunkServer, NoPathComesFromARequest) {
  const auto hash = to_hex(version_.hash);
  for (const auto& target :
       {"/v1/files/" + hash + "/../../../../etc/passwd", "/v1/files/" + hash + "/0/../1",
        std::string{"/../../etc/passwd"}, "/v1/manifests/../complete/" + hash + "/0",
        "/v1/files/..%2f..%2f" + hash + "/0"})
    EXPECT_THAT(ask(target, "Range: bytes=0-0\r\n"), StartsWith("HTTP/1.1 404 ")) << target;
}

TEST_F(ChunkServer, WhatCouldHideAnotherRequestEndsTheConnection) {
  const auto hidden = get("/v1/manifests/" + to_hex(version_.hash));
  const auto target = files_url() + "1";
  for (const std::string headers :
       {"Transfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Content-Length: 5\r\n", "Content-Length: 0\r\nContent-Length: 0\r\n", "Host: other\r\n",
        "X: a\r\n Transfer-Encoding: chunked\r\n"}) {
    auto answer = say(get(target, "Range: bytes=0-6\r\n" + headers) + hidden);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << headers;
    EXPECT_THAT(answer, Not(HasSubstr("HTTP/1.1 200"))) << headers;
  }
  EXPECT_THAT(say("GET " + target + " HTTP/1.1\r\n\r\n" + hidden), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(say("POST " + target + " HTTP/1.1\r\nHost: n\r\nContent-Length: 0\r\n\r\n" + hidden),
              StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(say(std::string(500, 'x') + "\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(ChunkServer, HeadersAboveTheLimitAreRefused) {
  auto long_one = get(files_url() + "1", "X: " + std::string(9000, 'x') + "\r\n");
  EXPECT_THAT(say(long_one), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(say(std::string(100'000, 'x')), StartsWith("HTTP/1.1 431 "));
}

TEST_F(ChunkServer, NobodyWithoutACertificateOfTheClusterIsHeard) {
  weights_node stranger{folder_.path(), folder_.path() / "other-ca", "stranger"};
  for (const auto& files : {stranger.tls(), tls_files{}}) {
    tls_talk talk{node_.server().port(), files};
    (void)talk.send(get("/v1/manifests/" + to_hex(version_.hash), "Connection: close\r\n"));
    EXPECT_EQ(talk.read_all(), "");
  }
  EXPECT_EQ(node_.server().bytes_sent(), 0u);
}

TEST_F(ChunkServer, SpeaksTls12OrLaterWithAesGcm) {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    tls_talk talk{node_.server().port(), node_.tls(), version};
    ASSERT_TRUE(talk.is_open());
    EXPECT_THAT(SSL_get_cipher_name(talk.native()), HasSubstr("AES"));
    EXPECT_THAT(SSL_get_cipher_name(talk.native()), HasSubstr("GCM"));
  }
  tls_talk old{node_.server().port(), node_.tls(), TLS1_1_VERSION};
  EXPECT_FALSE(old.is_open());
}

TEST_F(ChunkServer, ARenewedCertificateIsShownToTheNextConnection) {
  auto shown = [&] {
    tls_talk talk{node_.server().port(), node_.tls()};
    std::unique_ptr<X509, decltype(&X509_free)> certificate{
        SSL_get1_peer_certificate(talk.native()), &X509_free};
    return describe_certificate(*certificate).fingerprint;
  };
  auto before = shown();
  ASSERT_TRUE(renew_certificate(folder_.path() / "ca", node_.tls().certificate.parent_path(),
                                certificate_kind::node));
  EXPECT_NE(shown(), before);
}

TEST_F(ChunkServer, ConnectionsAboveTheLimitAreClosed) {
  std::vector<std::unique_ptr<tls_talk>> open;
  for (std::size_t i = 0; i < 64; ++i) {
    open.push_back(std::make_unique<tls_talk>(node_.server().port(), node_.tls()));
    ASSERT_TRUE(open.back()->is_open()) << i;
  }
  tls_talk more{node_.server().port(), node_.tls()};
  EXPECT_FALSE(more.is_open());
  (void)open[0]->send(get(files_url() + "1", "Range: bytes=0-6\r\nConnection: close\r\n"));
  EXPECT_THAT(open[0]->read_all(), EndsWith(bytes(1, 0, 6)));
}

TEST_F(ChunkServer, FilesThatAreNoCertificatesAreSaidSo) {
  chunk_server_options options;
  options.cert_file = folder_.path() / "nothing.pem";
  options.key_file = node_.tls().key;
  options.ca_file = node_.tls().ca;
  auto started = chunk_server::start(node_.store(), options);
  ASSERT_FALSE(started);
  EXPECT_EQ(code_of(started.error()), errc::not_authenticated);
  EXPECT_THAT(message_of(started.error()), HasSubstr("nothing.pem"));
}

}  // namespace
}  // namespace tandem::test
