#include "actors/router/policies/scores.hpp"

#include <array>
#include <cmath>

#include "actors/router/policies/policy_entry.hpp"

namespace tandem {
namespace {

constexpr std::size_t nodes = 32;
constexpr double table_end = 6;
constexpr std::size_t table_steps = 64;

/// The normal distribution by table: erfc for each arm, node and other arm would be most of the
/// time that a decision takes.
class normal_table {
 public:
  normal_table() {
    for (std::size_t i = 0; i < values_.size(); ++i)
      values_[i] =
          0.5 * std::erfc(-(static_cast<double>(i) / table_steps - table_end) / std::sqrt(2));
    for (std::size_t i = 0; i < nodes; ++i)
      quantiles_[i] = inverse((static_cast<double>(i) + 0.5) / nodes);
  }

  [[nodiscard]] double below(double x) const {
    auto at = (x + table_end) * table_steps;
    if (!(at > 0)) return 0;
    if (at >= static_cast<double>(values_.size() - 1)) return 1;
    auto cell = static_cast<std::size_t>(at);
    return values_[cell] + (at - static_cast<double>(cell)) * (values_[cell + 1] - values_[cell]);
  }
  [[nodiscard]] const std::array<double, nodes>& quantiles() const { return quantiles_; }

 private:
  [[nodiscard]] double inverse(double share) const {
    double low = -table_end;
    double high = table_end;
    for (int i = 0; i < 50; ++i) (below((low + high) / 2) < share ? low : high) = (low + high) / 2;
    return low;
  }

  std::array<double, static_cast<std::size_t>(2 * table_end * table_steps) + 1> values_{};
  std::array<double, nodes> quantiles_{};
};

const normal_table& normal() {
  static const normal_table table;
  return table;
}

}  // namespace

std::size_t best_of(std::span<const arm> arms, std::span<const arm_score> scores) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < arms.size(); ++i)
    if (scores[i].score > scores[best].score ||
        (scores[i].score == scores[best].score && is_cheaper(arms[i], arms[best])))
      best = i;
  return best;
}

void weigh_by_thompson(std::span<arm_score> scores) {
  const auto& table = normal();
  double sum = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    // Arm by arm rather than node by node: the nodes of one arm do not wait for each other.
    std::array<double, nodes> beats;
    beats.fill(1);
    for (std::size_t j = 0; j < scores.size(); ++j) {
      if (j == i) continue;
      auto narrow = 1 / std::max(scores[j].deviation, 1e-6);
      auto from = (scores[i].score - scores[j].score) * narrow;
      auto by = scores[i].deviation * narrow;
      for (std::size_t k = 0; k < nodes; ++k)
        beats[k] *= table.below(from + by * table.quantiles()[k]);
    }
    double wins = 0;
    for (auto share : beats) wins += share;
    scores[i].propensity = wins / nodes;
    sum += scores[i].propensity;
  }
  for (auto& score : scores)
    score.propensity = sum > 0 ? score.propensity / sum : 1.0 / static_cast<double>(scores.size());
}

std::size_t cheapest_for(const route_context& context, std::span<const arm> arms,
                         std::string_view large_tier) {
  if (context.purpose == schema::Purpose::PLAN) return cheapest_of(arms, large_tier);
  return static_cast<std::size_t>(std::min_element(arms.begin(), arms.end(), is_cheaper) -
                                  arms.begin());
}

}  // namespace tandem
