// Finds the end of one JSON value in a stream of bytes: strings, escapes and brackets, nothing
// more. Whether the value is good JSON is for a real parser to say once it is complete. Each byte
// is looked at once; the memory is the stack of open brackets, at most `depth_max`.
#pragma once

#include <cstddef>
#include <string>

namespace tandem::plan {

enum class scan : unsigned char {
  more,          // the byte belongs to the value, which goes on
  complete,      // the byte belongs to the value and ends it
  ended_before,  // a number or word ended before this byte, which is not part of it
  bad_bracket,   // a closing bracket that does not match, or a value that starts with one
  bad_control,   // a control character (a raw line break, say) inside a string
  too_deep,
};

class value_scanner {
 public:
  void reset(std::size_t depth_max);
  [[nodiscard]] scan push(char c);
  // The bracket that would close the innermost open one; 0 where none is open.
  [[nodiscard]] char awaited() const { return open_.empty() ? '\0' : open_.back(); }

 private:
  [[nodiscard]] scan push_in_string(char c);
  [[nodiscard]] scan push_first(char c);
  [[nodiscard]] scan push_open(char closer);

  std::size_t depth_max_ = 0;
  std::string open_;  // closing brackets that are due, the innermost last
  bool started_ = false;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace tandem::plan
