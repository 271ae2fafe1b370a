#include "actors/semantic/hit_bound.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "actors/semantic/error_bounds.hpp"

namespace tandem {
namespace {

/// Each threshold that is tested admits so many times the labels of the one before.
constexpr double growth = 1.5;

/// A lost threshold is looked for again only after so many times the usual labels.
constexpr std::size_t patience = 4;

struct scored_label {
  double logit;
  bool wrong;
};

}  // namespace

double hit_bound::predict(const hit_features& match) const {
  return chance_of((models_[0].logit(match) + models_[1].logit(match)) / 2);
}

void hit_bound::learn(const hit_features& match, bool wrong) {
  if (labels_.size() < config_.labels_kept) {
    labels_.push_back({match, wrong});
  } else {
    labels_[next_] = {match, wrong};
  }
  next_ = (next_ + 1) % config_.labels_kept;
  // A wrong one counts at once.
  if (++since_refit_ >= refit_after_ || (wrong && threshold_ && predict(match) <= *threshold_))
    refit();
}

std::size_t hit_bound::wrong() const {
  return static_cast<std::size_t>(
      std::count_if(labels_.begin(), labels_.end(), [](const auto& l) { return l.wrong; }));
}

std::size_t hit_bound::bytes() const noexcept {
  return sizeof *this + labels_.capacity() * sizeof(hit_label);
}

void hit_bound::refit() {
  since_refit_ = 0;
  std::array<std::vector<hit_label>, 2> halves;
  for (std::size_t i = 0; i < labels_.size(); ++i) halves[i % 2].push_back(labels_[i]);
  models_ = {hit_model{halves[0]}, hit_model{halves[1]}};
  std::vector<scored_label> scored;
  scored.reserve(labels_.size());
  for (std::size_t half : {0, 1})
    for (const auto& label : halves[half])
      scored.push_back({models_[1 - half].logit(label.features), label.wrong});
  // Of equals the wrong one first: a threshold between them does not exist.
  std::sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) {
    return std::pair{a.logit, !a.wrong} < std::pair{b.logit, !b.wrong};
  });
  bool served = threshold_.has_value();
  threshold_.reset();
  bound_ = 1;
  std::size_t wrong = 0;
  auto next = static_cast<double>(least_labels(config_.max_error, config_.confidence));
  for (std::size_t i = 0; i < scored.size(); ++i) {
    wrong += scored[i].wrong ? 1 : 0;
    bool tied = i + 1 < scored.size() && scored[i + 1].logit == scored[i].logit;
    bool last = i + 1 == scored.size();
    if (tied || (!last && static_cast<double>(i + 1) < next)) continue;
    double bound = upper_error_bound(wrong, i + 1, config_.confidence);
    if (bound > config_.max_error) break;
    threshold_ = chance_of(scored[i].logit);
    bound_ = bound;
    next = static_cast<double>(i + 1) * growth;
  }
  refit_after_ = config_.refit_labels * (served && !threshold_ ? patience : 1);
}

}  // namespace tandem
