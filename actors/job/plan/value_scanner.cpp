#include "actors/job/plan/value_scanner.hpp"

namespace tandem::plan {

void value_scanner::reset(std::size_t depth_max) {
  depth_max_ = depth_max;
  open_.clear();
  started_ = in_string_ = escaped_ = false;
}

scan value_scanner::push(char c) {
  if (in_string_) return push_in_string(c);
  if (!started_) return push_first(c);
  switch (c) {
    case '"':
      // Directly behind a number or word this is broken JSON; the parser says so with more context.
      if (open_.empty()) return scan::ended_before;
      in_string_ = true;
      return scan::more;
    case '{':
      return open_.empty() ? scan::ended_before : push_open('}');
    case '[':
      return open_.empty() ? scan::ended_before : push_open(']');
    case '}':
    case ']':
      if (open_.empty()) return scan::ended_before;
      if (open_.back() != c) return scan::bad_bracket;
      open_.pop_back();
      return open_.empty() ? scan::complete : scan::more;
    case ',':
    case ' ':
    case '\t':
    case '\r':
    case '\n':
      return open_.empty() ? scan::ended_before : scan::more;
    default:
      return scan::more;
  }
}

scan value_scanner::push_first(char c) {
  started_ = true;
  switch (c) {
    case '"':
      in_string_ = true;
      return scan::more;
    case '{':
      return push_open('}');
    case '[':
      return push_open(']');
    case '}':
    case ']':
    case ',':
    case ':':
      return scan::bad_bracket;
    default:
      return scan::more;
  }
}

scan value_scanner::push_open(char closer) {
  if (open_.size() >= depth_max_) return scan::too_deep;
  open_.push_back(closer);
  return scan::more;
}

scan value_scanner::push_in_string(char c) {
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    in_string_ = false;
    return open_.empty() ? scan::complete : scan::more;
  }
  return static_cast<unsigned char>(c) < 0x20 ? scan::bad_control : scan::more;
}

}  // namespace tandem::plan
