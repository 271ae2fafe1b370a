#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "actors/openai/openai_error.hpp"

namespace tandem::dialect {

/// Slices of a document, in their order.
class slice_list {
 public:
  void add(std::string_view slice) { slices_.push_back(slice); }
  /// `null` beyond the end: both parsers agree on what is JSON, but nothing rests on that.
  [[nodiscard]] std::string_view operator[](std::size_t index) const {
    return index < slices_.size() && !slices_[index].empty() ? slices_[index] : "null";
  }

 private:
  std::vector<std::string_view> slices_;
};

/// One request's JSON, parsed and checked as a whole: UTF-8, depth, numbers, escapes, duplicate
/// keys anywhere, zero characters. Parsed values and slices are valid until this thread parses the
/// next one; only one lives on a thread at a time.
class request_json {
 public:
  /// Never throws. The error is a 400.
  [[nodiscard]] std::optional<openai_error> parse(std::string_view json, std::size_t depth_max);
  [[nodiscard]] simdjson::dom::object root() const { return root_; }

  /// The document, byte for byte as the client sent it.
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  /// The bytes of each member of an object, or of each item of an array, in their order:
  /// `container` is bytes() or a slice that came from here. Precondition: it is one.
  [[nodiscard]] slice_list slices(std::string_view container) const;
  /// Of one member of an object, by its key; empty: it has none.
  [[nodiscard]] std::string_view slice(std::string_view object, std::string_view key) const;

 private:
  std::string_view bytes_;
  simdjson::dom::object root_;
};

}  // namespace tandem::dialect
