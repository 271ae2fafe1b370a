#include "nodes/cli/cost_report.hpp"

#include <algorithm>

#include "config/words.hpp"
#include "nodes/cli/utc_date.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

/// How often a journal's part is asked for that did not come in time.
constexpr unsigned tries_max = 3;

constexpr std::uint64_t day_ms = 86'400'000;
/// The period where nobody says when it begins, its last day included.
constexpr std::uint64_t days_default = 30;

/// What is wrong with the keys; empty: nothing.
std::string read_keys(std::string_view list, cost_question& into) {
  static const std::vector<std::string_view> known{"tenant", "model", "kind", "day"};
  for (std::size_t at = 0; at <= list.size();) {
    auto end = std::min(list.find(',', at), list.size());
    auto word = list.substr(at, end - at);
    at = end + 1;
    if (word == "tenant") {
      into.by_tenant = true;
    } else if (word == "model") {
      into.by_model = true;
    } else if (word == "kind") {
      into.by_kind = true;
    } else if (word == "day") {
      into.by_day = true;
    } else {
      auto text = "names " + quote_word(word) + ", but can name " + list_words(known) +
                  ", with commas between";
      auto nearest = nearest_word(word, known);
      return nearest.empty() ? text : text + "; did you mean " + std::string{nearest} + "?";
    }
  }
  return {};
}

/// Intervals with less behind them are too narrow to be believed.
constexpr double effective_min = 50;
/// The share of choices that the log could not have made.
constexpr double unsupported_max = 0.05;
constexpr std::string_view large_tier = "large";

bool has_choice(const logged_decision& decision) {
  auto is_large = [](const logged_arm& a) { return a.tier == large_tier; };
  return decision.purpose != schema::Purpose::WAY &&
         std::any_of(decision.arms.begin(), decision.arms.end(), is_large) &&
         !std::all_of(decision.arms.begin(), decision.arms.end(), is_large);
}

}  // namespace

caf::expected<cost_question> read_cost_question(const cost_words& words, std::string_view prefix,
                                                std::uint64_t now_ms) {
  cost_question asked;
  auto fail = [&](std::string_view name, const std::string& what) {
    return make_error(errc::invalid_argument, std::string{prefix} + std::string{name} + ' ' + what);
  };
  if (auto wrong = read_keys(words.by.value_or("model"), asked); !wrong.empty())
    return fail("by", wrong);
  auto today = day_of(now_ms);
  auto read_day = [&](const std::optional<std::string>& word, std::uint64_t otherwise) {
    return word ? parse_day(*word, now_ms) : std::optional{otherwise};
  };
  auto wrong_day = [&](std::string_view name, const std::string& word) {
    return fail(name, "is " + quote_word(word) +
                          ", but must be a day: 2026-11-01, today, yesterday, or 7d for seven days "
                          "ago");
  };
  auto last = read_day(words.to, today);
  if (!last) return wrong_day("to", *words.to);
  auto first = read_day(words.from, *last - std::min(*last, (days_default - 1) * day_ms));
  if (!first) return wrong_day("from", *words.from);
  if (*first > *last)
    return fail("from",
                day_text(*first) + " is after " + std::string{prefix} + "to " + day_text(*last));
  asked.from_ms = *first;
  asked.to_ms = *last + day_ms;
  if (!words.tenant) return asked;
  if (words.tenant->empty()) return fail("tenant", "is empty; leave it out for all");
  if (!is_valid_utf8(*words.tenant)) return fail("tenant", "is not UTF-8 text");
  asked.tenant = *words.tenant;
  return asked;
}

tmsg::costqry cost_collector::query() const {
  const auto& question = into_.question;
  message_builder<schema::CostQuery> query;
  query->setFromMs(question.from_ms);
  query->setToMs(question.to_ms);
  query->setTenant(text(question.tenant));
  auto by = query->initBy();
  by.setDay(question.by_day);
  by.setTenant(question.by_tenant);
  by.setModel(question.by_model);
  by.setKind(question.by_kind);
  by.setPurpose(question.by_kind);
  auto cursors = query->initCursors(static_cast<unsigned>(places_.size()));
  unsigned at = 0;
  for (const auto& [journal, where] : places_) {
    cursors[at].setJournal(journal);
    cursors[at].setAfter(where.after);
    cursors[at++].setAfterMs(where.after_ms);
  }
  return query.finish();
}

bool cost_collector::take(schema::CostReport::Reader part) {
  into_.sum.add(part);
  std::map<std::uint64_t, place> next;
  for (auto cursor : part.getCursors()) {
    auto found = places_.find(cursor.getJournal());
    // One that does not move on would be asked for ever.
    if (found != places_.end() && cursor.getAfter() <= found->second.after)
      into_.gaps.push_back({.journal = cursor.getJournal(), .in_part = true});
    else
      next[cursor.getJournal()] = {.after = cursor.getAfter(), .after_ms = cursor.getAfterMs()};
  }
  for (auto journal : part.getMissing()) note_missing(journal, next);
  // A journal counts once, with its last part.
  journals_ += part.getJournals() - std::min(part.getJournals(), part.getCursors().size());
  into_.sum.journals = journals_;
  places_ = std::move(next);
  return !places_.empty();
}

void cost_collector::note_missing(schema::MissingJournal::Reader journal,
                                  std::map<std::uint64_t, place>& next) {
  place again;
  if (auto found = places_.find(journal.getJournal()); found != places_.end())
    again = found->second;
  // What did not answer in time is asked again.
  if (!journal.getWaiting() && ++again.tries < tries_max)
    next[journal.getJournal()] = again;
  else
    into_.gaps.push_back({.journal = journal.getJournal(),
                          .node = std::string{view(journal.getNode())},
                          .waiting = journal.getWaiting(),
                          .in_part = again.after != 0});
}

cost_quality compare_quality(std::vector<logged_decision> decisions) {
  std::erase_if(decisions, [](const auto& each) { return !has_choice(each); });
  // What it is worth apart from money: that is in the table.
  for (auto& each : decisions) each.cost_price = 0;
  cost_quality result{.decisions = decisions.size()};
  if (decisions.empty()) {
    result.why_not =
        "it keeps no decision of this period in which both the large tier and another could be "
        "chosen";
    return result;
  }
  off_policy_evaluator evaluator{decisions, {}};
  result.rewarded = evaluator.rewarded();
  if (result.rewarded == 0) {
    result.why_not =
        "of none of its decisions it is known how good the outcome was: checks, judges and "
        "`tandem feedback` tell";
    return result;
  }
  auto logged = target_policy::make("logged", decisions, {});
  auto large = target_policy::make("large_only", decisions, {});
  if (!logged || !large) {
    result.why_not = message_of(!logged ? logged.error() : large.error());
    return result;
  }
  auto chosen = evaluator.evaluate(*logged);
  auto alone = evaluator.evaluate(*large);
  result.chosen = chosen.quality;
  result.large = alone.quality;
  result.lead = alone.gain;
  result.effective = alone.effective;
  if (alone.unsupported > unsupported_max)
    result.why_not =
        "the router would never have chosen the large tier in " +
        std::to_string(static_cast<int>(100 * alone.unsupported + 0.5)) +
        "% of its decisions, so they do not tell how good it is there; a policy that explores "
        "(routing.policy = \"auto\") makes some that do";
  else if (alone.effective < effective_min)
    result.why_not = "the large tier was chosen too rarely: its decisions tell as much as " +
                     std::to_string(static_cast<int>(alone.effective)) +
                     " of its own, and an interval needs some 50";
  return result;
}

}  // namespace tandem::cli
