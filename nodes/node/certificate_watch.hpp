#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "actors/system/tls_files.hpp"
#include "config/node_config.hpp"

namespace tandem {

/// A certificate that the node shows to others, and how it is renewed.
struct shown_certificate {
  std::filesystem::path file;
  std::string advice;
};
/// The cluster's, where the node has a network, and that of its HTTP server.
[[nodiscard]] std::vector<shown_certificate> shown_certificates(const node_config& config,
                                                                bool has_network);

/// When the first of them ends, Unix time in milliseconds: for Member.certificateEndsAtMs. 0: not
/// known.
[[nodiscard]] std::uint64_t certificate_ends_at_ms(const std::vector<shown_certificate>& shown);

/// Says once a day that a certificate ends soon. No clock: time is an argument.
class certificate_watch {
 public:
  /// What to write into the log; nothing: all is well, or it was said within a day.
  [[nodiscard]] std::optional<std::string> look(const certificate_info& certificate,
                                                const std::string& advice,
                                                std::chrono::system_clock::time_point now);

 private:
  std::optional<std::chrono::system_clock::time_point> said_at_;
};

}  // namespace tandem
