#include "tests/integration/engines/tls_front.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <string_view>

#include <openssl/ssl.h>

namespace tandem::test {
namespace {

sockaddr_in place(const std::string& address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &out.sin_addr) != 1)
    throw std::runtime_error{"no address: " + address};
  return out;
}

int connect_to(std::uint16_t port) {
  int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto where = place("127.0.0.1", port);
  if (connect(out, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0) return out;
  close(out);
  return -1;
}

bool send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// False: one of them is done.
bool carry_some(SSL* client, int server) {
  std::array<pollfd, 2> ends{
      {{SSL_get_fd(client), POLLIN, 0}, {.fd = server, .events = POLLIN, .revents = 0}}};
  if (SSL_pending(client) == 0 && poll(ends.data(), ends.size(), -1) < 0) return false;
  std::array<char, 16384> bytes;
  if (SSL_pending(client) != 0 || ends[0].revents != 0) {
    int got = SSL_read(client, bytes.data(), static_cast<int>(bytes.size()));
    if (got <= 0) return SSL_get_error(client, got) == SSL_ERROR_WANT_READ;
    if (!send_all(server, {bytes.data(), static_cast<std::size_t>(got)})) return false;
  }
  if (ends[1].revents == 0) return true;
  auto got = recv(server, bytes.data(), bytes.size(), 0);
  return got > 0 && SSL_write(client, bytes.data(), static_cast<int>(got)) == got;
}

}  // namespace

struct tls_front::context {
  SSL_CTX* of = SSL_CTX_new(TLS_server_method());
  ~context() { SSL_CTX_free(of); }
};

tls_front::tls_front(const tls_files& files, std::uint16_t to_port, const std::string& address)
    : context_{std::make_unique<context>()}, to_port_{to_port} {
  // OpenSSL writes to connections that the other side has closed.
  std::signal(SIGPIPE, SIG_IGN);
  if (SSL_CTX_use_certificate_chain_file(context_->of, files.certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context_->of, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    throw std::runtime_error{"the certificate cannot be used"};
  SSL_CTX_clear_mode(context_->of, SSL_MODE_AUTO_RETRY);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto where = place(address, 0);
  socklen_t size = sizeof where;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&where), size) != 0 ||
      listen(listener_, 64) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&where), &size) != 0)
    throw std::runtime_error{"no port for TLS"};
  url_ = "https://" + address + ":" + std::to_string(ntohs(where.sin_port));
  acceptor_ = std::thread{[this] { accept_all(); }};
}

tls_front::~tls_front() {
  {
    std::lock_guard lock{mutex_};
    ending_ = true;
    for (auto& [client, thread] : connections_) shutdown(client, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (auto& [client, thread] : connections_) {
    thread.join();
    close(client);
  }
  close(listener_);
}

void tls_front::accept_all() {
  for (;;) {
    int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    std::lock_guard lock{mutex_};
    if (ending_) {
      close(client);
      return;
    }
    connections_.emplace_back(client, [this, client] { carry(client); });
  }
}

void tls_front::carry(int client) const {
  auto* tls = SSL_new(context_->of);
  SSL_set_fd(tls, client);
  if (SSL_accept(tls) == 1) {
    int server = connect_to(to_port_);
    while (server >= 0 && carry_some(tls, server)) {
    }
    if (server >= 0) close(server);
  }
  SSL_free(tls);
  // Its number stays taken until the end.
  shutdown(client, SHUT_RDWR);
}

}  // namespace tandem::test
