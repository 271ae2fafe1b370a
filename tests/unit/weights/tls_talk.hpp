#pragma once

#include <string>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "actors/system/tls_files.hpp"

namespace tandem::test {

/// Speaks to a TLS server byte by byte, as no proper client would.
class tls_talk {
 public:
  using tcp = boost::asio::ip::tcp;

  /// Without certificate: it shows none.
  tls_talk(std::uint16_t port, const tls_files& files, int version_max = 0) {
    if (!files.certificate.empty()) {
      context_.use_certificate_chain_file(files.certificate.string());
      context_.use_private_key_file(files.key.string(), boost::asio::ssl::context::pem);
    }
    if (version_max != 0) SSL_CTX_set_max_proto_version(context_.native_handle(), version_max);
    stream_ = std::make_unique<boost::asio::ssl::stream<tcp::socket>>(io_, context_);
    boost::system::error_code failure;
    stream_->next_layer().connect({boost::asio::ip::make_address("127.0.0.1"), port}, failure);
    if (!failure) stream_->handshake(boost::asio::ssl::stream_base::client, failure);
    is_open_ = !failure;
  }

  [[nodiscard]] bool is_open() const { return is_open_; }
  [[nodiscard]] SSL* native() { return stream_->native_handle(); }
  /// False: it was closed.
  bool send(const std::string& text) {
    boost::system::error_code failure;
    boost::asio::write(*stream_, boost::asio::buffer(text), failure);
    return !failure;
  }
  /// All that comes until the server closes.
  std::string read_all() {
    std::string out;
    boost::system::error_code failure;
    boost::asio::read(*stream_, boost::asio::dynamic_buffer(out), failure);
    return out;
  }
  std::string read_some(std::size_t bytes) {
    std::string out(bytes, '\0');
    boost::system::error_code failure;
    out.resize(boost::asio::read(*stream_, boost::asio::buffer(out), failure));
    return out;
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_client};
  std::unique_ptr<boost::asio::ssl::stream<tcp::socket>> stream_;
  bool is_open_ = false;
};

}  // namespace tandem::test
