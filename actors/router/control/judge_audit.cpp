#include "actors/router/control/judge_audit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "schema/errc.hpp"

namespace tandem {
namespace {

/// One-sided 95%.
constexpr double z = 1.6449;
/// Better than a coin by so much is telling; whoever is certainly below the second does not.
constexpr double tells_above = 0.1;
constexpr double blind_below = 0.25;
/// After so many pairs of each sort doubt counts against the judge.
constexpr double pairs_enough = 100;
/// Before pairs come: a judge that is right three times of four, believed as four pairs of each
/// sort.
constexpr double prior_pairs = 4;
constexpr double prior_share = 0.75;

struct interval {
  double value = 0.5;
  double low = 0;
  double high = 1;
};

/// Wilson 1927.
interval share_of(double hits, double all) {
  if (all <= 0) return {};
  auto p = hits / all;
  auto centre = (p + z * z / (2 * all)) / (1 + z * z / all);
  auto half = z / (1 + z * z / all) * std::sqrt(p * (1 - p) / all + z * z / (4 * all * all));
  return {p, std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

double right_of(const judge_counts& c) {
  return c.right_as_right + c.right_as_wrong;
}

double wrong_of(const judge_counts& c) {
  return c.wrong_as_right + c.wrong_as_wrong;
}

std::string percent(double share) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.0f%%", 100 * share);
  return text.data();
}

std::string rounded(double count) {
  return std::to_string(static_cast<std::uint64_t>(std::lround(count)));
}

}  // namespace

caf::expected<judge_audit> judge_audit::restore(const judge_counts& counts) {
  constexpr double most = half_life_pairs / 0.693 + 2;
  for (auto count : {counts.right_as_right, counts.right_as_wrong, counts.wrong_as_right,
                     counts.wrong_as_wrong}) {
    if (!std::isfinite(count) || count < 0)
      return make_error(errc::corrupted, "the kept audit of a judge has a count that is none");
  }
  if (right_of(counts) + wrong_of(counts) > most)
    return make_error(errc::corrupted,
                      "the kept audit of a judge has more pairs than forgetting leaves");
  judge_audit restored;
  restored.counts_ = counts;
  return restored;
}

void judge_audit::add(bool judged_right, bool verified_right) {
  static const auto kept = std::exp2(-1 / half_life_pairs);
  for (auto* count : {&counts_.right_as_right, &counts_.right_as_wrong, &counts_.wrong_as_right,
                      &counts_.wrong_as_wrong})
    *count *= kept;
  if (verified_right)
    ++(judged_right ? counts_.right_as_right : counts_.right_as_wrong);
  else
    ++(judged_right ? counts_.wrong_as_right : counts_.wrong_as_wrong);
}

judge_audit::estimate judge_audit::youden() const {
  auto right = share_of(counts_.right_as_right, right_of(counts_));
  auto wrong = share_of(counts_.wrong_as_wrong, wrong_of(counts_));
  auto value = right.value + wrong.value - 1;
  auto low = std::hypot(right.value - right.low, wrong.value - wrong.low);
  auto high = std::hypot(right.high - right.value, wrong.high - wrong.value);
  return {value, std::max(-1.0, value - low), std::min(1.0, value + high)};
}

judge_standing judge_audit::standing() const {
  auto found = youden();
  if (found.low > tells_above) return judge_standing::tells;
  auto enough = std::min(right_of(counts_), wrong_of(counts_)) >= pairs_enough;
  return found.high < blind_below || enough ? judge_standing::does_not_tell
                                            : judge_standing::unknown;
}

double judge_audit::weight() const {
  auto shrunk = [](double hits, double all) {
    return (hits + prior_pairs * prior_share) / (all + prior_pairs);
  };
  if (standing() == judge_standing::does_not_tell) return 0;
  auto value = shrunk(counts_.right_as_right, right_of(counts_)) +
               shrunk(counts_.wrong_as_wrong, wrong_of(counts_)) - 1;
  return std::clamp(value, 0.0, 1.0);
}

std::string judge_audit::sentence(std::string_view judge) const {
  auto name = "judge '" + std::string{judge} + "'";
  auto right = right_of(counts_);
  auto wrong = wrong_of(counts_);
  if (right < 0.5 && wrong < 0.5) return name + " has not been compared with a verified result yet";
  std::string found;
  if (wrong >= 0.5)
    found = " calls " + percent(counts_.wrong_as_right / wrong) + " of wrong results right (of " +
            rounded(wrong) + ")";
  if (right >= 0.5)
    found += (found.empty() ? " calls " : " and ") + percent(counts_.right_as_right / right) +
             " of right ones (of " + rounded(right) + ")";
  switch (standing()) {
    case judge_standing::tells:
      return name + found + ": it tells right from wrong, its verdicts count " + percent(weight());
    case judge_standing::does_not_tell:
      return name + found +
             ": it does not tell right from wrong, its verdicts are not used; give it another "
             "rubric or model";
    case judge_standing::unknown:
      break;
  }
  return name + found + ": too few verified results to say whether it tells right from wrong";
}

}  // namespace tandem
