#include "actors/router/learning/text_scan.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>

namespace tandem {
namespace {

/// "buying" and "buyer" are one word, and so are most forms of one in many languages.
constexpr std::size_t stem_letters = 6;
/// Where a language has no spaces, or somebody sends what is no language.
constexpr std::size_t word_bytes = 36;

constexpr std::uint64_t fnv_offset = 0xcbf29ce484222325;
constexpr std::uint64_t fnv_prime = 0x100000001b3;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
/// In UTF-8: not the first byte of a character.
bool is_continued(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

/// Each letter as a small one; 0: no letter.
constexpr auto small_letters = [] {
  std::array<char, 256> out{};
  for (int c = 'a'; c <= 'z'; ++c) out[static_cast<std::size_t>(c)] = static_cast<char>(c);
  for (int c = 'A'; c <= 'Z'; ++c)
    out[static_cast<std::size_t>(c)] = static_cast<char>(c - 'A' + 'a');
  for (int c = 0x80; c <= 0xff; ++c) out[static_cast<std::size_t>(c)] = static_cast<char>(c);
  return out;
}();

char small_letter(char c) {
  return small_letters[static_cast<unsigned char>(c)];
}
bool is_letter(char c) {
  return small_letter(c) != 0;
}

/// Quantities that are written out are numbers, too.
constexpr std::string_view number_words[] = {
    "billion",  "double",    "dozen",    "eight",    "eighteen", "eighty",   "eleven",  "fifteen",
    "fifth",    "fifty",     "five",     "forty",    "four",     "fourteen", "fourth",  "half",
    "hundred",  "million",   "nine",     "nineteen", "ninety",   "one",      "quarter", "second",
    "seven",    "seventeen", "seventy",  "six",      "sixteen",  "sixty",    "ten",     "third",
    "thirteen", "thirty",    "thousand", "three",    "thrice",   "triple",   "twelve",  "twenty",
    "twice",    "two",       "zero"};

static_assert(std::is_sorted(std::begin(number_words), std::end(number_words)));

bool is_number_word(std::string_view word) {
  return word.size() >= 3 &&
         std::binary_search(std::begin(number_words), std::end(number_words), word);
}

}  // namespace

std::uint64_t mix_hash(std::uint64_t value) {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccd;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53;
  return value ^ (value >> 33);
}

std::uint64_t feature_hash(std::string_view text, std::uint64_t seed) {
  auto hash = fnv_offset ^ seed;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * fnv_prime;
  return mix_hash(hash);
}

std::uint32_t text_counts::distinct_words() const {
  std::uint32_t bits = 0;
  for (auto part : seen) bits += static_cast<std::uint32_t>(std::popcount(part));
  return bits;
}

std::array<std::string_view, 2> text_scan::window_of(std::string_view text, std::uint64_t before,
                                                     std::uint64_t total) {
  if (total <= 2 * text_window) return {text, {}};
  std::array<std::string_view, 2> parts{};
  if (before < text_window) parts[0] = text.substr(0, text_window - before);
  auto from = total - text_window;
  if (before + text.size() > from)
    parts[1] = text.substr(before < from ? static_cast<std::size_t>(from - before) : 0);
  return parts;
}

bool text_scan::next_word(std::string_view& text) {
  while (!text.empty()) {
    if (is_digit(text.front()) || is_letter(text.front())) {
      is_digit(text.front()) ? take_number(text) : take_letters(text);
      ++counts_.words;
      auto bit = word_ % (64 * counts_.seen.size());
      counts_.seen[bit / 64] |= std::uint64_t{1} << (bit % 64);
      return true;
    }
    count_sign(text.front());
    text.remove_prefix(1);
  }
  return false;
}

void text_scan::take_number(std::string_view& text) {
  std::uint32_t digits = 0;
  bool fraction = false;
  std::size_t length = 0;
  for (; length < text.size(); ++length) {
    char c = text[length];
    if (is_digit(c)) {
      ++digits;
      continue;
    }
    // "1,000" and "2.5" and "3/4" are one number each, "3." ends a sentence.
    bool inside = length + 1 < text.size() && is_digit(text[length + 1]);
    if (!inside || (c != ',' && c != '.' && c != '/')) break;
    if (c != ',') fraction = true;
  }
  text.remove_prefix(length);
  if (!text.empty() && text.front() == '%') fraction = true;
  ++counts_.numbers;
  counts_.digits += digits;
  counts_.fractions += fraction ? 1 : 0;
  counts_.longest_number = std::max(counts_.longest_number, digits);
  word_ = mix_hash(fnv_offset + 2 * std::min(digits, 8u) + (fraction ? 1 : 0));
}

void text_scan::take_letters(std::string_view& text) {
  std::array<char, 16> start{};
  auto hash = fnv_offset;
  std::size_t length = 0;
  std::size_t letters = 0;
  bool capital = is_capital(text.front());
  const auto most = std::min(text.size(), word_bytes);
  for (; length < most; ++length) {
    auto c = small_letter(text[length]);
    if (c == 0) {
      if (text[length] != '\'' || length + 1 >= text.size() || !is_letter(text[length + 1])) break;
      continue;
    }
    if (static_cast<unsigned char>(c) >= 0x80) ++counts_.foreign;
    if (length < start.size()) start[length] = c;
    if (!is_continued(c)) ++letters;
    if (letters <= stem_letters) hash = (hash ^ static_cast<unsigned char>(c)) * fnv_prime;
  }
  text.remove_prefix(length);
  counts_.letters += static_cast<std::uint32_t>(length);
  counts_.capitals += capital ? 1 : 0;
  if (length < start.size() && is_number_word({start.data(), length})) ++counts_.number_words;
  word_ = mix_hash(hash);
}

void text_scan::count_sign(char sign) {
  switch (sign) {
    case '.':
    case '!':
    case ':':
      ++counts_.sentences;
      break;
    case '?':
      ++counts_.sentences;
      ++counts_.questions;
      break;
    case ',':
      ++counts_.commas;
      break;
    case '\n':
      ++counts_.lines;
      break;
    case '+':
    case '-':
    case '*':
    case '/':
    case '=':
    case '^':
    case '<':
    case '>':
      ++counts_.operators;
      break;
    case '(':
    case ')':
    case '[':
    case ']':
      ++counts_.brackets;
      break;
    case '{':
    case '}':
    case ';':
    case '_':
    case '`':
    case '\\':
    case '#':
    case '&':
    case '|':
      ++counts_.code_signs;
      break;
    case '$':
      ++counts_.currencies;
      break;
    case '"':
      ++counts_.quotes;
      break;
    default:
      break;
  }
}

}  // namespace tandem
