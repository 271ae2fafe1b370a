#include "actors/http_server/web_tls.hpp"

#include <string>
#include <string_view>
#include <utility>

#include <openssl/err.h>

#include "actors/system/openssl_ptr.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::string_view spoken{"\x08http/1.1", 9};

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* chosen = nullptr;
  const auto* ours = reinterpret_cast<const unsigned char*>(spoken.data());
  if (SSL_select_next_proto(&chosen, out_size, ours, static_cast<unsigned>(spoken.size()), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

caf::error unusable(const std::filesystem::path& file) {
  return make_error(errc::not_authenticated, "'" + file.string() +
                                                 "' cannot be used for HTTPS: " + openssl_reason() +
                                                 "; set certificate and key to PEM files");
}

}  // namespace

web_tls::web_tls(std::filesystem::path certificate, std::filesystem::path key)
    : certificate_{std::move(certificate)}, key_{std::move(key)} {}

caf::expected<web_tls> web_tls::open(std::filesystem::path certificate, std::filesystem::path key) {
  web_tls out{std::move(certificate), std::move(key)};
  out.seen_ = out.stamp_now();
  auto context = out.make();
  if (!context) return std::move(context.error());
  out.context_ = std::move(*context);
  return out;
}

caf::expected<web_tls::context_ptr> web_tls::make() const {
  ERR_clear_error();
  context_ptr context{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  auto* raw = context.get();
  if (raw == nullptr) return make_error(errc::internal, "OpenSSL: " + openssl_reason());
  if (SSL_CTX_use_certificate_chain_file(raw, certificate_.c_str()) != 1)
    return unusable(certificate_);
  if (SSL_CTX_use_PrivateKey_file(raw, key_.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(raw) != 1)
    return unusable(key_);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(
      raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // An idle connection holds no buffers.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  if (SSL_CTX_set_num_tickets(raw, 1) != 1 ||
      SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    return make_error(errc::internal, "OpenSSL takes no AES-GCM: " + openssl_reason());
  return context;
}

web_tls::stamp web_tls::stamp_now() const {
  struct stat status {};
  if (::stat(certificate_.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_mtim};
}

web_tls::context_ptr web_tls::current() {
  auto now = stamp_now();
  if (now.inode == seen_.inode && now.changed.tv_sec == seen_.changed.tv_sec &&
      now.changed.tv_nsec == seen_.changed.tv_nsec)
    return context_;
  auto next = make();
  // A certificate whose key is still to come is tried again.
  if (!next) return context_;
  seen_ = now;
  return context_ = std::move(*next);
}

}  // namespace tandem
