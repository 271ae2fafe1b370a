#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "nodes/cli/style.hpp"

namespace tandem::cli {

/// Columns of printable text, two spaces apart; headings in capitals.
class table {
 public:
  enum class align : unsigned char { left, right };
  struct column {
    std::string heading;
    align side = align::left;
  };

  explicit table(std::vector<column> columns) : columns_{std::move(columns)} {}

  /// One cell a column; cells are made printable. `colour` goes around the cell's text.
  struct cell {
    std::string text;
    tint colour = tint::none;
    cell(std::string t, tint c = tint::none) : text{std::move(t)}, colour{c} {}
    cell(const char* t) : text{t} {}
  };
  void add(std::vector<cell> row);

  /// Removes the last column when no row has anything in it.
  void drop_empty_last();

  /// Removes every column but the first in which no row has anything.
  void drop_empty();

  /// The last column is cut so that lines stay within the style's width; with `must_fit` others
  /// too, the widest first.
  [[nodiscard]] std::string render(const style& how, bool must_fit = false) const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths(const style& how, bool must_fit) const;

  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

}  // namespace tandem::cli
