#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "nodes/cli/style.hpp"

namespace tandem::cli {

/// Lines of a name and what there is to say about it, in two columns; nothing for an empty text.
class fact_list {
 public:
  explicit fact_list(const style& how) : how_{how} {}

  /// `text` is printable and may have colours.
  void add(std::string_view name, std::string_view text);
  /// A text of users or models: each line below the first is indented.
  void add_text(std::string_view name, std::string_view text);
  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  style how_;
  std::string out_;
};

}  // namespace tandem::cli
