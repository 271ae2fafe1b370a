#include "tests/bench/routing_gsm8k.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>

#include "actors/router/learning/feature_extractor.hpp"
#include "actors/router/learning/quality_learner.hpp"
#include "actors/router/routing_policy.hpp"

namespace tandem::bench {
namespace {

constexpr auto purpose = schema::Purpose::STEP;

std::vector<feature_vector> features_of(std::span<const graded_prompt> prompts, std::uint32_t dense,
                                        bool sparse) {
  feature_extractor extractor{{.dense = dense, .sparse = sparse}};
  std::vector<feature_vector> all(prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    std::string_view text = prompts[i].prompt;
    extractor.extract({.purpose = purpose, .texts = {&text, 1}}, all[i]);
  }
  return all;
}

std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 random{seed};
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

/// A learner with `count` arms, the i-th of cost i / (count - 1).
class arms_under_test {
 public:
  arms_under_test(std::uint32_t dense, bool sparse, std::size_t count = 2)
      : learner_{{.dense = dense, .sparse = sparse}, 1}, arms_(count), scores_(count) {
    static constexpr std::string_view names[] = {"a", "b", "c", "d"};
    for (std::size_t i = 0; i < count; ++i) {
      auto cost = static_cast<double>(i) / static_cast<double>(count - 1);
      arms_[i] = {.id = learner_.arm(purpose, names[i], "1", 0),
                  .model = names[i],
                  .tier = i == 0 ? "small" : "large",
                  .cost = cost,
                  .cost_nanousd = static_cast<std::int64_t>(1e6 * cost)};
      decision_.arms.push_back({.arm = arms_[i].id});
    }
  }

  void weigh(const routing_policy& policy, const feature_vector& x, double cost,
             std::uint64_t now_ms) {
    for (auto& a : arms_) a.expected = learner_.predict(a.id, x, now_ms);
    context_.purpose = purpose;
    context_.cost_price = cost;
    context_.learned = learner_.standing_of(purpose, cost, 0, now_ms);
    policy.weigh(context_, arms_, scores_);
  }

  void learn(std::size_t chosen, const feature_vector& x, double quality, std::uint64_t now_ms) {
    note(chosen, x, now_ms);
    learn_noted(quality, now_ms);
  }
  void note(std::size_t chosen, const feature_vector& x, std::uint64_t now_ms) {
    decision_.id = ++decided_;
    decision_.at_ms = now_ms;
    decision_.purpose = purpose;
    decision_.chosen = static_cast<std::uint32_t>(chosen);
    decision_.cost_price = context_.cost_price;
    for (std::size_t i = 0; i < arms_.size(); ++i) decision_.arms[i].score = scores_[i];
    decision_.features = x;
  }
  void learn_noted(double quality, std::uint64_t now_ms) {
    learner_.learn(decision_, quality, now_ms);
  }

  [[nodiscard]] double quality(std::size_t arm, const feature_vector& x) const {
    return learner_.predict(arms_[arm].id, x, 0).quality;
  }
  [[nodiscard]] const std::vector<arm_score>& scores() const { return scores_; }
  [[nodiscard]] bool demoted() const { return context_.learned.demoted; }

