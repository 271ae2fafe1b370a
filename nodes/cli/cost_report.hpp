#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "actors/cost/cost_sum.hpp"
#include "actors/router/evaluation/off_policy.hpp"
#include "schema/types.hpp"

namespace tandem::cli {

/// Whose calls, of when, and what rows are kept apart by.
struct cost_question {
  /// Unix time; `to_ms` is the first moment after it.
  std::uint64_t from_ms = 0;
  std::uint64_t to_ms = 0;
  std::string tenant{};
  bool by_day = false;
  bool by_tenant = false;
  bool by_model = false;
  /// With the purpose.
  bool by_kind = false;

  [[nodiscard]] bool has_job_rows() const { return !by_model && !by_kind; }
  [[nodiscard]] bool contains(std::uint64_t at_ms) const {
    return at_ms >= from_ms && at_ms < to_ms;
  }
};

/// A journal whose jobs are not in the sums, or not all of them.
struct cost_gap {
  std::uint64_t journal = 0;
  std::string node{};
  bool waiting = false;
  /// Some parts of it are in the sums.
  bool in_part = false;
};

/// What the large tier alone would have been worth, from the decisions that a router keeps: only
/// those in which it and another tier could be chosen.
struct cost_quality {
  std::size_t decisions = 0;
  std::size_t rewarded = 0;
  /// Why nothing can be said of it; empty: it can, and what follows is known.
  std::string why_not{};
  /// Doubly robust, with 95% intervals: as chosen, the large tier alone, and the latter's lead.
  estimate chosen{};
  estimate large{};
  estimate lead{};
  double effective = 0;
};

struct cost_report {
  cost_question question;
  cost_sum sum;
  std::vector<cost_gap> gaps;
  std::optional<cost_quality> quality;
  /// The node that was asked: whose decisions they are.
  std::string node;
};

/// Reads the words of a question: `by` (keys with commas between; model by default), `from` and
/// `to` (days, both within; the last 30 by default), `tenant` (all by default). `prefix` stands
/// before the words' names in errors: `--`. `invalid_argument` says what they can be.
struct cost_words {
  std::optional<std::string> by{};
  std::optional<std::string> from{};
  std::optional<std::string> to{};
  std::optional<std::string> tenant{};
};
[[nodiscard]] caf::expected<cost_question> read_cost_question(const cost_words& words,
                                                              std::string_view prefix,
                                                              std::uint64_t now_ms);

/// Adds up all parts of all journals: asks, takes the answer, asks again.
class cost_collector {
 public:
  /// `into` outlives this.
  explicit cost_collector(cost_report& into) : into_{into} {}

  [[nodiscard]] tmsg::costqry query() const;
  /// False: this was the last part.
  [[nodiscard]] bool take(schema::CostReport::Reader part);

 private:
  /// Where a journal goes on, and how often it has not answered.
  struct place {
    std::uint64_t after = 0;
    std::uint64_t after_ms = 0;
    unsigned tries = 0;
  };
  void note_missing(schema::MissingJournal::Reader journal, std::map<std::uint64_t, place>& next);

  cost_report& into_;
  std::map<std::uint64_t, place> places_;
  std::uint32_t journals_ = 0;
};

/// `decisions`: those of the period, oldest first.
[[nodiscard]] cost_quality compare_quality(std::vector<logged_decision> decisions);

}  // namespace tandem::cli
