#include "nodes/cli/style.hpp"

#include <array>

namespace tandem::cli {

std::string style::paint(tint with, std::string_view text) const {
  if (!colour || with == tint::none || text.empty()) return std::string{text};
  constexpr std::array codes{"", "1", "2", "31", "32", "33", "34"};
  return std::string{"\x1b["} + codes[static_cast<std::size_t>(with)] + 'm' + std::string{text} +
         "\x1b[0m";
}

}  // namespace tandem::cli
