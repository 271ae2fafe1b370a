#include "tests/bench/semantic_edits.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace tandem::bench {
namespace {

struct span_of {
  std::size_t from;
  std::size_t size;
};

template <class Predicate>
std::vector<span_of> runs(std::string_view text, Predicate inside) {
  std::vector<span_of> out;
  for (std::size_t i = 0; i < text.size();) {
    if (!inside(text[i])) {
      ++i;
      continue;
    }
    auto from = i;
    while (i < text.size() && inside(text[i])) ++i;
    out.push_back({from, i - from});
  }
  return out;
}

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

std::size_t below(std::size_t count, std::mt19937_64& random) {
  return random() % count;
}

/// Whole numbers of up to six digits that are no part of a longer one.
std::vector<span_of> numbers(std::string_view text) {
  auto all = runs(text, is_digit);
  std::erase_if(all, [&](const span_of& s) {
    auto around = [&](std::size_t i) {
      return i < text.size() &&
             (text[i] == '.' || text[i] == ',' || text[i] == '/' || text[i] == ':') &&
             ((i + 1 < text.size() && is_digit(text[i + 1]) && i == s.from + s.size) ||
              (i > 0 && is_digit(text[i - 1]) && i + 1 == s.from));
    };
    return s.size > 6 || around(s.from + s.size) || (s.from > 0 && around(s.from - 1));
  });
  return all;
}

std::string replaced(std::string_view text, span_of where, std::string_view by) {
  std::string out{text};
  return out.replace(where.from, where.size, by);
}

std::string replaced_everywhere(std::string_view text, std::string_view word, std::string_view by) {
  std::string out;
  auto words = runs(text, is_letter);
  std::size_t at = 0;
  for (auto w : words) {
    if (text.substr(w.from, w.size) != word) continue;
    out += text.substr(at, w.from - at);
    out += by;
    at = w.from + w.size;
  }
  return out += text.substr(at);
}

std::optional<std::string> edit_number(std::string_view text, std::mt19937_64& random) {
  auto all = numbers(text);
  if (all.empty()) return std::nullopt;
  auto where = all[below(all.size(), random)];
  auto value = std::stoul(std::string{text.substr(where.from, where.size)});
  return replaced(text, where, std::to_string(value + 1 + below(9, random)));
}

std::optional<std::string> swap_numbers(std::string_view text, std::mt19937_64& random) {
  auto all = numbers(text);
  std::vector<std::pair<span_of, span_of>> pairs;
  auto of = [&](span_of s) { return text.substr(s.from, s.size); };
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = i + 1; j < all.size(); ++j)
      if (of(all[i]) != of(all[j])) pairs.emplace_back(all[i], all[j]);
  if (pairs.empty()) return std::nullopt;
  auto [one, two] = pairs[below(pairs.size(), random)];
  // The later first: the earlier's place stays.
  return replaced(replaced(text, two, of(one)), one, of(two));
}

std::optional<std::string> edit_name(std::string_view text, std::mt19937_64& random) {
  static constexpr std::array names{"Quentin", "Ottilie", "Bertram",
                                    "Yolanda", "Casimir", "Philippa"};
  std::vector<std::string_view> found;
  for (auto w : runs(text, is_letter)) {
    auto word = text.substr(w.from, w.size);
    if (w.from > 1 && text[w.from - 1] == ' ' && is_letter(text[w.from - 2]) && word.size() > 2 &&
        std::isupper(static_cast<unsigned char>(word[0])) != 0)
      found.push_back(word);
  }
  if (found.empty()) return std::nullopt;
  return replaced_everywhere(text, found[below(found.size(), random)],
                             names[below(names.size(), random)]);
}

std::optional<std::string> add_negation(std::string_view text) {
  static constexpr std::array<std::string_view, 9> verbs{"is",   "are",  "was", "were", "can",
                                                         "will", "does", "did", "has"};
  for (auto w : runs(text, is_letter))
    if (std::find(verbs.begin(), verbs.end(), text.substr(w.from, w.size)) != verbs.end())
      return replaced(text, {w.from + w.size, 0}, " not");
  return std::nullopt;
}

