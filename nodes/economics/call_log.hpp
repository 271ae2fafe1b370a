#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <caf/error.hpp>

#include "nodes/economics/log_summary.hpp"

namespace tandem {

/// Lines that were left out, by why.
struct skipped_lines {
  std::string why;
  std::uint64_t count = 0;
  /// The first of them, from 1.
  std::uint64_t first_line = 0;
};

/// A log of API calls, fed in pieces of any size: JSON lines, or CSV with a header. Only sums are
/// kept, and one line at a time; longer lines than `line_bytes_max` are left out. What cannot be
/// read is counted, by reason and with its first line.
class call_log_reader {
 public:
  static constexpr std::size_t line_bytes_max = std::size_t{4} << 20;

  /// `name`: of the file, in errors.
  explicit call_log_reader(std::string name) : name_{std::move(name)} {}

  /// `invalid_argument`: this is no log of calls; says the line and what it would have to be.
  [[nodiscard]] caf::error feed(std::string_view bytes);
  /// After the last piece. `invalid_argument`: there is no call in it.
  [[nodiscard]] caf::error finish();

  [[nodiscard]] const log_summary& summary() const { return summary_; }
  [[nodiscard]] const std::vector<skipped_lines>& skipped() const { return skipped_; }
  [[nodiscard]] std::uint64_t lines() const { return line_; }

 private:
  enum class form : unsigned char { unknown, json, csv };

  [[nodiscard]] caf::error end_line();
  [[nodiscard]] caf::error take_line(std::string_view line);
  [[nodiscard]] caf::error begin(std::string_view line);
  void skip(std::string_view why, std::uint64_t line);
  [[nodiscard]] caf::error fail(std::uint64_t line, std::string_view why) const;

  std::string name_;
  form form_ = form::unknown;
  std::string pending_;
  bool is_too_long_ = false;
  /// Within a quoted field of CSV, which may hold line ends.
  bool is_quoted_ = false;
  /// Lines so far, and where the row in `pending_` began.
  std::uint64_t line_ = 0;
  std::uint64_t row_line_ = 1;
  call_json_reader json_;
  call_csv_reader csv_;
  log_summary summary_;
  std::vector<skipped_lines> skipped_;
};

}  // namespace tandem
