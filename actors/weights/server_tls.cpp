#include "actors/weights/server_tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "schema/errc.hpp"

namespace tandem {
namespace {

namespace ssl = boost::asio::ssl;

}  // namespace

caf::expected<server_tls> server_tls::open(tls_files files) {
  server_tls out{std::move(files)};
  out.seen_ = out.stamp_now();
  auto context = make(out.files_);
  if (!context) return std::move(context.error());
  out.context_ = std::move(*context);
  return out;
}

caf::expected<server_tls::context_ptr> server_tls::make(const tls_files& files) {
  if (auto failure = check_certificate_files(files)) return failure;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  try {
    context->use_certificate_chain_file(files.certificate.string());
    context->use_private_key_file(files.key.string(), ssl::context::pem);
    context->load_verify_file(files.ca.string());
    context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  } catch (const boost::system::system_error& failure) {
    return make_error(errc::not_authenticated,
                      std::string{"TLS files cannot be used: "} + failure.what());
  }
  auto* native = context->native_handle();
  // No resumption: a connection is kept for all that there is to fetch, and each shows its
  // certificate.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(native,
                      SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_set_num_tickets(native, 0) != 1 ||
      SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM") != 1 ||
      SSL_CTX_set_ciphersuites(native, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384") != 1) {
    ERR_clear_error();
    return make_error(errc::internal, "OpenSSL takes no AES-GCM");
  }
  return context;
}

server_tls::stamp server_tls::stamp_now() const {
  struct stat status {};
  if (::stat(files_.certificate.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_mtim};
}

server_tls::context_ptr server_tls::current() {
  auto now = stamp_now();
  if (now.inode == seen_.inode && now.changed.tv_sec == seen_.changed.tv_sec &&
      now.changed.tv_nsec == seen_.changed.tv_nsec)
    return context_;
  seen_ = now;
  if (auto next = make(files_)) context_ = std::move(*next);
  return context_;
}

}  // namespace tandem
