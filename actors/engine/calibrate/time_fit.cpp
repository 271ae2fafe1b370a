#include "actors/engine/calibrate/time_fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "actors/engine/sim/batch_steps.hpp"
#include "actors/engine/sim/shared_rates.hpp"

namespace tandem {
namespace {

/// In microseconds; the contexts per 1,000 tokens.
struct times {
  enum : std::size_t { first, token, batch, read, token_context, read_context, count };
  std::array<double, count> value{};
};

constexpr std::array<std::uint32_t, 9> chunks{0, 32, 64, 128, 256, 512, 1024, 2048, 8192};
/// A profile must be so much better to be believed against a simpler one.
constexpr double gain_min = 0.99;
/// A loss that nobody would notice.
constexpr double nothing = 0.002;
constexpr double slots_gain_min = 0.9;
constexpr std::size_t slots_max = 64;
constexpr int starts = 8;
constexpr int walks = 300;
constexpr double error_max = 1.0;
/// So many times as long as predicted: it says nothing about the others.
constexpr double hung = 5;
/// Errors of the first token, against those of the whole.
constexpr double first_weight = 0.5;

std::chrono::microseconds rounded(double us) {
  return std::chrono::microseconds{std::llround(std::clamp(us, 0.0, 3.6e9))};
}

sim_config with(sim_config config, const times& t) {
  config.first_token = rounded(t.value[times::first]);
  config.per_token = rounded(t.value[times::token]);
  config.per_token_batch = rounded(t.value[times::batch]);
  auto read = t.value[times::read];
  config.prefill_rate = read > 0 ? std::clamp(1e6 / read, 1e-3, 1e9) : 0;
  config.per_token_context = rounded(t.value[times::token_context]);
  config.prefill_context = rounded(t.value[times::read_context]);
  return config;
}

double median_of(std::vector<double> values, double fallback) {
  if (values.empty()) return fallback;
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double quantile(std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

/// From calls that were alone: what a line through them says.
times first_guess(std::span<const measured_round> rounds) {
  std::vector<double> token;
  std::vector<double> read;
  std::vector<double> least;
  for (const auto& round : rounds) {
    if (round.size() != 1) continue;
    const auto& call = round.front();
    auto fresh = call.prompt_tokens - call.cached_tokens;
    if (call.written_tokens >= 4)
      token.push_back((call.end_us - call.first_us) / (call.written_tokens - 1));
    if (fresh >= 64) read.push_back((call.first_us - call.at_us) / fresh);
    least.push_back(call.first_us - call.at_us);
  }
  times guess;
  auto& v = guess.value;
  v[times::token] = std::max(median_of(token, 10'000), 1.0);
  v[times::read] = std::max(median_of(read, 100), 0.001);
  std::sort(least.begin(), least.end());
  v[times::first] = std::max(quantile(least, 0.1) / 2, 1.0);
  v[times::batch] = std::max(v[times::token] / 3, 1.0);
  v[times::token_context] = std::max(v[times::token] / 10, 1.0);
  v[times::read_context] = std::max(v[times::read] / 10, 1.0);
  return guess;
}

std::unique_ptr<pace> pace_of(const sim_config& config) {
  if (config.prefill_chunk > 0) return std::make_unique<batch_steps>(config);
  return std::make_unique<shared_rates>(config);
}

measured_round predict_round(const measured_round& round, const sim_config& config) {
  auto engine = pace_of(config);
  for (std::size_t i = 0; i < round.size(); ++i)
    engine->add(static_cast<pace::key>(i),
                {.read = std::max(0.0, round[i].prompt_tokens - round[i].cached_tokens),
                 .cached = round[i].cached_tokens,
                 .write = round[i].written_tokens},
                round[i].at_us);
  auto out = round;
  for (std::size_t i = 0; i < round.size(); ++i) {
    const auto& at = engine->of(static_cast<pace::key>(i), 0);
    out[i].first_us = at.first;
    out[i].end_us = at.end;
  }
  return out;
}

double off(double predicted, double measured) {
  if (measured <= 0) return 0;
  return std::min(std::abs(std::log(std::max(predicted, 1e-3) / measured)), error_max);
}

class searcher {
 public:
  explicit searcher(std::span<const measured_round> rounds) : rounds_{rounds} {}

  [[nodiscard]] double loss(const sim_config& config) const {
    double sum = 0;
    double calls = 0;
    for (const auto& round : rounds_) {
      auto predicted = predict_round(round, config);
      // Calls of one round err together.
      auto weight = 1 / std::sqrt(static_cast<double>(round.size()));
      for (std::size_t i = 0; i < round.size(); ++i) {
        const auto& real = round[i];
        sum += weight *
               (off(predicted[i].end_us - real.at_us, real.end_us - real.at_us) +
                first_weight * off(predicted[i].first_us - real.at_us, real.first_us - real.at_us));
        calls += weight;
      }
    }
    return calls > 0 ? sum / calls : 0;
  }

  /// Goes downhill from `t`, by ever smaller steps; the loss there.
  double descend(const sim_config& config, times& t, double step, double step_min) const {
    auto best = along_axes(config, t, step, step_min);
    return any_way(config, t, step, best);
  }

 private:
  double along_axes(const sim_config& config, times& t, double step, double step_min) const {
    auto best = loss(with(config, t));
    for (; step >= step_min; step /= 2) {
      auto better = true;
      for (int tries = 0; better && tries < 20; ++tries) {
        better = false;
        for (auto& value : t.value)
          for (auto to : {value * std::exp(step), value * std::exp(-step)})
            if (auto next = try_value(config, t, value, to, best)) {
              best = *next;
              better = true;
            }
      }
    }
    return best;
  }

  /// Times that make up for one another lie in a narrow valley that is not along an axis.
  double any_way(const sim_config& config, times& t, double step, double best) const {
    std::mt19937_64 random{1};
    std::normal_distribution<> normal;
    for (int tries = 0; tries < walks; ++tries) {
      auto next = t;
      for (auto& value : next.value) value *= std::exp(step * normal(random));
      auto now = loss(with(config, next));
      auto better = now < best * (1 - 1e-5);
      // Rechenberg's rule: one try in five should succeed.
      step *= std::exp(better ? 0.8 : -0.2);
      if (better) {
        best = now;
        t = next;
      }
      if (step < 1e-3) step = 0.05;
    }
    return best;
  }

  [[nodiscard]] std::optional<double> try_value(const sim_config& config, times& t, double& value,
                                                double to, double best) const {
    auto before = std::exchange(value, to);
    auto now = loss(with(config, t));
    if (now < best * (1 - 1e-5)) return now;
    value = before;
    return std::nullopt;
  }

  std::span<const measured_round> rounds_;
};

/// Without what does not make it clearly better.
void simplify(const searcher& search, const sim_config& config, times& t, double& best) {
  for (auto each : {times::read_context, times::token_context, times::batch, times::first}) {
    auto without = t;
    without.value[each] = 0;
    auto loss = search.descend(config, without, 0.1, 0.02);
    if (loss * gain_min > best + nothing) continue;
    t = without;
    best = loss;
  }
}

std::size_t most_at_once(std::span<const measured_round> rounds) {
  std::size_t most = 0;
  for (const auto& round : rounds) most = std::max(most, round.size());
  return most;
}

std::vector<measured_round> good_ones(std::span<const measured_round> rounds) {
  std::vector<measured_round> good;
  for (const auto& round : rounds)
    // The others of its round were slowed by it in a way that nobody knows.
    if (std::all_of(round.begin(), round.end(), [](const auto& call) {
          return call.code == errc::unknown && call.written_tokens > 0;
        }))
      good.push_back(round);
  return good;
}

}  // namespace

std::vector<measured_round> predict(std::span<const measured_round> rounds,
                                    const sim_config& config) {
  std::vector<measured_round> out;
  for (const auto& round : rounds) out.push_back(predict_round(round, config));
  return out;
}

fit_error compare(std::span<const measured_round> rounds, const sim_config& config) {
  std::vector<double> whole;
  std::vector<double> first;
  for (const auto& round : good_ones(rounds)) {
    auto predicted = predict_round(round, config);
    for (std::size_t i = 0; i < round.size(); ++i) {
      auto share = [at = round[i].at_us](double made, double real) {
        return real > at ? std::abs((made - at) / (real - at) - 1) : 0;
      };
      whole.push_back(share(predicted[i].end_us, round[i].end_us));
      first.push_back(share(predicted[i].first_us, round[i].first_us));
    }
  }
  std::sort(whole.begin(), whole.end());
  std::sort(first.begin(), first.end());
  return {.median = quantile(whole, 0.5),
          .p95 = quantile(whole, 0.95),
          .first_median = quantile(first, 0.5),
          .calls = whole.size()};
}

sim_config fit_times(std::span<const measured_round> all, sim_config config) {
  auto rounds = good_ones(all);
  if (rounds.empty()) return config;
  searcher search{rounds};
  auto guess = first_guess(rounds);
  const auto known = config.slots;
  config.prefill_chunk = 512;
  search.descend(config, guess, 0.5, 0.1);
  // How many at once, then how reading goes, each with the times that suit it.
  auto try_slots = [&](double& best, times& t) {
    auto most = std::min<std::size_t>(most_at_once(rounds), known > 0 ? known : slots_max);
    for (std::uint32_t slots = 1; slots < most; ++slots) {
      auto next = config;
      next.slots = slots;
      auto tried = t;
      auto loss = search.descend(next, tried, 0.1, 0.1);
      if (loss > best * slots_gain_min) continue;
      best = loss;
      config.slots = slots;
      t = tried;
    }
  };
  auto best = search.loss(with(config, guess));
  try_slots(best, guess);
  auto found = guess;
  auto kept = config.prefill_chunk;
  for (auto chunk : chunks) {
    config.prefill_chunk = chunk;
    auto tried = guess;
    auto loss = search.descend(config, tried, 0.2, 0.05);
    if (loss >= best * (1 - 1e-3)) continue;
    best = loss;
    found = tried;
    kept = chunk;
  }
  config.prefill_chunk = kept;
  best = search.descend(config, found, 0.1, 0.005);
  simplify(search, config, found, best);
  best = search.descend(config, found, 0.05, 0.002);
  // Other valleys near by.
  std::mt19937_64 random{2};
  std::normal_distribution<> normal;
  for (int start = 0; start < starts; ++start) {
    auto other = found;
    for (auto& value : other.value) value *= std::exp(0.15 * normal(random));
    auto loss = search.descend(config, other, 0.05, 0.002);
    if (loss >= best) continue;
    best = loss;
    found = other;
  }
  // A machine's slow moments make its mean more than its median, which is what errors of single
  // calls lead to.
  config = with(config, found);
  return slowed(config, slowness(rounds, config));
}

double slowness(std::span<const measured_round> all, const sim_config& config) {
  double sum = 0;
  double calls = 0;
  for (const auto& round : good_ones(all)) {
    auto predicted = predict_round(round, config);
    auto weight = 1 / std::sqrt(static_cast<double>(round.size()));
    for (std::size_t i = 0; i < round.size(); ++i) {
      auto made = predicted[i].end_us - round[i].at_us;
      if (made <= 0) continue;
      sum += weight * std::min((round[i].end_us - round[i].at_us) / made, hung);
      calls += weight;
    }
  }
  return sum > 0 ? sum / calls : 1;
}

sim_config slowed(sim_config config, double factor) {
  for (auto* each : {&config.first_token, &config.per_token, &config.per_token_batch,
                     &config.per_token_context, &config.prefill_context})
    *each = rounded(factor * static_cast<double>(each->count()));
  config.prefill_rate /= factor;
  return config;
}

}  // namespace tandem
