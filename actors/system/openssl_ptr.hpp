#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <caf/expected.hpp>

#include "actors/system/tls_files.hpp"

namespace tandem {

/// Owners for OpenSSL's objects.
template <auto Free>
struct openssl_free {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using bio_ptr = std::unique_ptr<BIO, openssl_free<BIO_free_all>>;
using bignum_ptr = std::unique_ptr<BIGNUM, openssl_free<BN_free>>;
using pkey_ptr = std::unique_ptr<EVP_PKEY, openssl_free<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, openssl_free<X509_free>>;
using x509_store_ptr = std::unique_ptr<X509_STORE, openssl_free<X509_STORE_free>>;
using x509_store_ctx_ptr = std::unique_ptr<X509_STORE_CTX, openssl_free<X509_STORE_CTX_free>>;
using x509_extension_ptr = std::unique_ptr<X509_EXTENSION, openssl_free<X509_EXTENSION_free>>;
using general_names_ptr = std::unique_ptr<GENERAL_NAMES, openssl_free<GENERAL_NAMES_free>>;
using general_name_ptr = std::unique_ptr<GENERAL_NAME, openssl_free<GENERAL_NAME_free>>;

/// The first certificate, or the private key, of a PEM file of at most 1 MiB. Errors: `not_found`,
/// `not_authenticated`; each names the file.
[[nodiscard]] caf::expected<x509_ptr> read_certificate(const std::filesystem::path& file);
[[nodiscard]] caf::expected<pkey_ptr> read_private_key(const std::filesystem::path& file);

[[nodiscard]] certificate_info describe_certificate(X509& certificate);

/// Why the last OpenSSL call of this thread failed, in OpenSSL's words. Empties its error queue.
[[nodiscard]] std::string openssl_reason();

}  // namespace tandem
