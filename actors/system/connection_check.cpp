#include "actors/system/connection_check.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <memory>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "actors/system/tcp_socket.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

/// OpenSSL writes without MSG_NOSIGNAL: a peer that dies in the handshake would end the program
/// whose thread this is.
class no_broken_pipes {
 public:
  no_broken_pipes() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGPIPE);
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~no_broken_pipes() {
    timespec at_once{};
    if (!was_pending_) ::sigtimedwait(&set_, nullptr, &at_once);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  no_broken_pipes(const no_broken_pipes&) = delete;
  no_broken_pipes& operator=(const no_broken_pipes&) = delete;

 private:
  sigset_t set_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

using context_ptr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using ssl_ptr = std::unique_ptr<SSL, decltype(&SSL_free)>;

std::string where(const connection_target& target) {
  return target.host + ':' + std::to_string(target.port);
}

bool is_node(const connection_target& target) {
  return target.from == connection_target::side::node;
}

caf::error unreachable(const connection_target& target, std::string_view why) {
  return make_error(errc::unavailable,
                    "no node answers at " + where(target) + " (" + std::string{why} + ")" +
                        (is_node(target) ? ""
                                         : "; start one with 'tandem-node', or name its address "
                                           "with --node"));
}

std::string last_ssl_error() {
  auto code = ERR_get_error();
  if (code == 0) return "the connection was closed";
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown TLS error" : reason;
}

caf::error refused(const connection_target& target, const std::string& why) {
  if (is_node(target))
    return make_error(errc::not_authenticated,
                      "the node at " + where(target) + " and this one do not accept each other (" +
                          why +
                          "); all nodes of a cluster need certificates of one authority: 'tandem "
                          "certs issue' makes them where its key is");
  return make_error(errc::not_authenticated,
                    "the node at " + where(target) + " and this client do not accept each other (" +
                        why +
                        "); use the certificates of that node's cluster: --tls names their folder, "
                        "'tandem certs issue' makes new ones");
}

/// The other side went away without a word: whoever does not accept a certificate says so.
bool is_end(std::string_view why) {
  return why.find("unexpected eof") != std::string_view::npos;
}

caf::error ended(const connection_target& target) {
  return unreachable(target, "it ended the connection while greeting; it may be stopping");
}

caf::error handshake(const connection_target& target, int fd) {
  context_ptr context{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free};
  auto* c = context.get();
  if (c == nullptr || SSL_CTX_use_certificate_chain_file(c, target.tls.certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(c, target.tls.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_load_verify_locations(c, target.tls.ca.c_str(), nullptr) != 1)
    return make_error(errc::not_authenticated, "our own certificates: " + last_ssl_error());
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
  ssl_ptr ssl{SSL_new(c), &SSL_free};
  SSL_set_fd(ssl.get(), fd);
  ERR_clear_error();
  errno = 0;
  if (SSL_connect(ssl.get()) != 1) {
    if (auto result = SSL_get_verify_result(ssl.get()); result != X509_V_OK)
      return refused(
          target, std::string{"the node's certificate: "} + X509_verify_cert_error_string(result));
    auto silent = errno == EAGAIN && ERR_peek_error() == 0;
    if (silent)
      return make_error(errc::unavailable, "the node at " + where(target) +
                                               " accepts connections but does not answer; is it "
                                               "stopped, or overloaded?");
    auto why = last_ssl_error();
    if (is_end(why)) return ended(target);
    auto no_tls =
        why.find("wrong version") != std::string::npos || why == "the connection was closed";
    return no_tls ? unreachable(target, "what listens there does not speak TLS: " + why)
                  : refused(target, why);
  }
  // With TLS 1.3 the node looks at our certificate after our side of the handshake is done: a
  // refusal comes as the first thing to read. A node that accepts us speaks first, too.
  char first = 0;
  if (SSL_read(ssl.get(), &first, 1) <= 0) {
    auto why = last_ssl_error();
    if (is_end(why)) return ended(target);
    if (why != "the connection was closed") return refused(target, why);
  }
  SSL_shutdown(ssl.get());
  return caf::none;
}

}  // namespace

caf::error check_connection(const connection_target& target) {
  if (auto err = check_certificate_files(target.tls)) return err;
  auto connection = connect_tcp(target.host, target.port, target.timeout);
  if (!connection.problem.empty()) return unreachable(target, connection.problem);
  no_broken_pipes quiet;
  return handshake(target, connection.socket.descriptor());
}

}  // namespace tandem
