#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <caf/expected.hpp>

namespace tandem {

/// Pairs of a judge's verdict and the verified one, decayed; plain numbers, to be kept as they are.
struct judge_counts {
  /// Verified right: the judge said right, wrong.
  double right_as_right = 0;
  double right_as_wrong = 0;
  /// Verified wrong.
  double wrong_as_right = 0;
  double wrong_as_wrong = 0;
};

enum class judge_standing : unsigned char {
  /// Too few pairs to say.
  unknown,
  tells,
  does_not_tell,
};

/// Whether a judge tells right from wrong, by results that were verified as well. Measured by
/// Youden's J (1950): the share of right ones it calls right + the share of wrong ones it calls
/// wrong - 1; 0 for one that always says the same, 1 for one that is never wrong. Bounds: Wilson's
/// for each share, joined as in Newcombe (1998); one-sided 95%. A pair counts half after
/// `half_life_pairs` more, so that a judge can become better or worse. Not thread-safe.
class judge_audit {
 public:
  static constexpr double half_life_pairs = 500;

  judge_audit() = default;
  /// `corrupted`: a count is not finite, negative, or more than forgetting leaves.
  [[nodiscard]] static caf::expected<judge_audit> restore(const judge_counts& counts);

  void add(bool judged_right, bool verified_right);

  [[nodiscard]] judge_standing standing() const;
  /// What its verdicts deserve as rewards, in [0, 1]: J; 0 for one that does not tell; as long as
  /// nothing is known, between.
  [[nodiscard]] double weight() const;
  /// Youden's J, with its bounds; before the first pair 0 in [-1, 1].
  struct estimate {
    double value = 0;
    double low = -1;
    double high = 1;
  };
  [[nodiscard]] estimate youden() const;
  /// For a person: `judge 'x' calls 97% of wrong results right (of 61): …`.
  [[nodiscard]] std::string sentence(std::string_view judge) const;
  [[nodiscard]] const judge_counts& counts() const { return counts_; }

 private:
  judge_counts counts_;
};

}  // namespace tandem
