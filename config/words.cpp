#include "config/words.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace tandem {
namespace {

constexpr std::size_t word_length_max = 80;

std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, current);
  }
  return last[b.size()];
}

bool is_printable(char c) {
  return c >= 0x20 && c < 0x7f;
}

}  // namespace

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > word_length_max) return {};
  std::string_view best;
  auto best_edits = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (auto candidate : candidates) {
    auto edits = edits_between(word, candidate);
    if (edits < best_edits && edits < std::max(word.size(), candidate.size())) {
      best_edits = edits;
      best = candidate;
    }
  }
  return best;
}

std::string quote_word(std::string_view text) {
  std::string result = "'";
  for (char c : text.substr(0, word_length_max)) result += is_printable(c) ? c : '?';
  return result + (text.size() > word_length_max ? "...'" : "'");
}

std::string toml_string(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04X", byte);
      result += code;
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string list_words(std::span<const std::string_view> words) {
  std::string result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) result += i + 1 == words.size() ? " or " : ", ";
    result += words[i];
  }
  return result;
}

}  // namespace tandem
