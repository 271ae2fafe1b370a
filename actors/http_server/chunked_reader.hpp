#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "actors/http_server/request_check.hpp"

namespace tandem {

/// Decodes a chunked body (RFC 9112, 7.1) that comes in pieces. Beast's reader is not used for it:
/// 1.74 takes folded trailers, blanks before extensions, and both without a bound. Here every byte
/// between the data has its place or the body is refused (400). Trailers are read and dropped.
class chunked_reader {
 public:
  /// Of all extensions of a body, and of all its trailers.
  static constexpr std::size_t extension_bytes_max = 4 * 1024;
  static constexpr std::size_t trailer_bytes_max = 8 * 1024;

  enum class result { more, done, refused };
  struct progress {
    std::size_t used;
    result at;
  };

  /// Takes what belongs to the body from the front of `bytes` and appends the data to `out`,
  /// unless that is null. More than `body_bytes_max` in all: refused (413).
  progress feed(std::string_view bytes, std::uint64_t body_bytes_max, std::string* out);
  [[nodiscard]] http_refusal why() const { return why_; }

 private:
  enum class place {
    size_first,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_first,
    trailer_name,
    trailer_value,
    trailer_lf,
    last_lf,
  };
  [[nodiscard]] result step(char c, std::uint64_t body_bytes_max);
  [[nodiscard]] result step_size(char c, std::uint64_t body_bytes_max);
  [[nodiscard]] result step_trailer(char c);
  [[nodiscard]] result refuse(unsigned status, std::string_view why);

  place at_ = place::size_first;
  std::uint64_t left_ = 0;
  std::uint64_t total_ = 0;
  std::size_t digits_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  http_refusal why_;
};

}  // namespace tandem
