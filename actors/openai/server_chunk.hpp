#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::dialect {

// A server's own words: one event's data, or its whole answer; a JSON object, unless it lies.

/// What can be seen of a chunk without parsing it. Keys are found by their quotes, which a text
/// cannot hold without a backslash.
struct chunk_marks {
  /// `finish_reason` of a choice is more than null.
  bool finishes = false;
  /// `choices` is an empty list, and there is `usage`.
  bool is_usage = false;
};
[[nodiscard]] chunk_marks marks_of(std::string_view data);

/// The first choice of a chunk (`delta`) or of a whole answer (`message`).
struct chat_piece {
  struct call {
    std::size_t index = 0;
    std::string id;
    std::string name;
    std::string arguments;
  };
  std::string text;
  std::string reasoning;
  std::string finish;
  std::vector<call> calls;
};
/// `choices` of a whole answer as those of one chunk that has all of it, a JSON list. Empty: it has
/// none.
[[nodiscard]] std::string choices_of_answer(std::string_view answer);

/// Empty pieces where there is nothing, or nothing that can be read.
[[nodiscard]] chat_piece read_delta(std::string_view data);
[[nodiscard]] chat_piece read_message(std::string_view data);

}  // namespace tandem::dialect
