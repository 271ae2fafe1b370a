#include "actors/semantic/goal_guards.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "actors/semantic/goal_hash.hpp"

namespace tandem {
namespace {

/// Of that share of common words on, two texts are one text with an edit, and their order counts.
constexpr double same_wording = .85;
/// Pairs of numbers are compared up to so many; with more, only their order counts.
constexpr std::size_t numbers_compared = 48;
/// By so many words more must the crossed reading fit better to refuse numbers in the same order.
constexpr std::size_t doubt = 2;

guard_verdict refuse(goal_guard guard, std::string why) {
  return {guard, std::move(why)};
}

/// To six digits: 1/3 in words and in digits is the same.
std::string key_of(const goal_number& n) {
  return to_string(n);
}

std::set<std::string> firm_numbers(const std::vector<goal_number>& numbers) {
  std::set<std::string> out;
  for (const auto& n : numbers)
    if (!n.loose) out.insert(key_of(n));
  return out;
}

std::optional<std::string> first_missing(const std::set<std::string>& of,
                                         const std::set<std::string>& in) {
  for (const auto& text : of)
    if (!in.contains(text)) return text;
  return std::nullopt;
}

guard_verdict check_numbers(const goal_facts& asked, const goal_facts& kept) {
  auto a = firm_numbers(asked.numbers);
  auto k = firm_numbers(kept.numbers);
  if (auto n = first_missing(a, k))
    return refuse(goal_guard::numbers, "the number " + *n + " is not in the stored goal");
  if (auto n = first_missing(k, a))
    return refuse(goal_guard::numbers, "the stored goal has the number " + *n + " as well");
  return {};
}

guard_verdict check_counted(const goal_facts& asked, const goal_facts& kept) {
  std::map<std::string, std::set<std::string>> counts;
  for (const auto& n : kept.numbers)
    if (!n.of.empty()) counts[stem_of(n.of)].insert(key_of(n));
  struct counted {
    const goal_number* number;
    bool met;
  };
  std::map<std::string, counted> shared;
  for (const auto& n : asked.numbers) {
    auto what = stem_of(n.of);
    auto found = counts.find(what);
    if (n.of.empty() || found == counts.end()) continue;
    auto& c = shared.try_emplace(std::move(what), counted{&n, false}).first->second;
    c.met = c.met || found->second.contains(key_of(n));
  }
  for (const auto& [what, c] : shared)
    if (!c.met)
      return refuse(goal_guard::counted, "before \"" + c.number->of + "\" stands " +
                                             key_of(*c.number) + " here, " + *counts[what].begin() +
                                             " in the stored goal");
  return {};
}

std::uint32_t hash_of(std::string_view word) {
  return static_cast<std::uint32_t>(goal_hash(stem_of(word)));
}

bool has_word(const goal_facts& facts, std::string_view word) {
  return std::binary_search(facts.words.begin(), facts.words.end(), hash_of(word));
}

std::optional<std::string> first_missing(const std::vector<std::string>& names,
                                         const goal_facts& in) {
  for (const auto& name : names)
    if (!has_word(in, name)) return name;
  return std::nullopt;
}

guard_verdict check_names(const goal_facts& asked, const goal_facts& kept) {
  if (auto name = first_missing(asked.names, kept))
    return refuse(goal_guard::names, "the name \"" + *name + "\" is not in the stored goal");
  if (auto name = first_missing(kept.names, asked))
    return refuse(goal_guard::names, "the stored goal has the name \"" + *name + "\" as well");
  // Whether a sentence opens with a name cannot be seen; one that takes another's place is refused.
  auto a = first_missing(asked.opening, kept);
  auto k = first_missing(kept.opening, asked);
  if (a && k)
    return refuse(goal_guard::names, "\"" + *a + "\" where the stored goal has \"" + *k + "\"");
  return {};
}

guard_verdict check_literals(const goal_facts& asked, const goal_facts& kept) {
  if (asked.literals == kept.literals) return {};
  std::set<std::string> a{asked.literals.begin(), asked.literals.end()};
  std::set<std::string> k{kept.literals.begin(), kept.literals.end()};
  if (auto text = first_missing(a, k))
    return refuse(goal_guard::literals, "\"" + *text + "\" is not in the stored goal");
  return refuse(goal_guard::literals,
                "the stored goal has \"" + first_missing(k, a).value_or("") + "\" as well");
}

guard_verdict check_negations(const goal_facts& asked, const goal_facts& kept) {
  if (asked.negations == kept.negations) {
    if (asked.negations == 0 || asked.negated.empty() || kept.negated.empty()) return {};
    for (auto hash : asked.negated)
      if (std::binary_search(kept.negated.begin(), kept.negated.end(), hash)) return {};
    return refuse(goal_guard::negations, "what is negated here is not in the stored goal");
  }
  return refuse(goal_guard::negations, std::to_string(asked.negations) + " negations here, " +
                                           std::to_string(kept.negations) + " in the stored goal");
}

using words = std::vector<std::string_view>;

/// Words of two sides: where one side has become rarer and the other more frequent, the meaning has
/// turned, whichever words were used.
struct opposites {
  words one;
  words other;
};

const std::vector<opposites>& opposite_sides() {
  static const std::vector<opposites> table{
      {{"more",     "additional", "extra",  "further", "greater", "longer",  "larger",  "older",
        "farther",  "higher",     "bigger", "faster",  "heavier", "taller",  "wider",   "above",
        "increase", "exceed",     "oldest", "longest", "largest", "highest", "biggest", "fastest",
        "most",     "maximum",    "senior", "upward",  "gain",    "rise",    "raise"},
       {"less",    "fewer",    "shorter", "smaller",  "younger", "nearer",   "lower",    "slower",
        "lighter", "narrower", "below",   "decrease", "reduce",  "youngest", "shortest", "smallest",
        "lowest",  "slowest",  "least",   "minimum",  "junior",  "downward", "drop",     "fall"}},
      {{"before", "prior", "previous", "earlier", "beforehand"}, {"after", "afterwards", "later"}},
      {{"first", "initial", "beginning", "start", "begin", "open", "newest", "initially"},
       {"last", "final", "end", "finish", "stop", "close", "oldest", "finally"}},
      {{"buy", "bought", "purchase", "acquire"}, {"sell", "sold", "vend"}},
      {{"add", "plus", "insert"}, {"remove", "subtract", "minus", "deduct", "delete"}},
      {{"multiply"}, {"divide"}},
      {{"win", "won", "profit"}, {"lose", "lost", "loss"}},
      {{"import", "upload", "encrypt", "install", "enable", "lock", "save", "create", "push"},
       {"export", "download", "decrypt", "uninstall", "disable", "unlock", "discard", "destroy",
        "pull"}},
      {{"ascending"}, {"descending"}},
      {{"north"}, {"south"}},
      {{"east"}, {"west"}},
      {{"left"}, {"right"}},
      {{"up"}, {"down"}},
      {{"best", "better"}, {"worst", "worse"}},
      {{"morning"}, {"evening", "night"}},
      {{"today"}, {"tomorrow", "yesterday"}},
      {{"tomorrow"}, {"yesterday"}},
      {{"true"}, {"false"}},
      {{"all", "every"}, {"none"}},
      {{"inside"}, {"outside"}},
      {{"over"}, {"under"}},
      {{"hot"}, {"cold"}},
      {{"public"}, {"private"}},
      {{"son", "brother", "father", "boy", "male", "husband"},
       {"daughter", "sister", "mother", "girl", "female", "wife"}},
      {{"daily", "day"}, {"weekly", "week"}},
      {{"weekly", "week"}, {"monthly", "month"}},
      {{"monthly", "month"}, {"yearly", "year", "annual"}}};
  return table;
}

std::vector<std::uint32_t> hashes_of(const words& side) {
  std::vector<std::uint32_t> out;
  for (auto word : side) out.push_back(hash_of(word));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::ptrdiff_t count_of(const goal_facts& facts, const std::vector<std::uint32_t>& hashes) {
  std::ptrdiff_t count = 0;
  for (auto hash : hashes) {
    auto [from, to] = std::equal_range(facts.words.begin(), facts.words.end(), hash);
    count += to - from;
  }
  return count;
}

guard_verdict check_opposites(const goal_facts& asked, const goal_facts& kept) {
  static const auto hashed = [] {
    std::vector<std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>>> out;
    for (const auto& [one, other] : opposite_sides())
      out.emplace_back(hashes_of(one), hashes_of(other));
    return out;
  }();
  for (std::size_t i = 0; i < hashed.size(); ++i) {
    auto one = count_of(asked, hashed[i].first) - count_of(kept, hashed[i].first);
    auto other = count_of(asked, hashed[i].second) - count_of(kept, hashed[i].second);
    if (one * other >= 0) continue;
    const auto& sides = opposite_sides()[i];
    auto here = std::string{one > 0 ? sides.one[0] : sides.other[0]};
    auto there = std::string{one > 0 ? sides.other[0] : sides.one[0]};
    return refuse(goal_guard::opposites,
                  "words like \"" + here + "\" here, like \"" + there + "\" in the stored goal");
  }
  return {};
}

struct surrounding {
  std::set<std::uint32_t> words;
  std::size_t first_at = 0;
};

/// Distinct firm numbers with what is near them; several places of one number together.
std::map<std::string, surrounding> surroundings(const goal_facts& facts) {
  std::map<std::string, surrounding> out;
  for (const auto& n : facts.numbers) {
    if (n.loose) continue;
    auto& s = out.try_emplace(key_of(n), surrounding{{}, n.at}).first->second;
    s.words.insert(n.near.begin(), n.near.end());
  }
  return out;
}

std::size_t shared(const std::set<std::uint32_t>& a, const std::set<std::uint32_t>& b) {
  return static_cast<std::size_t>(
      std::count_if(a.begin(), a.end(), [&](std::uint32_t hash) { return b.contains(hash); }));
}

/// Two numbers each of which stands where the stored goal has the other.
guard_verdict check_exchanged(const goal_facts& asked, const goal_facts& kept) {
  auto a = surroundings(asked);
  auto k = surroundings(kept);
  if (a.size() > numbers_compared) return {};
  for (auto one = a.begin(); one != a.end(); ++one)
    for (auto two = std::next(one); two != a.end(); ++two) {
      auto k1 = k.find(one->first);
      auto k2 = k.find(two->first);
      if (k1 == k.end() || k2 == k.end()) continue;
      auto straight =
          shared(one->second.words, k1->second.words) + shared(two->second.words, k2->second.words);
      auto crossed =
          shared(one->second.words, k2->second.words) + shared(two->second.words, k1->second.words);
      // Who tells it in another order must show by the words that each number is still the same.
      bool same_order = (one->second.first_at < two->second.first_at) ==
                        (k1->second.first_at < k2->second.first_at);
      if (same_order ? crossed > straight + doubt : crossed >= straight)
        return refuse(goal_guard::swapped, one->first + " and " + two->first +
                                               " have changed places in the stored goal");
    }
  return {};
}

/// The words of `in` that are names in either, each once.
std::vector<std::uint32_t> names_in_order(const goal_facts& in, const goal_facts& other) {
  std::set<std::uint32_t> names;
  for (const auto* facts : {&in, &other})
    for (const auto& name : facts->names) names.insert(hash_of(name));
  std::vector<std::uint32_t> out;
  for (auto hash : in.sequence)
    if (names.erase(hash) > 0) out.push_back(hash);
  return out;
}

/// Two pieces of `a` that have changed places give `b`; in linear time (Knuth, Morris and Pratt).
bool rotated(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  if (a.size() != b.size()) return false;
  if (a.empty()) return true;
  std::vector<std::size_t> back(b.size());
  for (std::size_t i = 1, k = 0; i < b.size(); ++i) {
    while (k > 0 && b[i] != b[k]) k = back[k - 1];
    if (b[i] == b[k]) ++k;
    back[i] = k;
  }
  for (std::size_t i = 0, k = 0; i < 2 * a.size(); ++i) {
    auto next = a[i % a.size()];
    while (k > 0 && next != b[k]) k = back[k - 1];
    if (next == b[k] && ++k == b.size()) return true;
  }
  return false;
}

guard_verdict check_swapped(const goal_facts& asked, const goal_facts& kept) {
  bool many = asked.numbers.size() > numbers_compared;
  if (!many && overlap_of(asked.words, kept.words) < same_wording) return {};
  std::vector<std::string> a;
  std::vector<std::string> k;
  for (const auto& n : asked.numbers) a.push_back(key_of(n));
  for (const auto& n : kept.numbers) k.push_back(key_of(n));
  if (a != k) return refuse(goal_guard::swapped, "the numbers come in another order");
  if (names_in_order(asked, kept) != names_in_order(kept, asked))
    return refuse(goal_guard::swapped, "the names come in another order");
  // A clause that has moved is no change; another order of the same words is.
  auto sorted_a = asked.sequence;
  auto sorted_k = kept.sequence;
  std::sort(sorted_a.begin(), sorted_a.end());
  std::sort(sorted_k.begin(), sorted_k.end());
  if (sorted_a == sorted_k && !rotated(asked.sequence, kept.sequence))
    return refuse(goal_guard::swapped, "the same words in another order");
  return {};
}

}  // namespace

double overlap_of(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  std::size_t shared = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j])
      ++shared, ++i, ++j;
    else if (a[i] < b[j])
      ++i;
    else
      ++j;
  }
  auto all = a.size() + b.size() - shared;
  return all == 0 ? 1 : static_cast<double>(shared) / static_cast<double>(all);
}

