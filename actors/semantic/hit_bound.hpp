#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/semantic/hit_model.hpp"
#include "actors/semantic/semantic_config.hpp"

namespace tandem {

/// Which matches may be served, learned from matches that were compared: those whose predicted
/// chance of being wrong is so low that, of all labels with one as low, the wrong ones have an
/// exact upper bound below `max_error`. Candidate thresholds are tested from the strictest on until
/// the first fails, each at full confidence (fixed-sequence testing; Angelopoulos et al. 2021,
/// "Learn then Test", arXiv 2110.01052). Labels are scored by a model that was fitted to the other
/// half of them, so that none vouches for itself. Pooled over the entries of a scope.
///
/// Limits: it assumes that what comes is like what was compared (the newest `labels_kept` count, so
/// that it follows), and tests again every `refit_labels`, which costs some of the confidence.
class hit_bound {
 public:
  explicit hit_bound(hit_bound_config config)
      : config_{config}, refit_after_{config.refit_labels} {}

  /// The predicted chance of being wrong: an order of matches, no promise.
  [[nodiscard]] double predict(const hit_features& match) const;
  /// May be served when predicted at most this; none yet: too little is known, or too much is
  /// wrong.
  [[nodiscard]] std::optional<double> threshold() const noexcept { return threshold_; }
  /// Of the labels that the threshold rests on: the upper bound of the error.
  [[nodiscard]] double bound() const noexcept { return bound_; }

  void learn(const hit_features& match, bool wrong);

  [[nodiscard]] std::size_t labels() const noexcept { return labels_.size(); }
  [[nodiscard]] std::size_t wrong() const;
  [[nodiscard]] std::size_t bytes() const noexcept;

  /// A record of about 7 bytes a label, with version and checksum.
  [[nodiscard]] std::string save() const;
  /// The reason why a record is not used: damaged, of another version, impossible. Then nothing has
  /// changed. A record of more labels than are kept gives its newest.
  [[nodiscard]] std::optional<std::string> restore(std::string_view record);

 private:
  void refit();

  hit_bound_config config_;
  /// A ring: `next_` is overwritten once it is full. Even places train one model, odd the other.
  std::vector<hit_label> labels_;
  std::size_t next_ = 0;
  std::size_t since_refit_ = 0;
  /// More after a threshold was lost: asked often enough, any test passes once by luck.
  std::size_t refit_after_;
  std::array<hit_model, 2> models_;
  std::optional<double> threshold_;
  double bound_ = 1;
};

}  // namespace tandem
