#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tandem::cli {

enum class tint : unsigned char { none, bold, dim, red, green, yellow, blue };

/// How text may look where it goes. The default is plain: for pipes and files.
struct style {
  bool colour = false;
  /// Symbols beyond ASCII.
  bool unicode = false;
  /// Columns; 0: no limit.
  std::size_t width = 0;

  [[nodiscard]] std::string paint(tint with, std::string_view text) const;
};

}  // namespace tandem::cli
