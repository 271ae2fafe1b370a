#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "actors/engine/engine_gate.hpp"
#include "actors/engine/sim/sim_weights.hpp"
#include "actors/engine/weight_change.hpp"
#include "tests/support/weights/virtual_time.hpp"

namespace tandem::testing {

/// An engine in virtual time: gate, change of weights and simulated weights are those that the
/// engine actor uses; here is what the actor does around them. What calls take is not its business.
class modelled_engine {
 public:
  using us = virtual_time::us;
  using answered = std::function<void(const weight_change::ending&)>;

  struct timing {
    /// One generation of a verification.
    us generation{std::chrono::milliseconds{200}};
    /// Until a call that is cut off has ended.
    us cutting{std::chrono::milliseconds{2}};
    /// Calls that are cut off do not end.
    bool ignores_cutting = false;
  };

  /// `changed`: health, admission or version are others now.
  modelled_engine(virtual_time& time, const engine_config& config, const timing& takes,
                  std::function<void()> changed);

  void order(const weight_order& order, answered done);

  /// Whether it takes a call; `pinned` empty: of a job that holds no version yet.
  [[nodiscard]] bool takes(const std::string& pinned);
  /// `cut` is told when the call ends before its time.
  void begin(std::uint64_t call, bool mixes, std::function<void()> cut);
  /// False: it has ended already.
  bool end(std::uint64_t call);

  /// Its process is gone: all that ran there fails, orders are never answered.
  void die();
  /// A new process, with these weights and faults.
  void start(const engine_config& config);

  [[nodiscard]] const std::string& name() const { return config_.name; }
  [[nodiscard]] const std::string& version() const { return weights_->version(); }
  [[nodiscard]] bool is_healthy() const { return alive_ && !weights_->is_dead(); }
  [[nodiscard]] bool is_gated() const;
  [[nodiscard]] bool is_held() const { return gate_.is_held(); }
  /// Takes everything.
  [[nodiscard]] bool is_open() const { return is_healthy() && !is_gated(); }
  [[nodiscard]] bool is_alive() const { return alive_; }
  [[nodiscard]] bool changes_weights() const { return change_->is_under_way(); }
  [[nodiscard]] std::size_t running() const { return running_.size(); }
  [[nodiscard]] const engine_config& config() const { return config_; }
  /// Changes of its weights that have ended well, and how long their parts took, added up.
  struct totals {
    std::uint64_t changes = 0;
    us drain{0};
    us load{0};
    us verify{0};
    std::uint64_t cut_off = 0;
  };
  [[nodiscard]] const totals& sums() const { return sums_; }

 private:
  struct call {
    bool mixes = false;
    bool is_cut = false;
    std::function<void()> cut;
  };

  [[nodiscard]] weight_change::facts facts() const;
  void act(const weight_change::deeds& deeds);
  void carry_out(const weight_change::deed& deed);
  void cut_off(bool all);
  void end_cut(std::uint64_t id);
  void step(const weight_change::deed& deed);
  void generate(const weight_change::deed& deed);
  void answer(const weight_change::deed& deed);
  /// `what`, unless the process is another one by then.
  void later(us pause, std::function<void()> what);

  virtual_time& time_;
  engine_config config_;
  timing takes_;
  std::function<void()> changed_;
  engine_gate gate_;
  std::unique_ptr<weight_change> change_;
  std::unique_ptr<sim_weights> weights_;
  std::map<std::uint64_t, call> running_;
  std::map<std::uint64_t, answered> orders_;
  std::uint64_t tickets_ = 0;
  std::uint64_t life_ = 0;
  std::uint64_t generating_ = 0;
  weight_change::clock::time_point timer_;
  bool alive_ = true;
  totals sums_;
};

}  // namespace tandem::testing
