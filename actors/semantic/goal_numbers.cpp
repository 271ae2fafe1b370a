#include "actors/semantic/goal_numbers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "actors/semantic/goal_hash.hpp"

namespace tandem {
namespace {

using word_kind = goal_word::kind;
using number_kind = goal_number::kind;
using word_values = std::unordered_map<std::string_view, double>;

const word_values& units() {
  static const word_values table{
      {"zero", 0},     {"one", 1},      {"two", 2},        {"three", 3},     {"four", 4},
      {"five", 5},     {"six", 6},      {"seven", 7},      {"eight", 8},     {"nine", 9},
      {"ten", 10},     {"eleven", 11},  {"twelve", 12},    {"thirteen", 13}, {"fourteen", 14},
      {"fifteen", 15}, {"sixteen", 16}, {"seventeen", 17}, {"eighteen", 18}, {"nineteen", 19}};
  return table;
}

const word_values& tens() {
  static const word_values table{{"twenty", 20},  {"thirty", 30}, {"forty", 40},
                                 {"fourty", 40},  {"fifty", 50},  {"sixty", 60},
                                 {"seventy", 70}, {"eighty", 80}, {"ninety", 90}};
  return table;
}

const word_values& scales() {
  static const word_values table{{"hundred", 1e2},  {"thousand", 1e3},  {"million", 1e6},
                                 {"billion", 1e9},  {"trillion", 1e12}, {"dozen", 12},
                                 {"hundreds", 1e2}, {"thousands", 1e3}, {"dozens", 12}};
  return table;
}

const word_values& ordinals() {
  static const word_values table{
      {"first", 1},        {"second", 2},      {"third", 3},        {"fourth", 4},
      {"fifth", 5},        {"sixth", 6},       {"seventh", 7},      {"eighth", 8},
      {"ninth", 9},        {"tenth", 10},      {"eleventh", 11},    {"twelfth", 12},
      {"thirteenth", 13},  {"fourteenth", 14}, {"fifteenth", 15},   {"sixteenth", 16},
      {"seventeenth", 17}, {"eighteenth", 18}, {"nineteenth", 19},  {"twentieth", 20},
      {"thirtieth", 30},   {"hundredth", 100}, {"thousandth", 1000}};
  return table;
}

/// Parts: what "two" before them multiplies.
const word_values& parts() {
  static const word_values table{
      {"half", 1. / 2},      {"halves", 1. / 2},      {"third", 1. / 3},       {"thirds", 1. / 3},
      {"quarter", 1. / 4},   {"quarters", 1. / 4},    {"fourth", 1. / 4},      {"fourths", 1. / 4},
      {"fifth", 1. / 5},     {"fifths", 1. / 5},      {"sixth", 1. / 6},       {"sixths", 1. / 6},
      {"seventh", 1. / 7},   {"sevenths", 1. / 7},    {"eighth", 1. / 8},      {"eighths", 1. / 8},
      {"ninth", 1. / 9},     {"ninths", 1. / 9},      {"tenth", 1. / 10},      {"tenths", 1. / 10},
      {"twelfths", 1. / 12}, {"twentieths", 1. / 20}, {"hundredths", 1. / 100}};
  return table;
}

const word_values& multiples() {
  static const word_values table{
      {"twice", 2},     {"double", 2},     {"doubles", 2},   {"doubled", 2}, {"doubling", 2},
      {"thrice", 3},    {"triple", 3},     {"triples", 3},   {"tripled", 3}, {"tripling", 3},
      {"quadruple", 4}, {"quadrupled", 4}, {"quadruples", 4}};
  return table;
}

const word_values& loose_words() {
  static const word_values table{{"once", 1}, {"single", 1}, {"both", 2},
                                 {"pair", 2}, {"pairs", 2},  {"couple", 2}};
  return table;
}

std::optional<double> find(const word_values& table, std::string_view word) {
  auto found = table.find(word);
  if (found == table.end()) return std::nullopt;
  return found->second;
}

std::optional<double> digits(const std::string& text) {
  double value = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class number_reader {
 public:
  explicit number_reader(const std::vector<goal_word>& words) : words_{words} {}

  std::vector<goal_number> read() {
    std::vector<goal_number> out;
    for (std::size_t i = 0; i < words_.size();) {
      at_ = i;
      if (auto number = take()) {
        number->at = i;
        number->words = at_ - i;
        number->of = counted(at_);
        number->near = around(i, at_);
        out.push_back(std::move(*number));
        i = std::max(at_, i + 1);
      } else {
        ++i;
      }
    }
    return out;
  }

 private:
  const goal_word* word(std::size_t i) const {
    return i < words_.size() && words_[i].type == word_kind::word ? &words_[i] : nullptr;
  }
  bool is_word(std::size_t i, std::string_view text) const {
    auto* w = word(i);
    return w && w->text == text;
  }
  bool is_sign(std::size_t i, char c) const {
    return i < words_.size() && words_[i].type == word_kind::sign && words_[i].text[0] == c;
  }
  std::optional<double> look(const word_values& table, std::size_t i) const {
    auto* w = word(i);
    return w ? find(table, w->text) : std::nullopt;
  }
  /// Behind a hyphen inside a word, as in twenty-five.
  std::size_t past_hyphen(std::size_t i) const { return is_sign(i, '-') ? i + 1 : i; }

  bool behind_number(std::size_t i) const {
    if (i > 0 && is_sign(i - 1, '-')) --i;
    if (i == 0) return false;
    return words_[i - 1].type == word_kind::number || look(units(), i - 1) || look(tens(), i - 1);
  }

  std::optional<goal_number> take() {
    if (at_ >= words_.size()) return std::nullopt;
    if (words_[at_].type == word_kind::number) return after_value(in_digits(), true);
    auto* w = word(at_);
    if (!w) return std::nullopt;
    if (auto value = take_article()) return after_value(value, false);
    if (auto value = in_words()) return after_value(value, false);
    if (w->text == "dozen") return ++at_, goal_number{.value = 12};
    if (auto value = find(multiples(), w->text)) return ++at_, goal_number{.value = *value};
    if (auto value = find(loose_words(), w->text))
      return ++at_, goal_number{.value = *value, .loose = true};
    if (auto value = find(ordinals(), w->text)) {
      ++at_;
      // "a 64-second walk", "ten seconds": a time.
      if (w->text == "second" && behind_number(at_ - 1)) return std::nullopt;
      return goal_number{.type = number_kind::ordinal, .value = *value, .loose = *value == 1};
    }
    // half, or quarters without a count
    if (w->text == "half" || w->text == "halves" || w->text == "quarter") {
      double part = *find(parts(), w->text);
      ++at_;
      if (is_word(at_, "a") && is_word(at_ + 1, "dozen")) {
        at_ += 2;
        return goal_number{.value = 6};
      }
      if (is_word(at_, "dozen")) return ++at_, goal_number{.value = 6};
      return goal_number{.value = part};
    }
    return std::nullopt;
  }

  /// "a dozen", "a hundred", "a third", "an eighth"; a number only with what follows.
  std::optional<double> take_article() {
    if (!is_word(at_, "a") && !is_word(at_, "an")) return std::nullopt;
    if (auto scale = look(scales(), at_ + 1); scale && !is_word(at_ + 2, "of")) {
      ++at_;
      return times_scales(1);
    }
    if (auto scale = look(scales(), at_ + 1)) return at_ += 2, *scale;
    auto part = look(parts(), at_ + 1);
    if (!part) return std::nullopt;
    // "a third of", "a quarter as much"; "a third car" counts cars.
    if (*part < .5 && !is_word(at_ + 1, "quarter") && !is_word(at_ + 2, "of") &&
        !is_word(at_ + 2, "as") && !is_word(at_ + 2, "more") && !is_word(at_ + 2, "less"))
      return std::nullopt;
    at_ += 2;
    if (*part == .5 && is_word(at_, "dozen")) return ++at_, 6.;
    return *part;
  }

  std::optional<double> in_digits() {
    auto value = digits(words_[at_].text);
    if (!value) return ++at_, std::nullopt;
    bool negative =
        at_ >= 1 && is_sign(at_ - 1, '-') && words_[at_].joined && !words_[at_ - 1].joined;
    ++at_;
    auto number_at = [&](std::size_t i) {
      return i < words_.size() && words_[i].type == word_kind::number ? digits(words_[i].text)
                                                                      : std::nullopt;
    };
    if (is_sign(at_, '/') && words_[at_].joined) {
      if (auto under = number_at(at_ + 1); under && *under != 0) {
        at_ += 2;
        return (negative ? -*value : *value) / *under;
      }
    } else if (is_sign(at_, ':') && words_[at_].joined) {
      if (auto minutes = number_at(at_ + 1); minutes && words_[at_ + 1].joined) {
        at_ += 2;
        return *value + *minutes / 60;
      }
    } else if (auto over = number_at(at_); over && is_sign(at_ + 1, '/')) {
      if (auto under = number_at(at_ + 2); under && *under != 0) {
        at_ += 3;
        return *value + *over / *under;
      }
    }
    double out = times_scales(*value);
    return negative ? -out : out;
  }

  /// 2 million, 5k
  double times_scales(double value) {
    while (auto scale = look(scales(), past_hyphen(at_))) {
      value *= *scale;
      at_ = past_hyphen(at_) + 1;
    }
    if (auto* w = word(at_); w && w->joined && w->text == "k") {
      value *= 1000;
      ++at_;
    }
    return value;
  }

  std::optional<double> below_hundred() {
    if (auto ten = look(tens(), at_)) {
      ++at_;
      auto next = past_hyphen(at_);
      if (auto unit = look(units(), next); unit && *unit > 0 && *unit < 10) {
        at_ = next + 1;
        return *ten + *unit;
      }
      return *ten;
    }
    if (auto unit = look(units(), at_)) return ++at_, *unit;
    return std::nullopt;
  }

  std::optional<double> in_words() {
    auto first = below_hundred();
    if (!first) return std::nullopt;
    double whole = 0;
    double part = *first;
    for (;;) {
      auto next = past_hyphen(at_);
      if (auto scale = look(scales(), next)) {
        at_ = next + 1;
        part *= *scale;
        if (*scale >= 1000 || *scale == 12) {
          whole += part;
          part = 0;
        }
        continue;
      }
      bool scaled = whole > 0 || part >= 100;
      auto after_and = scaled && is_word(at_, "and") ? at_ + 1 : at_;
      if (!scaled || (!look(units(), after_and) && !look(tens(), after_and))) break;
      at_ = after_and;
      part += below_hundred().value_or(0);
    }
    return whole + part;
  }

  /// What may follow a value: parts of one, a half more, percent, the ending of an ordinal.
  std::optional<goal_number> after_value(std::optional<double> value, bool in_digits) {
    if (!value) return std::nullopt;
    goal_number out{.value = *value};
    auto next = past_hyphen(at_);
    // "3 quarters", "one fifth"; "3 half pints" are three, "60 second" is a time.
    auto part = look(parts(), next);
    bool plural = part && words_[next].text.back() == 's';
    if (part && (plural || (!in_digits && *value == 1) || words_[next].text == "quarter")) {
      out.value *= *part;
      at_ = next + 1;
      return out;
    }
    if (is_word(at_, "and")) {
      auto from = is_word(at_ + 1, "a") || is_word(at_ + 1, "one") ? at_ + 2 : at_ + 1;
      auto more = look(parts(), past_hyphen(from));
      if (more && (from == at_ + 2 || is_word(from, "half"))) {
        out.value += *more;
        at_ = past_hyphen(from) + 1;
        return out;
      }
    }
    if (is_sign(at_, '%') || is_word(at_, "percent") || is_word(at_, "percents")) {
      ++at_;
      out.type = number_kind::percent;
    } else if (is_word(at_, "per") && is_word(at_ + 1, "cent")) {
      at_ += 2;
      out.type = number_kind::percent;
    } else if (auto* w = word(at_);
               w && w->joined &&
               (w->text == "st" || w->text == "nd" || w->text == "rd" || w->text == "th")) {
      ++at_;
      out.type = number_kind::ordinal;
      out.loose = out.value == 1;
    } else if (auto ordinal = look(ordinals(), past_hyphen(at_));
               ordinal && !in_digits && out.value >= 20 && *ordinal < 10) {
      out.value += *ordinal;
      at_ = past_hyphen(at_) + 1;
      out.type = number_kind::ordinal;
    } else {
      out.loose = out.value == 1;
    }
    return out;
  }

  std::string counted(std::size_t from) const {
    for (std::size_t i = from; i < words_.size() && i < from + 4; ++i) {
      if (words_[i].type == word_kind::number || is_sign(i, '.')) break;
      if (words_[i].type != word_kind::word) continue;
      if (auto& text = words_[i].text; !function_word(text)) return text;
    }
    return {};
  }

  std::vector<std::uint32_t> around(std::size_t from, std::size_t to) const {
    std::vector<std::uint32_t> out;
    auto add = [&](std::size_t i) {
      if (is_sign(i, '.')) return false;
      if (words_[i].type == word_kind::word && !function_word(words_[i].text))
        out.push_back(static_cast<std::uint32_t>(goal_hash(stem_of(words_[i].text))));
      return true;
    };
    for (std::size_t i = from; i > 0 && from - i < reach && add(i - 1); --i) continue;
    for (std::size_t i = to; i < words_.size() && i - to < reach && add(i); ++i) continue;
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  /// How many words to each side are near.
  static constexpr std::size_t reach = 6;

  const std::vector<goal_word>& words_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<goal_number> numbers_of(const std::vector<goal_word>& words) {
  return number_reader{words}.read();
}

std::string to_string(const goal_number& number) {
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%.6g", number.value);
  std::string out = text.data();
  if (number.type == number_kind::percent) out += '%';
  if (number.type == number_kind::ordinal) out += ". in order";
  return out;
}

bool function_word(std::string_view word) {
  static const std::unordered_set<std::string_view> table{
      "a",         "an",    "the",    "of",     "and",     "or",     "to",     "in",
      "on",        "at",    "for",    "from",   "by",      "with",   "as",     "is",
      "are",       "was",   "were",   "be",     "been",    "being",  "am",     "do",
      "does",      "did",   "has",    "have",   "had",     "having", "he",     "she",
      "it",        "they",  "we",     "you",    "i",       "him",    "her",    "them",
      "us",        "me",    "his",    "hers",   "its",     "their",  "theirs", "our",
      "your",      "my",    "this",   "that",   "these",   "those",  "there",  "here",
      "then",      "than",  "so",     "if",     "when",    "while",  "what",   "which",
      "who",       "whom",  "whose",  "how",    "where",   "why",    "can",    "could",
      "will",      "would", "shall",  "should", "may",     "might",  "must",   "many",
      "much",      "more",  "less",   "most",   "also",    "too",    "each",   "every",
      "some",      "any",   "all",    "per",    "into",    "out",    "up",     "down",
      "over",      "after", "before", "about",  "just",    "only",   "other",  "another",
      "such",      "same",  "own",    "but",    "because", "since",  "during", "between",
      "through",   "both",  "once",   "now",    "if",      "given",  "let",    "calculate",
      "determine", "find",  "total",  "number", "amount"};
  return table.contains(word);
}

std::string stem_of(std::string_view word) {
  auto ends = [&](std::string_view with, std::size_t least) {
    return word.size() >= with.size() + least && word.ends_with(with);
  };
  auto without = [&](std::size_t count) {
    return std::string{word.substr(0, word.size() - count)};
  };
  std::string out{word};
  if (ends("ies", 2)) {
    out = without(3) + "y";
  } else if (ends("sses", 1) || ends("shes", 1) || ends("ches", 1) || ends("xes", 1)) {
    out = without(2);
  } else if (ends("ing", 3)) {
    out = without(3);
  } else if (ends("ed", 3)) {
    out = without(2);
  } else if (ends("s", 2) && !word.ends_with("ss") && !word.ends_with("us")) {
    out = without(1);
  }
  if (out.size() > 3 && out[out.size() - 1] == out[out.size() - 2] && out.back() != 's' &&
      out.back() != 'l')
    out.pop_back();
  if (out.size() > 3 && out.back() == 'e') out.pop_back();
  return out;
}

}  // namespace tandem
