#include "nodes/cli/plain_text.hpp"

#include <algorithm>
#include <array>

#include "schema/text.hpp"

namespace tandem::cli {
namespace {

/// Longer sequences are not taken for one: their text is shown rather than hidden.
constexpr std::size_t sequence_bytes_max = 256;

/// Bytes of the escape sequence at the front of `text`, which starts with ESC; 1 when it is none.
std::size_t sequence_length(std::string_view text) {
  text = text.substr(0, sequence_bytes_max);
  if (text.size() < 2) return 1;
  auto kind = text[1];
  if (kind == '[') {
    for (std::size_t i = 2; i < text.size(); ++i) {
      auto c = static_cast<unsigned char>(text[i]);
      if (c >= 0x40 && c <= 0x7e) return i + 1;
      if (c < 0x20 || c > 0x7e) return 1;
    }
    return 1;
  }
  if (std::string_view{"]PX^_"}.find(kind) != std::string_view::npos) {
    for (std::size_t i = 2; i < text.size(); ++i) {
      if (text[i] == '\a') return i + 1;
      if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '\\') return i + 2;
    }
    return 1;
  }
  return kind >= 0x20 && kind < 0x7f ? 2 : 1;
}

template <class OnSpace>
std::string clean(std::string_view text, OnSpace on_space) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    auto [point, bytes] = decode_utf8(text);
    if (point == 0x1b) {
      text.remove_prefix(sequence_length(text));
      continue;
    }
    if (point == '\n' || point == '\t' || point == '\r') {
      on_space(result, static_cast<char>(point));
    } else if (point == 0xfffd) {
      result += "\xef\xbf\xbd";
    } else if (!is_control(point)) {
      result += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return result;
}

struct range {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool is_in(const std::array<range, N>& ranges, char32_t point) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [point](range r) { return point >= r.first && point <= r.last; });
}

/// The blocks that matter, after Unicode's East Asian Width and general categories Mn, Me and Cf.
constexpr std::array wide{range{0x1100, 0x115f},   range{0x2e80, 0x303e},   range{0x3041, 0xa4cf},
                          range{0xa960, 0xa97f},   range{0xac00, 0xd7a3},   range{0xf900, 0xfaff},
                          range{0xfe30, 0xfe6f},   range{0xff00, 0xff60},   range{0xffe0, 0xffe6},
                          range{0x1f300, 0x1f64f}, range{0x1f680, 0x1f6ff}, range{0x1f900, 0x1f9ff},
                          range{0x20000, 0x3fffd}};
constexpr std::array narrowest{range{0x300, 0x36f},   range{0x483, 0x489},   range{0x591, 0x5bd},
                               range{0x610, 0x61a},   range{0x64b, 0x65f},   range{0x1ab0, 0x1aff},
                               range{0x1dc0, 0x1dff}, range{0x200b, 0x200d}, range{0x2060, 0x2064},
                               range{0x20d0, 0x20f0}, range{0xfe00, 0xfe0f}, range{0xfe20, 0xfe2f},
                               range{0xfeff, 0xfeff}};

std::size_t width_of_point(char32_t point) {
  if (point < 0x300) return 1;
  if (is_in(narrowest, point)) return 0;
  return is_in(wide, point) ? 2 : 1;
}

}  // namespace

std::string printable_text(std::string_view text) {
  return clean(text, [](std::string& out, char c) {
    if (c != '\r') out += c;
  });
}

std::string printable_line(std::string_view text) {
  auto line = clean(text, [](std::string& out, char) {
    if (!out.empty() && out.back() != ' ') out += ' ';
  });
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::size_t width_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    auto [point, bytes] = decode_utf8(text);
    columns += width_of_point(point);
    text.remove_prefix(bytes);
  }
  return columns;
}

std::string fit(std::string_view text, std::size_t columns) {
  if (columns == 0 || width_of(text) <= columns) return std::string{text};
  constexpr std::string_view mark = "...";
  auto dots = mark.substr(0, std::min(columns, mark.size()));
  auto room = columns - dots.size();
  std::size_t used = 0;
  std::size_t kept = 0;
  while (kept < text.size()) {
    auto [point, bytes] = decode_utf8(text.substr(kept));
    used += width_of_point(point);
    if (used > room) break;
    kept += bytes;
  }
  return std::string{text.substr(0, kept)} + std::string{dots};
}

std::string pad_right(std::string_view text, std::size_t columns) {
  auto width = width_of(text);
  return std::string{text} + std::string(columns > width ? columns - width : 0, ' ');
}

std::string pad_left(std::string_view text, std::size_t columns) {
  auto width = width_of(text);
  return std::string(columns > width ? columns - width : 0, ' ') + std::string{text};
}

}  // namespace tandem::cli