const char* to_string(goal_guard guard) noexcept {
  switch (guard) {
    case goal_guard::none:
      return "none";
    case goal_guard::numbers:
      return "numbers";
    case goal_guard::counted:
      return "counted";
    case goal_guard::names:
      return "names";
    case goal_guard::literals:
      return "literals";
    case goal_guard::negations:
      return "negations";
    case goal_guard::opposites:
      return "opposites";
    case goal_guard::swapped:
      return "swapped";
    case goal_guard::tool_arguments:
      return "tool_arguments";
  }
  return "none";
}

guard_verdict check_guards(const goal_facts& asked, const goal_facts& kept) {
  for (auto check : {check_numbers, check_literals, check_names, check_negations, check_counted,
                     check_exchanged, check_opposites, check_swapped})
    if (auto verdict = check(asked, kept); !verdict.passed()) return verdict;
  return {};
}

std::uint64_t hash_of_numbers(const std::vector<goal_number>& numbers) {
  std::uint64_t hash = 0;
  for (const auto& text : firm_numbers(numbers)) hash = goal_hash(text, hash);
  return hash;
}

guard_verdict check_tool_arguments(const std::vector<std::string>& asked,
                                   const std::vector<std::string>& kept) {
  if (asked == kept) return {};
  for (std::size_t i = 0; i < std::min(asked.size(), kept.size()); ++i)
    if (asked[i] != kept[i])
      return refuse(goal_guard::tool_arguments,
                    "tool argument " + std::to_string(i + 1) + " is another one");
  return refuse(goal_guard::tool_arguments, std::to_string(asked.size()) +
                                                " tool arguments here, " +
                                                std::to_string(kept.size()) + " stored");
}

}  // namespace tandem