std::optional<std::string> edit_opposite(std::string_view text) {
  using pair = std::pair<std::string_view, std::string_view>;
  static constexpr std::array pairs{
      pair{"more", "fewer"},     pair{"before", "after"},   pair{"first", "last"},
      pair{"buys", "sells"},     pair{"highest", "lowest"}, pair{"older", "younger"},
      pair{"longer", "shorter"}, pair{"most", "least"},     pair{"largest", "smallest"}};
  for (auto w : runs(text, is_letter)) {
    auto word = text.substr(w.from, w.size);
    for (const auto& [one, other] : pairs) {
      if (word == one) return replaced_everywhere(text, one, other);
      if (word == other) return replaced_everywhere(text, other, one);
    }
  }
  return std::nullopt;
}

std::vector<std::string_view> plain_words(std::string_view text) {
  std::vector<std::string_view> out;
  for (auto w : runs(text, is_letter)) {
    auto word = text.substr(w.from, w.size);
    if (word.size() >= 5 && std::all_of(word.begin(), word.end(), [](char c) {
          return std::islower(static_cast<unsigned char>(c)) != 0;
        }))
      out.push_back(word);
  }
  return out;
}

std::optional<std::string> edit_word(std::string_view text, const std::vector<std::string>& others,
                                     std::mt19937_64& random) {
  auto mine = plain_words(text);
  auto theirs = plain_words(others[below(others.size(), random)]);
  if (mine.empty() || theirs.empty()) return std::nullopt;
  auto word = mine[below(mine.size(), random)];
  auto by = theirs[below(theirs.size(), random)];
  if (word == by) return std::nullopt;
  return replaced_everywhere(text, word, by);
}

}  // namespace

const char* to_string(edit kind) noexcept {
  switch (kind) {
    case edit::number:
      return "a number";
    case edit::swapped_numbers:
      return "the places of two numbers";
    case edit::name:
      return "a name";
    case edit::negation:
      return "a negation";
    case edit::opposite:
      return "an opposite";
    case edit::word:
      return "any other word";
  }
  return "";
}

std::optional<std::string> edited(std::string_view text, edit kind,
                                  const std::vector<std::string>& others, std::mt19937_64& random) {
  switch (kind) {
    case edit::number:
      return edit_number(text, random);
    case edit::swapped_numbers:
      return swap_numbers(text, random);
    case edit::name:
      return edit_name(text, random);
    case edit::negation:
      return add_negation(text);
    case edit::opposite:
      return edit_opposite(text);
    case edit::word:
      return edit_word(text, others, random);
  }
  return std::nullopt;
}

std::string detailed(std::string_view goal, std::mt19937_64& random) {
  static constexpr std::array names{"Alice", "Robert", "Maria", "Kenji", "Fatima", "Olga"};
  static constexpr std::array days{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"};
  std::string out{goal};
  while (!out.empty() && (out.back() == '.' || out.back() == '?' || out.back() == ' '))
    out.pop_back();
  return out + " before " + days[below(days.size(), random)] + " with " +
         std::to_string(2 + below(28, random)) + " hours of work and " +
         std::to_string(50 * (1 + below(40, random))) + " dollars that is given to " +
         names[below(names.size(), random)];
}

std::string reworded_goal(std::string_view detailed_goal, std::mt19937_64& random) {
  static constexpr std::array heads{"What are the steps to ", "Please make a plan to ",
                                    "I would like to know the best way to ",
                                    "Which things have to be done in order to "};
  constexpr std::string_view how_to = "how to ";
  std::string rest{detailed_goal};
  if (rest.size() > how_to.size() &&
      std::equal(how_to.begin(), how_to.end(), rest.begin(),
                 [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); }))
    rest.erase(0, how_to.size());
  using pair = std::pair<std::string_view, std::string_view>;
  static constexpr std::array synonyms{
      pair{"make", "prepare"},  pair{"create", "build"}, pair{"get", "obtain"},
      pair{"buy", "purchase"},  pair{"begin", "start"},  pair{"find", "look for"},
      pair{"learn", "study"},   pair{"house", "home"},   pair{"child", "kid"},
      pair{"clean", "tidy"},    pair{"work", "labour"},  pair{"given", "handed"},
      pair{"dollars", "bucks"}, pair{"good", "decent"},  pair{"trip", "journey"}};
  for (const auto& [word, by] : synonyms)
    if (below(2, random) == 0) rest = replaced_everywhere(rest, word, by);
  return heads[below(heads.size(), random)] + rest + "?";
}

}  // namespace tandem::bench
