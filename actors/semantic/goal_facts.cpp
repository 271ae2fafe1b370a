#include <algorithm>
#include <unordered_set>

#include "actors/semantic/goal_guards.hpp"
#include "actors/semantic/goal_hash.hpp"

namespace tandem {
namespace {

bool negates(std::string_view word) {
  static const std::unordered_set<std::string_view> table{
      "not",     "no",  "never", "without", "except", "excluding", "excluded", "exclude",
      "neither", "nor", "none",  "nothing", "nobody", "cannot",    "unless",   "nowhere"};
  return table.contains(word) || word.ends_with("n't");
}

/// What follows an order, and hardly ever a name.
bool follows_imperative(const goal_word& word) {
  static const std::unordered_set<std::string_view> table{
      "a",     "an",   "the",   "my",   "our",   "your", "all", "some", "any", "each",
      "every", "this", "these", "that", "those", "me",   "us",  "to",   "how", "what"};
  return word.type == goal_word::kind::number || word.type == goal_word::kind::literal ||
         (word.type == goal_word::kind::word && table.contains(word.text));
}

/// Words that say something, two before and four after.
void add_near(const std::vector<goal_word>& words, std::size_t at,
              std::vector<std::uint32_t>& out) {
  for (auto i = at < 2 ? 0 : at - 2; i < std::min(words.size(), at + 5); ++i)
    if (words[i].type == goal_word::kind::word && !function_word(words[i].text) &&
        !negates(words[i].text))
      out.push_back(static_cast<std::uint32_t>(goal_hash(stem_of(words[i].text))));
}

template <class Item>
void sort_unique(std::vector<Item>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

}  // namespace

goal_facts facts_of(const std::vector<goal_word>& words, std::vector<goal_number> numbers) {
  goal_facts facts;
  facts.numbers = std::move(numbers);
  std::unordered_set<std::string> seen;
  std::unordered_set<std::string> seen_opening;
  auto number = facts.numbers.begin();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word.type == goal_word::kind::literal) facts.literals.push_back(word.text);
    if (word.type != goal_word::kind::word) continue;
    while (number != facts.numbers.end() && number->at + number->words <= i) ++number;
    bool counts = number != facts.numbers.end() && i >= number->at;
    auto stem = stem_of(word.text);
    bool dull = function_word(word.text);
    auto hash = static_cast<std::uint32_t>(goal_hash(stem));
    facts.words.push_back(hash);
    if (!dull) facts.sequence.push_back(hash);
    if (negates(word.text)) {
      ++facts.negations;
      add_near(words, i, facts.negated);
    } else if (word.capital && !dull && !counts) {
      if (word.opens_sentence) {
        bool order = i + 1 < words.size() && follows_imperative(words[i + 1]);
        if (!order && seen_opening.insert(stem).second) facts.opening.push_back(word.text);
      } else if (seen.insert(stem).second) {
        facts.names.push_back(word.text);
      }
    }
  }
  sort_unique(facts.literals);
  sort_unique(facts.negated);
  std::sort(facts.words.begin(), facts.words.end());
  return facts;
}

}  // namespace tandem
