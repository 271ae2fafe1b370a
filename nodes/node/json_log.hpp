#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <spdlog/formatter.h>

namespace tandem {

/// A line of the log as one JSON object: `time` (UTC, ISO 8601), `level`, `event`, and a field for
/// each `key=value` or `key="value"` after it, as log lines here are written. All values are texts;
/// a key that is there already, or one of those three, gets a `_`.
[[nodiscard]] std::string json_log_line(std::chrono::system_clock::time_point time,
                                        std::string_view level, std::string_view message);

/// For `log.format = "json"`.
class json_log_formatter : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override;
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override;
};

}  // namespace tandem
