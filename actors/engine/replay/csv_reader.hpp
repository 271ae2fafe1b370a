#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// Reads CSV by RFC 4180: quoted fields may hold commas, quotes (doubled) and line ends; lines end
/// in LF or CRLF. Limits: 256 fields a row, 1 MiB a field. The text must outlive the reader.
class csv_reader {
 public:
  static constexpr std::size_t fields_max = 256;
  static constexpr std::size_t field_bytes_max = 1u << 20;

  explicit csv_reader(std::string_view text);

  /// The next row into `fields`; false: there is none, or problem() says why.
  [[nodiscard]] bool next(std::vector<std::string>& fields);
  /// What is wrong, and in which line; empty: nothing.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  /// Where the latest row began, from 1.
  [[nodiscard]] std::size_t line() const { return row_line_; }

 private:
  [[nodiscard]] bool quoted(std::string& field);
  [[nodiscard]] bool bare(std::string& field);
  [[nodiscard]] bool fail(std::string_view what);
  [[nodiscard]] bool at_line_end() const;

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t row_line_ = 1;
  std::string problem_;
};

}  // namespace tandem
