#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/semantic/harm_watch.hpp"
#include "actors/semantic/pending_labels.hpp"
#include "actors/semantic/semantic_config.hpp"
#include "actors/semantic/semantic_index.hpp"

namespace tandem {

/// Where a goal belongs: what is stored in one scope is never found in another, whatever the texts.
struct semantic_scope {
  std::string tenant;
  /// Model, weight version, template, tools, sampling, and the model of outside embeddings: the
  /// caller's key of all that must be equal.
  std::string key;
};

struct semantic_question {
  semantic_scope scope;
  std::string_view goal;
  std::span<const std::string> tool_arguments;
  /// From outside; empty: the built-in one. Goals with one and without, or with another dimension,
  /// do not find each other.
  std::span<const float> embedding;
};

enum class semantic_decision : std::uint8_t {
  /// Nothing near enough, or something that must match does not.
  miss,
  /// A match that is not trusted yet: plan as usual, compare, and `label`.
  explore,
  /// Use the plan of the entry; with a label id, plan as usual as well, in the background, and
  /// `label`.
  hit,
};

struct semantic_answer {
  semantic_decision decision = semantic_decision::miss;
  /// Of a hit or an exploration; 0: none.
  std::uint64_t entry = 0;
  std::string payload;
  float similarity = 0;
  /// The predicted chance that it is wrong; 1: not predicted.
  double chance = 1;
  /// In one sentence.
  std::string why;
  /// 0: no label is wanted.
  std::uint64_t label = 0;
};

enum class label_result : std::uint8_t {
  taken,
  /// Never asked for, given before, or dropped since.
  unknown,
  late,
};

struct semantic_counts {
  std::uint64_t looks = 0;
  std::uint64_t hits = 0;
  std::uint64_t explored = 0;
  std::uint64_t misses = 0;
  /// Misses by the guard that refused the nearest, in the order of `goal_guard`.
  std::array<std::uint64_t, 9> refused{};
  std::uint64_t stored = 0;
  std::uint64_t labels = 0;
  std::uint64_t labels_wrong = 0;
  std::uint64_t labels_unknown = 0;
  std::uint64_t labels_late = 0;
  /// Of compared hits that had been served.
  std::uint64_t hits_compared = 0;
  std::uint64_t hits_wrong = 0;
  /// How jobs with a hit ended, as they said it.
  std::uint64_t hit_outcomes_ok = 0;
  std::uint64_t hit_outcomes_failed = 0;
};

struct semantic_statistics {
  semantic_counts counts;
  std::size_t entries = 0;
  std::size_t scopes = 0;
  std::size_t bytes = 0;
  std::uint64_t evicted = 0;
  std::uint64_t rebuilds = 0;
  std::size_t pending = 0;
  std::uint64_t pending_dropped = 0;
  /// Tenants for whom hits are off or on probation.
  std::size_t tenants_off = 0;
};

/// The cache of plans for near goals: neighbours by embedding, then guards, then a learned bound on
/// the chance of a wrong hit. Holds goals and the caller's names of their plans, not the plans;
/// what is worth storing (a verified job) is the caller's decision, and a plan that is found is
/// still to be adapted and validated. One thread at a time; time is an argument; everything is
/// bounded.
class semantic_plans {
 public:
  /// `config.problem()` must be none.
  explicit semantic_plans(semantic_config config);

  [[nodiscard]] semantic_answer look(const semantic_question& asked, std::int64_t now_ms);

  /// The entry's id; 0: not stored (no words, too long, not an embedding, beyond the bounds). Takes
  /// the place of an entry of the same goal and arguments, and does a share of a due rebuild.
  std::uint64_t store(const semantic_question& goal, std::string payload, std::int64_t now_ms);

  /// What a comparison said: `wrong` when the stored plan answers another goal.
  label_result label(std::uint64_t id, bool wrong, std::int64_t now_ms);

  /// How a job ended: with the plan of an entry, or (0) with its own.
  void outcome(std::string_view tenant, std::uint64_t entry, bool ok, std::int64_t now_ms);

  bool forget(std::uint64_t entry) { return index_.erase(entry); }
  std::size_t expire(std::int64_t now_ms, std::size_t most) { return index_.expire(now_ms, most); }
  /// Moves at most `entries` of a due rebuild. True: more to do.
  bool maintain(std::size_t entries) { return index_.maintain(entries); }

  [[nodiscard]] semantic_statistics statistics(std::int64_t now_ms);
  /// Null: no such tenant was seen.
  [[nodiscard]] const harm_watch* tenant(std::string_view name) const;
  /// What a scope learned; null: nothing.
  [[nodiscard]] const hit_bound* bound_of(const semantic_scope& scope,
                                          std::size_t dimension = 0) const;

  /// What a scope learned, as bytes; empty: nothing. `dimension` 0: of built-in embeddings.
  [[nodiscard]] std::string save(const semantic_scope& scope, std::size_t dimension = 0) const;
  /// The reason why the record was set aside; none: used.
  [[nodiscard]] std::optional<std::string> restore(const semantic_scope& scope,
                                                   std::string_view record,
                                                   std::size_t dimension = 0);

 private:
  struct prepared_goal;
  [[nodiscard]] std::optional<std::string> prepare(const semantic_question& asked,
                                                   prepared_goal& out) const;
  [[nodiscard]] semantic_answer miss(std::string why, goal_guard guard = goal_guard::none);
  [[nodiscard]] semantic_answer judge(const prepared_goal& goal, const semantic_question& asked,
                                      semantic_entry& entry, hit_features features,
                                      semantic_answer answer, std::int64_t now_ms);
  /// Why an entry is not served though its match is as good as others that are.
  [[nodiscard]] std::optional<std::string> objection(const semantic_entry& entry) const;
  [[nodiscard]] bool draw(double share);
  harm_watch* watch(std::string_view tenant);

  semantic_config config_;
  semantic_index index_;
  pending_labels pending_;
  std::map<std::string, harm_watch, std::less<>> tenants_;
  semantic_counts counts_;
  std::uint64_t draws_ = 0;
};

}  // namespace tandem
