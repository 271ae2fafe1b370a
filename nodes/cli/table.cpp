#include "nodes/cli/table.hpp"

#include <algorithm>

#include "nodes/cli/plain_text.hpp"

namespace tandem::cli {
namespace {

constexpr std::size_t gap = 2;
/// A last column narrower than this is not worth cutting to.
constexpr std::size_t last_column_min = 10;

std::string aligned(const std::string& text, std::size_t width, table::align side) {
  return side == table::align::right ? pad_left(text, width) : pad_right(text, width);
}

}  // namespace

void table::add(std::vector<cell> row) {
  row.resize(columns_.size(), cell{""});
  for (auto& cell : row) {
    // Tree branches at a cell's start keep their indentation.
    auto indent = cell.text.find_first_not_of(' ');
    cell.text = indent == std::string::npos
                    ? ""
                    : std::string(indent, ' ') + printable_line(cell.text.substr(indent));
  }
  rows_.push_back(std::move(row));
}

void table::drop_empty_last() {
  auto is_empty = [](const std::vector<cell>& row) { return row.back().text.empty(); };
  if (columns_.size() < 2 || !std::all_of(rows_.begin(), rows_.end(), is_empty)) return;
  columns_.pop_back();
  for (auto& row : rows_) row.pop_back();
}

void table::drop_empty() {
  for (auto i = columns_.size(); i-- > 1;) {
    auto is_empty = [i](const std::vector<cell>& row) { return row[i].text.empty(); };
    if (!std::all_of(rows_.begin(), rows_.end(), is_empty)) continue;
    auto at = static_cast<std::ptrdiff_t>(i);
    columns_.erase(columns_.begin() + at);
    for (auto& row : rows_) row.erase(row.begin() + at);
  }
}

std::vector<std::size_t> table::widths(const style& how, bool must_fit) const {
  std::vector<std::size_t> widths;
  std::size_t total = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto width = width_of(columns_[i].heading);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i].text));
    widths.push_back(width);
    total += width + (i > 0 ? gap : 0);
  }
  if (how.width == 0 || total <= how.width) return widths;
  auto before_last = total - widths.back();
  if (before_last + last_column_min <= how.width) {
    widths.back() = how.width - before_last;
    return widths;
  }
  while (must_fit && total > how.width) {
    auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= 1) break;
    --*widest;
    --total;
  }
  return widths;
}

std::string table::render(const style& how, bool must_fit) const {
  auto widths = this->widths(how, must_fit);
  std::string out;
  auto add_line = [&](auto&& text_at) {
    std::string line;
    std::size_t blanks = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      auto [text, colour] = text_at(i);
      auto cut = fit(text, widths[i]);
      auto full = aligned(cut, widths[i], columns_[i].side);
      auto first = full.find_first_not_of(' ');
      if (first == std::string::npos) {
        blanks += full.size() + gap;
        continue;
      }
      auto last = full.find_last_not_of(' ') + 1;
      line.append(blanks + first, ' ');
      line += how.paint(colour, full.substr(first, last - first));
      blanks = full.size() - last + gap;
    }
    out += line + '\n';
  };
  add_line([&](std::size_t i) { return std::pair{columns_[i].heading, tint::bold}; });
  for (const auto& row : rows_) {
    add_line([&](std::size_t i) { return std::pair{row[i].text, row[i].colour}; });
  }
  return out;
}

}  // namespace tandem::cli
