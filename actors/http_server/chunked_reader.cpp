#include "actors/http_server/chunked_reader.hpp"

#include <algorithm>

namespace tandem {
namespace {

constexpr std::size_t digits_max = 16;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

chunked_reader::result chunked_reader::refuse(unsigned status, std::string_view why) {
  why_ = {status, why};
  return result::refused;
}

chunked_reader::progress chunked_reader::feed(std::string_view bytes, std::uint64_t body_bytes_max,
                                              std::string* out) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    if (at_ == place::data) {
      auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - used));
      if (out != nullptr) out->append(bytes.substr(used, part));
      used += part;
      left_ -= part;
      if (left_ == 0) at_ = place::data_cr;
      continue;
    }
    auto at = step(bytes[used], body_bytes_max);
    ++used;
    if (at != result::more) return {used, at};
  }
  return {used, result::more};
}

chunked_reader::result chunked_reader::step(char c, std::uint64_t body_bytes_max) {
  switch (at_) {
    case place::size_first:
    case place::size:
      return step_size(c, body_bytes_max);
    case place::extension:
      if (++extension_bytes_ > extension_bytes_max)
        return refuse(400, "a chunk's extensions are too long");
      if (c == '\r') {
        at_ = place::size_lf;
        return result::more;
      }
      if (!is_field_value({&c, 1})) return refuse(400, "a chunk's size has control characters");
      return result::more;
    case place::size_lf:
      if (c != '\n') return refuse(400, "a chunk's size does not end in CRLF");
      at_ = left_ == 0 ? place::trailer_first : place::data;
      return result::more;
    case place::data_cr:
      if (c != '\r') return refuse(400, "a chunk is longer than its size");
      at_ = place::data_lf;
      return result::more;
    case place::data_lf:
      if (c != '\n') return refuse(400, "a chunk does not end in CRLF");
      at_ = place::size_first;
      digits_ = 0;
      return result::more;
    case place::data:
      return result::more;
    default:
      return step_trailer(c);
  }
}

chunked_reader::result chunked_reader::step_size(char c, std::uint64_t body_bytes_max) {
  if (auto digit = hex_digit(c); digit >= 0) {
    if (++digits_ > digits_max) return refuse(400, "a chunk's size is too large a number");
    left_ = left_ * 16 + static_cast<unsigned>(digit);
    at_ = place::size;
    return result::more;
  }
  if (at_ == place::size_first || (c != '\r' && c != ';'))
    return refuse(400, "a chunk's size is no number");
  // One after the other, since their sum could wrap.
  if (left_ > body_bytes_max || total_ > body_bytes_max - left_)
    return refuse(413, "the body is too long");
  total_ += left_;
  at_ = c == '\r' ? place::size_lf : place::extension;
  return result::more;
}

chunked_reader::result chunked_reader::step_trailer(char c) {
  if (++trailer_bytes_ > trailer_bytes_max) return refuse(400, "the trailers are too long");
  switch (at_) {
    case place::trailer_first:
      if (c == '\r') {
        at_ = place::last_lf;
        return result::more;
      }
      at_ = place::trailer_name;
      return is_token({&c, 1}) ? result::more : refuse(400, "a trailer has no name");
    case place::trailer_name:
      if (c == ':') {
        at_ = place::trailer_value;
        return result::more;
      }
      return is_token({&c, 1}) ? result::more : refuse(400, "a trailer has no name");
    case place::trailer_value:
      if (c == '\r') {
        at_ = place::trailer_lf;
        return result::more;
      }
      return is_field_value({&c, 1}) ? result::more
                                     : refuse(400, "a trailer has control characters");
    case place::trailer_lf:
      at_ = place::trailer_first;
      return c == '\n' ? result::more : refuse(400, "a trailer does not end in CRLF");
    default:
      return c == '\n' ? result::done : refuse(400, "the body does not end in CRLF");
  }
}

}  // namespace tandem
