#include "actors/http_server/web_transport.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace tandem {
namespace {

constexpr std::size_t parts_max = 64;

bool is_busy() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int socket_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

/// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a client that leaves would end the
/// process.
int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  auto done = ::send(socket_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (done < 0 && is_busy()) BIO_set_retry_write(bio);
  return static_cast<int>(done);
}

int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  auto done = ::recv(socket_of(bio), data, static_cast<std::size_t>(size), 0);
  if (done < 0 && is_busy()) BIO_set_retry_read(bio);
  if (done == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(done);
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* bio_method() {
  static BIO_METHOD* method = [] {
    auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tandem socket");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    BIO_meth_set_create(made, bio_create);
    return made;
  }();
  return method;
}

}  // namespace

web_transport::web_transport(int socket, SSL_CTX* context) : socket_{socket} {
  if (context == nullptr) return;
  tls_.reset(SSL_new(context));
  auto* bio = BIO_new(bio_method());
  if (!tls_ || bio == nullptr) {
    BIO_free(bio);
    throw std::bad_alloc{};
  }
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  SSL_set_bio(tls_.get(), bio, bio);
  SSL_set_accept_state(tls_.get());
}

web_transport::result web_transport::reason_of(int returned) const {
  switch (SSL_get_error(tls_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return result::want_read;
    case SSL_ERROR_WANT_WRITE:
      return result::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return result::end;
    default:
      ERR_clear_error();
      return result::failed;
  }
}

web_transport::result web_transport::handshake() {
  if (!tls_) return result::done;
  ERR_clear_error();
  auto done = SSL_do_handshake(tls_.get());
  return done == 1 ? result::done : reason_of(done);
}

web_transport::progress web_transport::read(char* to, std::size_t room) {
  if (tls_) {
    ERR_clear_error();
    auto done = SSL_read(tls_.get(), to, static_cast<int>(room));
    if (done > 0) return {static_cast<std::size_t>(done), result::done};
    return {0, reason_of(done)};
  }
  auto done = ::recv(socket_, to, room, 0);
  if (done > 0) return {static_cast<std::size_t>(done), result::done};
  if (done == 0) return {0, result::end};
  return {0, is_busy() ? result::want_read : result::failed};
}

web_transport::progress web_transport::write(std::span<const std::string_view> parts) {
  if (tls_) {
    progress out;
    for (auto part : parts) {
      ERR_clear_error();
      auto done = SSL_write(tls_.get(), part.data(),
                            static_cast<int>(std::min<std::size_t>(part.size(), 1U << 30)));
      if (done <= 0) {
        out.at = reason_of(done);
        return out;
      }
      out.bytes += static_cast<std::size_t>(done);
      // The caller comes again with the rest.
      if (static_cast<std::size_t>(done) < part.size()) return out;
    }
    return out;
  }
  std::array<iovec, parts_max> pieces;
  auto count = std::min(parts.size(), parts_max);
  for (std::size_t i = 0; i < count; ++i)
    pieces[i] = {const_cast<char*>(parts[i].data()), parts[i].size()};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  auto done = count == 1 ? ::send(socket_, parts[0].data(), parts[0].size(), MSG_NOSIGNAL)
                         : ::sendmsg(socket_, &message, MSG_NOSIGNAL);
  if (done >= 0) return {static_cast<std::size_t>(done), result::done};
  return {0, is_busy() ? result::want_write : result::failed};
}

bool web_transport::has_pending() const {
  return tls_ && SSL_has_pending(tls_.get()) == 1;
}

void web_transport::finish() {
  if (tls_) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());
    ERR_clear_error();
  }
  ::shutdown(socket_, SHUT_WR);
}

int web_transport::tcp_state() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return TCP_CLOSE;
  return info.tcpi_state;
}

bool web_transport::is_closed_by_peer() const {
  auto state = tcp_state();
  return state == TCP_CLOSE_WAIT || state == TCP_CLOSE;
}

bool web_transport::is_reset() const {
  return tcp_state() == TCP_CLOSE;
}

}  // namespace tandem
