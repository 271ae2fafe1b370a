#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "actors/openai/field_reader.hpp"

namespace tandem::dialect {

enum class effect : std::uint8_t {
  /// Read into fields of `client_chat`.
  honoured,
  /// Tandem has no words for it: it makes a body, in which the server gets it as it came.
  passed,
  /// Accepted, and nothing follows from it.
  none,
  refused,
};

enum class shape : std::uint8_t {
  any,
  boolean,
  integer,
  number,
  string,
  object,
  array,
  /// A string, or an array of strings.
  strings,
  /// A string or an object.
  choice,
  /// An object whose values are strings.
  text_map,
  /// An object whose values are numbers within the range, or false; or an array, as it is.
  number_map,
};

/// One field of a request: its type, its range, what is done with it.
struct request_field {
  std::string_view name;
  shape type;
  effect what;
  /// Of numbers; of strings and arrays, how many at most (`high`, 0: any).
  double low = 0;
  double high = 0;
  /// Of what is refused: what to do instead, as the end of a sentence.
  std::string_view advice = {};
  /// What is the same as not saying it, in the client's bytes (`0`, `false`, `[]`).
  std::string_view neutral = {};
};

/// Sorted by name.
[[nodiscard]] std::span<const request_field> chat_fields();
[[nodiscard]] std::span<const request_field> response_fields();
[[nodiscard]] std::span<const request_field> embedding_fields();
/// What vLLM, SGLang and llama.cpp take beside OpenAI's fields, in chats and responses.
[[nodiscard]] std::span<const request_field> engine_fields();

/// nullptr: nobody knows it.
[[nodiscard]] const request_field* find_field(std::span<const request_field> table,
                                              std::string_view name);

/// Type and range; null passes. Of what is honoured too, before it is read.
[[nodiscard]] bool check_field(field_reader& reader, const request_field& field, element value);

/// Whether it is as if nothing were said: null, or the neutral value.
[[nodiscard]] bool is_neutral(const request_field& field, element value);

}  // namespace tandem::dialect
