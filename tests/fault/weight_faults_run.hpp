#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/support/weights/modelled_jobs.hpp"

namespace tandem::testing {

/// What goes wrong in one seed's update. All kinds in a row of so many seeds, and up to two more.
enum class weight_fault : std::uint8_t {
  none,
  coordinator_dies,
  node_returns_old,
  engine_fails,
  going_back_fails,
  lossy_network,
  disk_full,
  stopped,
  two_rolls,
  cut,
  agreement_down,
  engine_dies,
  never_drains,
  kinds,
};

/// Four nodes with eight engines and jobs on them; an update from version 1 to 2 with what the seed
/// says going wrong, and a while without faults.
class weight_faults_run {
 public:
  explicit weight_faults_run(std::uint64_t seed, bool forgets_versions = false);
  ~weight_faults_run();

  void run();
  /// What does not hold, a line each; empty: all is well.
  [[nodiscard]] std::string complaint() const;
  [[nodiscard]] const std::set<weight_fault>& faults() const { return faults_; }
  /// How the last roll ended.
  [[nodiscard]] schema::RollPhase phase() const;
  [[nodiscard]] std::string reason() const;
  [[nodiscard]] const modelled_jobs::counts& jobs() const { return jobs_->count(); }

 private:
  using us = virtual_time::us;
  class world;

  [[nodiscard]] std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  [[nodiscard]] us soon(std::uint64_t ms_min, std::uint64_t ms_max);
  [[nodiscard]] fleet_options make_fleet_options();
  void choose_faults();
  void begin();
  void plan(weight_fault fault);
  void kill_node(std::size_t node, const std::string& back_with);
  void fail_engines(bool back_too);
  void watch();
  void heal();
  [[nodiscard]] bool is_settled() const;
  /// It takes no work, and that is said: by the update, or where it was away by its node alone.
  [[nodiscard]] bool is_left_out(const modelled_engine& engine) const;
  [[nodiscard]] std::size_t coordinator_or(std::size_t other) const;

  std::uint64_t seed_;
  std::mt19937_64 random_;
  std::set<weight_fault> faults_;
  std::unique_ptr<weight_fleet> fleet_;
  std::unique_ptr<world> world_;
  std::unique_ptr<modelled_jobs> jobs_;
  roll_options options_;
  bool healed_ = false;
  bool settled_ = false;
  std::string seen_;
};

}  // namespace tandem::testing
