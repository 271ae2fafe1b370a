#pragma once

#include <string>
#include <vector>

namespace tandem::bench {

struct line {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;
  /// A band around the line, as long as `y`; empty: none.
  std::vector<double> low;
  std::vector<double> high;
  bool dashed = false;
};

/// One pair of axes. Ranges come from the data; `y_from_zero`: 0 is among them.
struct panel {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<line> lines;
  bool y_from_zero = false;
  /// A vertical line here, with this text; none while the text is empty.
  double mark = 0;
  std::string mark_text;
};

/// Panels side by side under one legend: lines of the same name have the same colour.
struct figure {
  std::string title;
  std::vector<panel> panels;
};

/// SVG that follows the reader's light or dark theme; lines of more than 150 points are thinned.
[[nodiscard]] std::string to_svg(const figure& drawing);

/// Mean over windows of `width`, at each window's end.
[[nodiscard]] std::vector<double> window_means(const std::vector<double>& values,
                                               std::size_t width);

}  // namespace tandem::bench
