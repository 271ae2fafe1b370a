#pragma once

#include <string>

#include "actors/openai/answer_writer.hpp"

namespace tandem::dialect {

/// Appends `"tandem":{...}`; what is 0 or empty is left out.
void append_extension(std::string& out, const call_end& end);

/// Appends `"usage":{...}` in the words of a chat, or of a response.
void append_chat_usage(std::string& out, const call_end& end);
void append_response_usage(std::string& out, const call_end& end);

/// Takes pieces of a text and gives whole characters: the bytes of one that is not over are held
/// back.
class character_joiner {
 public:
  /// What is complete now; valid until the next call, and as long as `piece`.
  [[nodiscard]] std::string_view join(std::string_view piece);
  /// What no further piece has completed. Empty for a text that ends well.
  [[nodiscard]] std::string rest();

 private:
  std::string held_;
  std::string joined_;
};

}  // namespace tandem::dialect
