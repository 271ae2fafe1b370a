#include "tests/bench/routing_counts.hpp"

#include <array>
#include <cmath>

#include "tests/bench/routing_faults.hpp"
#include "tests/bench/routing_world.hpp"

namespace tandem::bench {
namespace {

constexpr int seeds = 20;
constexpr std::size_t seconds = 60;
constexpr std::size_t arms = 4;
constexpr std::array<const char*, arms> names{"a", "b", "c", "d"};

/// What some rewards add up to.
struct tally {
  double count = 0;
  double sum = 0;

  void add(double quality) { count += 1, sum += quality; }
  void add(const tally& other) { count += other.count, sum += other.sum; }
};
using tallies = std::array<tally, arms>;

/// A stream of decisions that does not depend on what is learned, so that what must be known at
/// its end can be counted. The rewards of an arm are close together: no alarm discounts them.
class scripted_run {
 public:
  explicit scripted_run(std::uint64_t seed)
      : world_{seed, 0}, random_{seed}, fleet_{fleet_routers, config_of(seed)} {}

  void play(bool disturbed) {
    for (std::size_t second = 0; second < seconds; ++second) {
      for (std::size_t i = 0; i < fleet_per_second; ++i) {
        auto now = second * 1000 + i * 1000 / fleet_per_second;
        if (disturbed) {
          if (auto router = killed_before(second, i); router < fleet_routers) lose(router);
          disturb(fleet_, second, i, now);
        }
        step(i % fleet_routers, now);
      }
      save_and_share((second + 1) * 1000, second % 7 == 0);
    }
  }

  /// Rewards too many or too few, whether ever or in sums, of all routers and arms: each knows its
  /// own, and starts anew to be told the others'.
  double miscounted() {
    constexpr auto end = (seconds + 1) * 1000;
    for (std::size_t router = 0; router < fleet_routers; ++router) fleet_.restart(router, end);
    fleet_.share(end);
    double wrong = 0;
    for (std::size_t router = 0; router < fleet_routers; ++router)
      for (std::size_t arm = 0; arm < arms; ++arm) wrong += miscounted(router, arm, end);
    return wrong;
  }

  [[nodiscard]] double lost() const {
    double count = 0;
    for (const auto& t : lost_) count += t.count;
    return count;
  }

 private:
  static bandit_config config_of(std::uint64_t seed) {
    bandit_config c{.origin = 100, .seed = seed, .learner = {}, .router = {}};
    c.learner.dense = 16;
    // Nothing fades, so that sums are counts.
    c.learner.half_life_rewards = 1e15;
    c.learner.half_life_ms = std::uint64_t{1} << 53;
    return c;
  }

  void step(std::size_t router, std::uint64_t now) {
    auto prompt = world_.draw(random_);
    auto arm = below(random_, arms);
    auto quality = 0.2 * static_cast<double>(arm + 1) + 0.04 * (uniform(random_) - 0.5);
    offered_arm offered{names[arm], "small", 0.1};
    (void)fleet_.at(router).decide(prompt.facts(), {&offered, 1}, now);
    fleet_.at(router).learn(quality, now);
    unsaved_[router][arm].add(quality);
  }

  void save_and_share(std::uint64_t now, bool again) {
    for (std::size_t router = 0; router < fleet_routers; ++router) {
      fleet_.save(router, now);
      for (std::size_t arm = 0; arm < arms; ++arm) saved_[arm].add(unsaved_[router][arm]);
      unsaved_[router] = {};
    }
    fleet_.share(now, again);
  }

  void lose(std::size_t router) {
    for (std::size_t arm = 0; arm < arms; ++arm) lost_[arm].add(unsaved_[router][arm]);
    unsaved_[router] = {};
  }

  double miscounted(std::size_t router, std::size_t arm, std::uint64_t now) {
    auto& learner = fleet_.at(router).learner();
    auto id = learner.arm(schema::Purpose::STEP, names[arm], "v1", now);
    auto p = learner.predict(id, {}, now);
    message_builder<schema::ArmReport> report;
    learner.report(id, *report, now);
    auto ever = static_cast<double>(report->asReader().getRewards());
    // The learner's mean is (sum + 1/2) / (count + 1).
    auto sum = p.mean * (p.weight + 1) - 0.5;
    // Decays of 1 - 1e-15 a reward are no miscount.
    auto off = [](double difference) { return std::round(std::abs(difference) * 1e4) / 1e4; };
    return off(ever - saved_[arm].count) + off(p.weight - saved_[arm].count) +
           off(sum - saved_[arm].sum);
  }

  world world_;
  std::mt19937_64 random_;
  fleet fleet_;
  std::array<tallies, fleet_routers> unsaved_{};
  tallies saved_{};
  tallies lost_{};
};

}  // namespace

void run_counts(routing_results& results) {
  std::vector<double> wrong, wrong_disturbed, lost;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    scripted_run calm{seed};
    calm.play(false);
    wrong.push_back(calm.miscounted());
    scripted_run disturbed{seed};
    disturbed.play(true);
    wrong_disturbed.push_back(disturbed.miscounted());
    lost.push_back(disturbed.lost());
  }
  auto regime = "scripted, nothing fades, " + std::to_string(seeds) +
                " seeds; 4,800 rewards, some records told again";
  results.bars.push_back({"rewards that four routers count twice, or not at all", regime,
                          "miscounted", estimate_of(wrong), 0, bar_kind::at_most});
  results.bars.push_back(
      {"the same with three kills and a partition, less those that were not "
       "saved yet when a router was killed",
       regime, "miscounted_disturbed", estimate_of(wrong_disturbed), 0, bar_kind::at_most});
  results.bars.push_back({"rewards not saved yet when a router was killed, of 4,800", regime,
                          "lost_at_kills", estimate_of(lost), 0, bar_kind::shown});
}

}  // namespace tandem::bench
