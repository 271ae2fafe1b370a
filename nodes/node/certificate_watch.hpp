#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "actors/system/tls_files.hpp"

namespace tandem {

/// When the node's certificate in this TLS folder ends, Unix time in milliseconds: for
/// Member.certificateEndsAtMs. 0: not known.
[[nodiscard]] std::uint64_t certificate_ends_at_ms(const std::filesystem::path& tls_folder);

/// Says once a day that a certificate ends soon. No clock: time is an argument.
class certificate_watch {
 public:
  /// What to write into the log; nothing: all is well, or it was said within a day.
  [[nodiscard]] std::optional<std::string> look(const certificate_info& certificate,
                                                std::chrono::system_clock::time_point now);

 private:
  std::optional<std::chrono::system_clock::time_point> said_at_;
};

}  // namespace tandem
