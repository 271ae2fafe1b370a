#include "nodes/cli/fact_list.hpp"

#include "nodes/cli/plain_text.hpp"

namespace tandem::cli {
namespace {

constexpr std::size_t name_width = 9;

}  // namespace

void fact_list::add(std::string_view name, std::string_view text) {
  if (text.empty()) return;
  out_ += how_.paint(tint::dim, pad_right(name, name_width)) + std::string{text} + '\n';
}

void fact_list::add_text(std::string_view name, std::string_view text) {
  std::string indented;
  for (char c : printable_text(text)) {
    indented += c;
    if (c == '\n') indented.append(name_width, ' ');
  }
  while (!indented.empty() && (indented.back() == ' ' || indented.back() == '\n')) {
    indented.pop_back();
  }
  add(name, indented);
}

}  // namespace tandem::cli