 private:
  quality_learner learner_;
  std::vector<arm> arms_;
  std::vector<arm_score> scores_;
  route_context context_;
  made_decision decision_;
  std::uint64_t decided_ = 0;
};

std::size_t draw(const std::vector<arm_score>& scores, std::mt19937_64& random) {
  auto left = std::uniform_real_distribution<>{}(random);
  for (std::size_t i = 0; i + 1 < scores.size(); ++i)
    if ((left -= scores[i].propensity) < 0) return i;
  return scores.size() - 1;
}

struct one_stream {
  std::vector<double> differences;
  double large = 0;
  double demoted = 0;
};

one_stream stream_once(std::span<const graded_prompt> prompts,
                       std::span<const feature_vector> features, const routing_policy& policy,
                       const stream_settings& settings, bool large_is_best, std::uint64_t seed) {
  arms_under_test arms{settings.dense, settings.sparse};
  std::mt19937_64 random{seed + 1'000'000};
  one_stream result;
  auto n = static_cast<double>(prompts.size());
  for (auto at : shuffled(prompts.size(), seed)) {
    auto now = static_cast<std::uint64_t>(result.differences.size());
    arms.weigh(policy, features[at], settings.cost, now);
    auto chosen = draw(arms.scores(), random);
    result.demoted += arms.demoted() ? 1 / n : 0;
    const auto& p = prompts[at];
    double quality = chosen == 1 ? p.large : p.small;
    arms.learn(chosen, features[at], quality, now);
    auto fixed = large_is_best ? p.large - settings.cost : static_cast<double>(p.small);
    result.differences.push_back(quality - (chosen == 1 ? settings.cost : 0) - fixed);
    result.large += chosen == 1 ? 1 / n : 0;
  }
  return result;
}

double mean_from(const std::vector<double>& values, std::size_t from) {
  return std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(from), values.end(), 0.0) /
         static_cast<double>(values.size() - from);
}

template <class Action>
double microseconds(Action&& action) {
  auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
      .count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

}  // namespace

gsm8k_stream_figures run_gsm8k_stream(std::span<const graded_prompt> prompts,
                                      const stream_settings& settings) {
  auto features = features_of(prompts, settings.dense, settings.sparse);
  auto policy = make_routing_policy(settings.policy, router_config{});
  if (!policy) return {};
  double small = 0;
  double large = 0;
  for (const auto& p : prompts) {
    small += p.small;
    large += p.large - settings.cost;
  }
  gsm8k_stream_figures figures;
  figures.cost = settings.cost;
  figures.best_fixed = std::max(small, large) / static_cast<double>(prompts.size());
  std::vector<double> gains;
  std::vector<double> second;
  for (std::uint32_t seed = 0; seed < settings.seeds; ++seed) {
    auto one = stream_once(prompts, features, **policy, settings, large > small, seed);
    gains.push_back(mean_from(one.differences, 0));
    second.push_back(mean_from(one.differences, one.differences.size() / 2));
    figures.large += one.large / settings.seeds;
    figures.demoted += one.demoted / settings.seeds;
    if (seed != 0) continue;
    figures.curve.resize(one.differences.size());
    std::partial_sum(one.differences.begin(), one.differences.end(), figures.curve.begin());
  }
  figures.gain = interval_of(gains);
  figures.second_half = interval_of(second);
  return figures;
}

gsm8k_threshold_figures run_gsm8k_threshold(std::span<const graded_prompt> prompts,
                                            std::uint32_t labels, std::uint32_t dense, bool sparse,
                                            std::uint32_t seeds) {
  auto features = features_of(prompts, dense, sparse);
  std::vector<double> apgr;
  std::vector<double> cpt50;
  std::vector<double> cpt80;
  for (std::uint32_t seed = 0; seed < seeds; ++seed) {
    auto order = shuffled(prompts.size(), seed);
    arms_under_test arms{dense, sparse};
    for (std::size_t i = 0; i < labels; ++i) {
      arms.learn(0, features[order[i]], prompts[order[i]].small, 0);
      arms.learn(1, features[order[i]], prompts[order[i]].large, 0);
    }
    std::vector<preferred> rest;
    for (std::size_t i = labels; i < order.size(); ++i) {
      const auto& x = features[order[i]];
      rest.push_back({arms.quality(1, x) - arms.quality(0, x),
                      static_cast<double>(prompts[order[i]].small),
                      static_cast<double>(prompts[order[i]].large)});
    }
    auto metrics = curve_of(rest);
    apgr.push_back(metrics.apgr);
    cpt50.push_back(metrics.cpt50);
    cpt80.push_back(metrics.cpt80);
  }
  return {interval_of(apgr), interval_of(cpt50), interval_of(cpt80)};
}

learner_speed measure_learner(std::span<const graded_prompt> prompts, std::uint32_t dense,
                              bool sparse) {
  constexpr std::size_t decisions = 5000;
  feature_extractor extractor{{.dense = dense, .sparse = sparse}};
  auto policy = make_routing_policy("auto", router_config{});
  arms_under_test arms{dense, sparse, 4};
  std::mt19937_64 random{1};
  std::vector<double> extract;
  std::vector<double> decide;
  std::vector<double> learn;
  feature_vector x;
  for (std::size_t i = 0; i < decisions; ++i) {
    const auto& p = prompts[i % prompts.size()];
    std::string_view text = p.prompt;
    extract.push_back(microseconds([&] {
      extractor.extract({.purpose = purpose, .texts = {&text, 1}}, x);
    }));
    decide.push_back(microseconds([&] { arms.weigh(**policy, x, 0.2, i); }));
    auto chosen = draw(arms.scores(), random);
    arms.note(chosen, x, i);
    learn.push_back(microseconds([&] { arms.learn_noted(chosen > 1 ? p.large : p.small, i); }));
  }
  return {median(extract), median(decide), median(learn)};
}

}  // namespace tandem::bench
