#include "actors/executor_pool/plan_adapting.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "actors/semantic/goal_guards.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

using simdjson::dom::element;

constexpr int depth_max = 16;
constexpr std::size_t words_max = 8'192;
/// It is to be quicker than a plan, or is not worth waiting for.
constexpr std::uint64_t timeout_ms_max = 30'000;

std::vector<std::string_view> placeholders(std::string_view text) {
  std::vector<std::string_view> all;
  for (auto at = text.find("{{"); at != text.npos; at = text.find("{{", at + 2)) {
    auto end = text.find("}}", at);
    if (end == text.npos) break;
    all.push_back(text.substr(at, end - at));
  }
  std::sort(all.begin(), all.end());
  return all;
}

/// Why these words cannot take the place of those.
std::string why_not_words(std::string_view near, std::string_view written) {
  if (near == written) return {};
  if (placeholders(near) != placeholders(written)) return "other results are used";
  auto facts = [](std::string_view text) {
    auto words = words_of(text, words_max);
    return facts_of(words, numbers_of(words));
  };
  // The guards speak of goals.
  auto why = check_guards(facts(written), facts(near)).why;
  constexpr std::string_view goal = "stored goal";
  if (auto at = why.find(goal); at != why.npos) why.replace(at, goal.size(), "stored prompt");
  return why;
}

using fields = std::vector<std::pair<std::string_view, element>>;

fields sorted(simdjson::dom::object object) {
  fields all;
  for (auto [key, value] : object) all.emplace_back(key, value);
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return all;
}

std::string compare(element near, element written, bool is_words, int depth) {
  static const std::string other = "its steps are others";
  if (depth > depth_max || near.type() != written.type()) return other;
  simdjson::dom::object object;
  if (!near.get(object)) {
    auto a = sorted(object);
    auto b = sorted(written.get_object().value_unsafe());
    if (a.size() != b.size()) return other;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i].first != b[i].first) return other;
      auto words = a[i].first == "prompt" || a[i].first == "compose";
      if (auto why = compare(a[i].second, b[i].second, words, depth + 1); !why.empty()) return why;
    }
    return {};
  }
  simdjson::dom::array array;
  if (!near.get(array)) {
    auto against = written.get_array().value_unsafe();
    if (array.size() != against.size()) return other;
    auto b = against.begin();
    for (auto a : array) {
      if (auto why = compare(a, *b, false, depth + 1); !why.empty()) return why;
      ++b;
    }
    return {};
  }
  std::string_view text;
  if (is_words && !near.get(text)) return why_not_words(text, written.get_string().value_unsafe());
  return simdjson::minify(near) == simdjson::minify(written) ? std::string{} : other;
}

}  // namespace

tmsg::attempt adapting_attempt(schema::Attempt::Reader call, schema::CacheEntry::Reader near,
                               std::string_view tier) {
  message_builder<schema::Attempt> out;
  out.copy(call);
  out->getFence().setAttempt(call.getFence().getAttempt() | adapt_bit);
  out->setTier(text(tier));
  // Its job had another model in mind.
  out->setModel("");
  out->disownPinnedVersions();
  out->setStream(false);
  out->setHedge(false);
  out->setCache(schema::CacheUse::OFF);
  auto longest = call.getTimeoutMs() == 0 ? timeout_ms_max : call.getTimeoutMs() / 2;
  out->setTimeoutMs(std::min(longest, timeout_ms_max));
  auto messages = out->getMessages();
  auto last = messages[messages.size() - 1];
  std::string words{view(last.asReader().getContent())};
  words += "\n\nThis plan was made for the same goal in other words:\n";
  words += view(near.getGoal().getText());
  words += "\n\n";
  words += view(near.getResult().getText());
  words +=
      "\n\nWrite this plan again for the goal above: the same steps in the same order, with the "
      "same "
      "ids, and only their prompts in the words of that goal.";
  last.setContent(text(words));
  return out.finish();
}

adapted_plan read_adapted(std::string_view near, std::string_view written) {
  adapted_plan out;
  // A model may say something around it.
  auto from = written.find('{');
  auto to = written.rfind('}');
  if (from == written.npos || to == written.npos || to < from) {
    out.problem = "it is no plan";
    return out;
  }
  simdjson::dom::parser near_parser;
  simdjson::dom::parser parser;
  element kept;
  element made;
  out.text = written.substr(from, to - from + 1);
  if (near_parser.parse(simdjson::padded_string{near}).get(kept) ||
      parser.parse(simdjson::padded_string{out.text}).get(made))
    out.problem = "it is no plan";
  else
    out.problem = compare(kept, made, false, 0);
  return out;
}

}  // namespace tandem
