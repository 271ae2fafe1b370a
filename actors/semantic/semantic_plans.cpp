#include "actors/semantic/semantic_plans.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "actors/semantic/error_bounds.hpp"
#include "actors/semantic/goal_embedding.hpp"
#include "actors/semantic/goal_guards.hpp"
#include "actors/semantic/goal_hash.hpp"

namespace tandem {
namespace {

constexpr std::size_t dimension_max = 4'096;
constexpr std::size_t words_max = 8'192;
/// Entries that move into a new graph at each store: a rebuild of n takes n / 16 stores.
constexpr std::size_t moved_at_store = 16;
/// A match must be so much likelier right than the likeliest wrong one of its entry.
constexpr double entry_strictness = .5;

/// No two scopes have the same name: lengths first, so that no text can pretend to be a border.
std::string name_of(const semantic_scope& scope, std::size_t dimension) {
  auto space = dimension == 0 ? "builtin " + std::to_string(goal_embedding_version)
                              : "outside " + std::to_string(dimension);
  return std::to_string(scope.tenant.size()) + ':' + scope.tenant +
         std::to_string(scope.key.size()) + ':' + scope.key + space;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace

struct semantic_plans::prepared_goal {
  std::string scope;
  std::vector<float> vector;
  goal_facts facts;
  std::uint64_t numbers = 0;
  std::vector<std::string> tool_arguments;
};

semantic_plans::semantic_plans(semantic_config config)
    : config_{config}, index_{config}, pending_{config.pending_max} {}

std::optional<std::string> semantic_plans::prepare(const semantic_question& asked,
                                                   prepared_goal& out) const {
  if (asked.goal.size() > config_.goal_bytes_max)
    return "the goal is longer than " + std::to_string(config_.goal_bytes_max) + " bytes";
  if (asked.tool_arguments.size() > config_.tool_arguments_max)
    return "the goal has more than " + std::to_string(config_.tool_arguments_max) +
           " tool arguments";
  std::size_t argument_bytes = 0;
  for (const auto& argument : asked.tool_arguments) argument_bytes += argument.size();
  if (argument_bytes > config_.goal_bytes_max)
    return "the tool arguments are longer than " + std::to_string(config_.goal_bytes_max) +
           " bytes";
  if (asked.embedding.size() > dimension_max)
    return "the embedding has more than " + std::to_string(dimension_max) + " numbers";
  auto words = words_of(asked.goal, words_max);
  // What was not read could differ.
  if (words.size() >= words_max) return "the goal has too many words";
  auto numbers = numbers_of(words);
  if (asked.embedding.empty()) {
    out.vector = embedding_of(words, numbers);
    if (std::all_of(out.vector.begin(), out.vector.end(), [](float v) { return v == 0; }))
      return "the goal has no words";
  } else {
    out.vector.assign(asked.embedding.begin(), asked.embedding.end());
    if (!normalise(out.vector)) return "the embedding is no vector";
  }
  out.scope = name_of(asked.scope, asked.embedding.size());
  out.numbers = hash_of_numbers(numbers);
  out.facts = facts_of(words, std::move(numbers));
  out.tool_arguments.assign(asked.tool_arguments.begin(), asked.tool_arguments.end());
  return std::nullopt;
}

semantic_answer semantic_plans::miss(std::string why, goal_guard guard) {
  ++counts_.misses;
  if (guard != goal_guard::none) ++counts_.refused[static_cast<std::size_t>(guard)];
  return {.why = std::move(why)};
}

bool semantic_plans::draw(double share) {
  auto h = goal_hash({}, config_.seed ^ (++draws_ << 20));
  return static_cast<double>(h >> 11) * 0x1p-53 < share;
}

harm_watch* semantic_plans::watch(std::string_view tenant) {
  if (auto found = tenants_.find(tenant); found != tenants_.end()) return &found->second;
  // A tenant who cannot be watched is not served.
  if (tenants_.size() >= config_.scopes_max) return nullptr;
  return &tenants_.emplace(std::string{tenant}, harm_watch{config_}).first->second;
}

semantic_answer semantic_plans::look(const semantic_question& asked, std::int64_t now_ms) {
  ++counts_.looks;
  prepared_goal goal;
  if (auto why = prepare(asked, goal)) return miss(*why);
  // One more than is looked at: the margin of the last.
  auto near = index_.nearest(goal.scope, goal.vector, config_.candidates, now_ms);
  if (near.empty()) return miss("no goal is stored for this tenant, model and template");
  guard_verdict first;
  for (std::size_t i = 0; i < near.size(); ++i) {
    auto& [entry, similarity] = near[i];
    if (similarity < config_.similarity_min) break;
    // Why is told of the first alone; of others it is enough that they are refused.
    if (!first.passed() && entry->numbers != goal.numbers) continue;
    auto verdict = check_tool_arguments(goal.tool_arguments, entry->tool_arguments);
    goal_facts kept;
    if (verdict.passed()) {
      auto words = words_of(entry->goal, words_max);
      kept = facts_of(words, numbers_of(words));
      verdict = check_guards(goal.facts, kept);
    }
    if (!verdict.passed()) {
      if (first.passed()) first = std::move(verdict);
      continue;
    }
    float other = near.size() < 2 ? 0 : near[i == 0 ? 1 : 0].similarity;
    auto features = features_of(similarity, similarity - other, goal.facts, kept);
    return judge(goal, asked, *entry, features,
                 {.entry = entry->id, .payload = entry->payload, .similarity = similarity}, now_ms);
  }
  if (!first.passed()) return miss(first.why, first.refused_by);
  return miss("the nearest stored goal is no nearer than " + number(near[0].similarity));
}

semantic_answer semantic_plans::judge(const prepared_goal& goal, const semantic_question& asked,
                                      semantic_entry& entry, hit_features features,
                                      semantic_answer answer, std::int64_t now_ms) {
  auto* tenant = watch(asked.scope.tenant);
  if (!tenant) return miss("too many tenants");
  auto state = tenant->at(now_ms);
  if (state == harm_watch::state::off)
    return miss("hits are off for this tenant: " + tenant->reason());
  const auto& bound = index_.bound(goal.scope);
  answer.chance = bound.predict(features);
  bool trusted = false;
  double share = config_.explore_share;
  if (state == harm_watch::state::probation) {
    share = 1;
    answer.why = "after harm, matches of this tenant are compared first: " + tenant->reason();
  } else if (!bound.threshold()) {
    share = 1;
    auto least = least_labels(config_.bound.max_error, config_.bound.confidence);
    auto so_far =
        std::to_string(bound.labels()) + " compared, " + std::to_string(bound.wrong()) + " wrong";
    answer.why = bound.labels() < least ? "not known yet whether such a match is right: " + so_far +
                                              ", at least " + std::to_string(least) + " needed"
                                        : "no sort of match is known to be wrong in " +
                                              number(100 * config_.bound.max_error) +
                                              "% at most: " + so_far + " (looked at again every " +
                                              std::to_string(config_.bound.refit_labels) + ")";
  } else if (auto why = objection(entry)) {
    return miss(std::move(*why));
  } else if (answer.chance > entry.least_wrong_chance * entry_strictness) {
    answer.why = "a match of this stored goal that looked as good was wrong";
  } else if (answer.chance > *bound.threshold()) {
    answer.why = "may be wrong: predicted " + number(answer.chance) + ", up to " +
                 number(*bound.threshold()) + " is served";
  } else {
    trusted = true;
    answer.why = "of matches as good at most " + number(100 * bound.bound()) + "% are wrong";
  }
  bool labelled = draw(trusted ? config_.audit_share : share);
  if (!trusted && !labelled) return miss(std::move(answer.why));
  answer.decision = trusted ? semantic_decision::hit : semantic_decision::explore;
  ++(trusted ? counts_.hits : counts_.explored);
  if (trusted) index_.touch(entry.id);
  if (labelled)
    answer.label = pending_.add({.tenant = asked.scope.tenant,
                                 .scope = goal.scope,
                                 .entry = entry.id,
                                 .features = features,
                                 .chance = answer.chance,
                                 .served = trusted,
                                 .at_ms = now_ms});
  return answer;
}

std::optional<std::string> semantic_plans::objection(const semantic_entry& entry) const {
  if (entry.wrong >= config_.entry_wrong_max)
    return "the stored goal was a wrong match " + std::to_string(entry.wrong) + " times";
  auto jobs = entry.jobs_ok + entry.jobs_failed;
  if (lower_error_bound(entry.jobs_failed, jobs, config_.bound.confidence) > .5)
    return "of " + std::to_string(jobs) + " jobs with this plan " +
           std::to_string(entry.jobs_failed) + " failed";
  return std::nullopt;
}

std::uint64_t semantic_plans::store(const semantic_question& asked, std::string payload,
                                    std::int64_t now_ms) {
  prepared_goal goal;
  if (payload.size() > config_.goal_bytes_max || prepare(asked, goal)) return 0;
  auto id = index_.put({.scope = std::move(goal.scope),
                        .goal = std::string{asked.goal},
                        .tool_arguments = std::move(goal.tool_arguments),
                        .numbers = goal.numbers,
                        .payload = std::move(payload)},
                       goal.vector, now_ms);
  if (id != 0) ++counts_.stored;
  index_.maintain(moved_at_store);
  return id;
}

label_result semantic_plans::label(std::uint64_t id, bool wrong, std::int64_t now_ms) {
  auto match = pending_.take(id);
  if (!match) {
    ++counts_.labels_unknown;
    return label_result::unknown;
  }
  if (now_ms - match->at_ms > config_.label_window_ms) {
    ++counts_.labels_late;
    return label_result::late;
  }
  ++counts_.labels;
  counts_.labels_wrong += wrong ? 1 : 0;
  if (match->served) {
    ++counts_.hits_compared;
    counts_.hits_wrong += wrong ? 1 : 0;
  }
  index_.bound(match->scope).learn(match->features, wrong);
  if (auto* entry = index_.find(match->entry)) {
    ++(wrong ? entry->wrong : entry->right);
    if (wrong) entry->least_wrong_chance = std::min(entry->least_wrong_chance, match->chance);
  }
  if (auto* tenant = watch(match->tenant)) tenant->label(match->served, wrong, now_ms);
  return label_result::taken;
}

void semantic_plans::outcome(std::string_view tenant, std::uint64_t entry, bool ok,
                             std::int64_t now_ms) {
  bool hit = entry != 0;
  if (hit) ++(ok ? counts_.hit_outcomes_ok : counts_.hit_outcomes_failed);
  if (auto* used = index_.find(entry)) ++(ok ? used->jobs_ok : used->jobs_failed);
  if (auto* watched = watch(tenant)) watched->outcome(hit, ok, now_ms);
}

semantic_statistics semantic_plans::statistics(std::int64_t now_ms) {
  semantic_statistics out{.counts = counts_,
                          .entries = index_.size(),
                          .scopes = index_.scopes(),
                          .bytes = index_.bytes(),
                          .evicted = index_.evicted(),
                          .rebuilds = index_.rebuilds(),
                          .pending = pending_.size(),
                          .pending_dropped = pending_.dropped()};
  for (auto& [name, tenant] : tenants_)
    out.tenants_off += tenant.at(now_ms) == harm_watch::state::on ? 0 : 1;
  return out;
}

const harm_watch* semantic_plans::tenant(std::string_view name) const {
  auto found = tenants_.find(name);
  return found == tenants_.end() ? nullptr : &found->second;
}

const hit_bound* semantic_plans::bound_of(const semantic_scope& scope,
                                          std::size_t dimension) const {
  return index_.find_bound(name_of(scope, dimension));
}

std::string semantic_plans::save(const semantic_scope& scope, std::size_t dimension) const {
  const auto* bound = bound_of(scope, dimension);
  return bound ? bound->save() : std::string{};
}

std::optional<std::string> semantic_plans::restore(const semantic_scope& scope,
                                                   std::string_view record, std::size_t dimension) {
  // Read apart first: a record that is set aside makes no scope.
  if (auto why = hit_bound{config_.bound}.restore(record)) return why;
  return index_.bound(name_of(scope, dimension)).restore(record);
}

}  // namespace tandem
