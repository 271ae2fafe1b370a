#include "nodes/node/certificate_watch.hpp"

#include "config/certificates.hpp"

namespace tandem {

std::uint64_t certificate_ends_at_ms(const std::filesystem::path& tls_folder) {
  auto info =
      describe_certificate(certificate_files(tls_folder, certificate_kind::node).certificate);
  if (!info) return 0;
  auto seconds = info->not_after.time_since_epoch().count();
  return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds) * 1000;
}

std::optional<std::string> certificate_watch::look(const certificate_info& certificate,
                                                   std::chrono::system_clock::time_point now) {
  if (!ends_soon(certificate, now)) {
    said_at_.reset();
    return std::nullopt;
  }
  // A clock that was set back does not silence it.
  if (said_at_ && now >= *said_at_ && now - *said_at_ < std::chrono::hours{24}) return std::nullopt;
  said_at_ = now;
  return "the certificate of '" + certificate.common_name + "' " +
         (certificate.not_after <= now ? "ended at " : "ends at ") +
         format_utc(certificate.not_after) +
         "; renew it with `tandem certs renew` where its authority's key is, and copy it here";
}

}  // namespace tandem
