#include "nodes/node/certificate_watch.hpp"

#include <algorithm>

#include "config/certificates.hpp"

namespace tandem {

std::vector<shown_certificate> shown_certificates(const node_config& config, bool has_network) {
  std::vector<shown_certificate> out;
  if (has_network)
    out.push_back({certificate_files(config.tls.folder, certificate_kind::node).certificate,
                   "renew it with `tandem certs renew` where its authority's key is, and copy it "
                   "here"});
  if (!config.http.listen.empty() && !config.http.cert_file.empty())
    out.push_back(
        {config.http.cert_file, "put a new one there, http.cert_file, and start the node anew"});
  return out;
}

std::uint64_t certificate_ends_at_ms(const std::vector<shown_certificate>& shown) {
  std::uint64_t first = 0;
  for (const auto& each : shown) {
    auto info = describe_certificate(each.file);
    if (!info) continue;
    auto seconds = info->not_after.time_since_epoch().count();
    // One that ended before 1970 has ended, too.
    auto ms = seconds < 0 ? 1 : static_cast<std::uint64_t>(seconds) * 1000;
    first = first == 0 ? ms : std::min(first, ms);
  }
  return first;
}

std::optional<std::string> certificate_watch::look(const certificate_info& certificate,
                                                   const std::string& advice,
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
         format_utc(certificate.not_after) + "; " + advice;
}

}  // namespace tandem
