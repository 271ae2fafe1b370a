#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include <caf/error.hpp>
#include <caf/expected.hpp>

namespace tandem {

/// What one side of a connection needs for mutual TLS: three PEM files.
struct tls_files {
  std::filesystem::path certificate;
  /// Readable by its owner alone, without a passphrase.
  std::filesystem::path key;
  /// The cluster's certificate authority; whoever it did not sign is refused.
  std::filesystem::path ca;
};

/// What a person wants to know of a certificate.
struct certificate_info {
  /// As in RFC 2253: `CN=alpha,O=Tandem`.
  std::string subject;
  std::string issuer;
  /// The subject's common name alone.
  std::string common_name;
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
  /// SHA-256 in the form of `openssl x509 -fingerprint -sha256`: `AB:CD:...`.
  std::string fingerprint;
};

/// Reads a certificate (PEM, at most 1 MiB). Errors: `not_found`, `not_authenticated`.
[[nodiscard]] caf::expected<certificate_info> describe_certificate(
    const std::filesystem::path& file);

/// Nothing when both sides of a connection would accept these files. Else `not_authenticated` with
/// all that is wrong: a file that is missing, unreadable or no PEM; expired or not yet valid, with
/// dates; not signed by the authority; a key of another certificate; a key that others can read.
/// Each says how to mend it. CAF itself must never see files that fail here: without a certificate
/// it falls back to an anonymous cipher.
[[nodiscard]] caf::error check_certificate_files(
    const tls_files& files,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// `2026-01-31 12:00:00 UTC`
[[nodiscard]] std::string format_utc(std::chrono::sys_seconds time);

}  // namespace tandem
