#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tandem {

/// Server-Sent Events, read as they come: pieces of any size, lines that end in LF, CR or CRLF,
/// comments, data of many lines, a byte order mark. Only `data` is told; events without are
/// skipped. An event that lies within one piece is not copied. Pure; holds at most two times
/// `event_bytes_max`.
class sse_reader {
 public:
  explicit sse_reader(std::size_t event_bytes_max) : event_bytes_max_{event_bytes_max} {}

  /// `bytes` must stay until next() has returned nothing.
  void feed(std::string_view bytes) { input_ = bytes; }
  /// The data of the next whole event, valid until the next call; nothing: feed more, or
  /// too_large().
  [[nodiscard]] std::optional<std::string_view> next();
  /// After the stream's end: data that only lacks its blank line. A cut line is not told.
  [[nodiscard]] std::optional<std::string_view> finish();
  /// A line or an event was longer than `event_bytes_max`; nothing more is read.
  [[nodiscard]] bool too_large() const { return too_large_; }

 private:
  [[nodiscard]] std::optional<std::string_view> take_line();
  void add_data(std::string_view value);
  [[nodiscard]] std::optional<std::string_view> emit();

  std::size_t event_bytes_max_;
  std::string_view input_;
  /// The beginning of a line whose end has not come; and the last line that was put together.
  std::string begun_;
  std::string line_;
  /// The event's data so far: a view into input_, or copied.
  std::string_view view_;
  std::string data_;
  bool line_is_view_ = false;
  bool has_view_ = false;
  bool has_data_ = false;
  bool emitted_ = false;
  bool skip_lf_ = false;
  bool at_start_ = true;
  bool too_large_ = false;
};

}  // namespace tandem
