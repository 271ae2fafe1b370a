#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "actors/system/tls_files.hpp"

namespace tandem {

using certificate_days = std::chrono::duration<int, std::ratio<86400>>;

inline constexpr certificate_days authority_lifetime{3650};
inline constexpr certificate_days certificate_lifetime{90};

/// Both kinds are for operators: CAF checks neither names nor revocation, so that either means full
/// control of the cluster until it expires.
enum class certificate_kind : std::uint8_t {
  /// `node.pem`, `node.key`: accepts and opens connections.
  node,
  /// `client.pem`, `client.key`: opens connections.
  client,
};

/// Where the files of a kind lie in a TLS folder; the authority is `ca.pem`, its key `ca.key`.
[[nodiscard]] tls_files certificate_files(const std::filesystem::path& folder,
                                          certificate_kind kind);

struct certificate_request {
  certificate_kind kind = certificate_kind::node;
  /// Common name and first alternative name: letters, digits, `.`, `_`, `-`; at most 63.
  std::string name;
  /// Further alternative names (DNS names or IP addresses) beside localhost, 127.0.0.1 and ::1.
  std::vector<std::string> hosts;
  /// Negative: already expired. Never outlives the authority.
  certificate_days lifetime = certificate_lifetime;
};

/// A node's TLS folder, ready for use; returns the node's files. On a first start it makes the
/// folder (0700), the cluster's own authority (EC P-256, 10 years), the node's certificate and one
/// for the local CLI (files 0600). Where ca.key is there, a certificate with less than a third of
/// `lifetime` left, or of another name, is issued again for the same key, by write and rename, so
/// that readers see the old or the new one. Safe against other processes doing the same, and
/// against a crash at any point. Errors: `not_authenticated` (what is there does not fit together),
/// `storage_failed`, `locked`, `invalid_argument`.
[[nodiscard]] caf::expected<tls_files> ensure_certificates(
    const std::filesystem::path& folder, const std::string& node_name,
    const std::vector<std::string>& hosts, certificate_days lifetime = certificate_lifetime,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// A certificate with a fresh key, signed by the authority in `ca_folder`, written to `out_folder`
/// with a copy of ca.pem: the TLS folder of another node, or of an operator's machine. Replaces
/// files of the same kind that are there.
[[nodiscard]] caf::expected<tls_files> issue_certificate(
    const std::filesystem::path& ca_folder, const certificate_request& request,
    const std::filesystem::path& out_folder,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// The cluster's authority (ca.pem, ca.key) in `folder`, and nothing else: for a machine that
/// issues certificates and runs no node. `conflict`: there is one already.
[[nodiscard]] caf::error found_authority(
    const std::filesystem::path& folder, const std::string& cluster,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// Issues the certificate of `kind` in `folder` again: the same key, name and hosts, from now on,
/// by write and rename. A node that runs uses it for its next connections. Only the certificate has
/// to be there, not its key. Errors: `not_found`, `not_authenticated` (another authority's),
/// `storage_failed`.
[[nodiscard]] caf::expected<tls_files> renew_certificate(
    const std::filesystem::path& ca_folder, const std::filesystem::path& folder,
    certificate_kind kind, certificate_days lifetime = certificate_lifetime,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// Whether somebody should be told: less than a third of its life is left, or less than 7 days.
[[nodiscard]] bool ends_soon(const certificate_info& certificate,
                             std::chrono::system_clock::time_point now);

}  // namespace tandem
