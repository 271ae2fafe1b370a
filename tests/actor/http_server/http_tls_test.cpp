// HTTPS: versions, no client certificate, a renewed certificate.
#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "config/certificates.hpp"
#include "schema/errc.hpp"
#include "tests/actor/http_server/scripted_service.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::test {
namespace {

/// A client without a certificate that trusts `ca`. Blocking.
class tls_client {
 public:
  tls_client(std::uint16_t port, const std::filesystem::path& ca, int version_max = 0)
      : context_{SSL_CTX_new(TLS_client_method()), SSL_CTX_free} {
    SSL_CTX_load_verify_locations(context_.get(), ca.c_str(), nullptr);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_security_level(context_.get(), 0);
    if (version_max != 0) SSL_CTX_set_max_proto_version(context_.get(), version_max);
    bio_.reset(BIO_new_ssl_connect(context_.get()));
    BIO_get_ssl(bio_.get(), &tls_);
    const unsigned char protocols[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(tls_, protocols, sizeof protocols - 1);
    BIO_set_conn_hostname(bio_.get(), ("127.0.0.1:" + std::to_string(port)).c_str());
    is_connected_ = BIO_do_connect(bio_.get()) == 1 && BIO_do_handshake(bio_.get()) == 1;
    ERR_clear_error();
  }

  [[nodiscard]] bool is_connected() const { return is_connected_; }
  [[nodiscard]] std::string protocol() const {
    const unsigned char* text = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(tls_, &text, &size);
    return {reinterpret_cast<const char*>(text), size};
  }
  [[nodiscard]] std::string serial() const {
    std::unique_ptr<X509, decltype(&X509_free)> shown{SSL_get1_peer_certificate(tls_), X509_free};
    const auto* number = X509_get0_serialNumber(shown.get());
    return {reinterpret_cast<const char*>(number->data), static_cast<std::size_t>(number->length)};
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto done = BIO_write(bio_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (done <= 0) throw std::runtime_error{"the server has closed"};
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
  }
  std::string read_until(std::string_view mark) {
    std::string out;
    char byte[4'096];
    while (out.find(mark) == out.npos) {
      auto done = BIO_read(bio_.get(), byte, sizeof byte);
      if (done <= 0) throw std::runtime_error{"the server has closed after '" + out + "'"};
      out.append(byte, static_cast<std::size_t>(done));
    }
    return out;
  }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  struct free_bio {
    void operator()(BIO* bio) const { BIO_free_all(bio); }
  };
  std::unique_ptr<BIO, free_bio> bio_;
  SSL* tls_ = nullptr;
  bool is_connected_ = false;
};

class http_tls : public http_server_test {
 protected:
  void SetUp() override {
    auto made = ensure_certificates(folder_.path() / "tls", "web", {});
    if (!made) throw std::runtime_error{message_of(made.error())};
    files_ = *made;
    options_.cert_file = files_.certificate;
    options_.key_file = files_.key;
  }

  temp_folder folder_;
  tls_files files_;
};

TEST_F(http_tls, AnswersClientsThatShowNoCertificate) {
  start();
  tls_client client{port(), files_.ca};
  ASSERT_TRUE(client.is_connected());
  EXPECT_EQ(client.protocol(), "http/1.1");
  for (int i = 0; i < 3; ++i) {
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(client.read_until("GET /x").find("HTTP/1.1 200 OK"), std::string::npos);
  }
}

TEST_F(http_tls, CarriesLargeBodiesBothWays) {
  start();
  tls_client client{port(), files_.ca};
  ASSERT_TRUE(client.is_connected());
  std::string body(3'000'000, 'x');
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3000004\r\n\r\n" + body + "DONE");
  EXPECT_GT(client.read_until("DONE").size(), body.size());
}

TEST_F(http_tls, NoticesAClientThatLeaves) {
  service_->keeps = true;
  start();
  flag gone;
  {
    tls_client client{port(), files_.ca};
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    service_->next().reply->on_gone([] {});
    client.send("GET /y HTTP/1.1\r\nHost: a\r\n\r\n");
    auto call = service_->next();
    call.reply->on_gone([&gone, held = call.reply] { gone.set(); });
  }
  EXPECT_TRUE(gone.wait());
}

TEST_F(http_tls, TakesNoVersionBefore12) {
  start();
  EXPECT_FALSE((tls_client{port(), files_.ca, TLS1_1_VERSION}.is_connected()));
  EXPECT_TRUE((tls_client{port(), files_.ca, TLS1_2_VERSION}.is_connected()));
}

TEST_F(http_tls, ShowsARenewedCertificateOnTheNextConnection) {
  start();
  tls_client before{port(), files_.ca};
  auto serial = before.serial();
  auto renewed =
      renew_certificate(files_.ca.parent_path(), files_.ca.parent_path(), certificate_kind::node);
  ASSERT_TRUE(renewed);
  tls_client after{port(), files_.ca};
  ASSERT_TRUE(after.is_connected());
  EXPECT_NE(after.serial(), serial);
  before.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  before.read_until("GET /x");
}

}  // namespace
}  // namespace tandem::test
