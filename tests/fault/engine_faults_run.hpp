#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/fault/engine_faults_fleet.hpp"
#include "tests/support/node_client.hpp"
#include "tests/support/node_process.hpp"

namespace tandem::fault {

/// What came of all the seeds, and what a client of a sound node never sees.
struct engine_fault_tally {
  std::uint64_t jobs = 0;
  std::uint64_t done = 0;
  std::uint64_t cancelled = 0;
  /// Failed: of their deadline, of a budget, of something else.
  std::uint64_t late = 0;
  std::uint64_t over_budget = 0;
  std::uint64_t gave_up = 0;
  std::uint64_t node_kills = 0;
  std::vector<std::string> complaints;

  void add(const engine_fault_tally& other);
};

/// What the tenant of a seed may spend; 0: no limit.
[[nodiscard]] stub_spending limit_of_tenant(std::uint64_t seed);
[[nodiscard]] std::string tenant_of(std::uint64_t seed);

/// A node, its fleet, and a client that submits jobs while the fleet misbehaves, one seed after the
/// other. All on the thread that made it.
class engine_fault_lane {
 public:
  struct options {
    /// What the node is not told, though it is checked: shows that the checks can fail.
    bool tell_checks = true;
    bool tell_budgets = true;
  };

  /// It has the tenants of `seeds`.
  explicit engine_fault_lane(const std::vector<std::uint64_t>& seeds);
  engine_fault_lane(const std::vector<std::uint64_t>& seeds, options how);

  /// Goes through the seed's schedule, heals the fleet, waits for every job and checks all that is
  /// promised. False: the node is not usable any more.
  bool run(std::uint64_t seed);
  /// One kind of misbehaviour on all engines but those that plan, for one seed's jobs.
  bool run_with(std::uint64_t seed, engine_fault what);
  /// Tries everything at every engine.
  void probe_all();

  [[nodiscard]] engine_fleet& fleet() { return fleet_; }
  [[nodiscard]] const engine_fault_tally& tally() const { return tally_; }

 private:
  struct sent {
    job_id id;
    std::string tag;
    submission what;
    /// A cancel was acknowledged.
    bool cancelled = false;
    /// As its end said.
    stub_spending used;
    bool disturbed = false;
  };
  struct action {
    std::chrono::milliseconds at{0};
    std::function<bool()> what;
  };

  [[nodiscard]] std::string config(const std::vector<std::uint64_t>& seeds) const;
  bool start_node();
  bool kill_node();
  [[nodiscard]] std::vector<action> make_schedule();
  [[nodiscard]] submission make_job(const std::string& tag);
  bool submit(unsigned number);
  bool cancel_one();
  bool finish_seed();
  bool wait_end(sent& job);
  void check_end(sent& job, schema::JobSummary::Reader summary);
  void check_tenant();
  [[nodiscard]] std::optional<std::uint64_t> tenant_spent();
  void check_healthy();
  void check_last_job();
  void complain(const std::string& what);
  std::uint64_t pick(std::uint64_t low, std::uint64_t high);

  options how_;
  engine_fleet fleet_;
  test::node_process node_{TANDEM_BIN_DIR};
  std::string config_;
  std::optional<client> at_;
  engine_fault_tally tally_;

  // Of the present seed.
  std::uint64_t seed_ = 0;
  std::mt19937_64 random_;
  std::vector<sent> jobs_;
  bool has_tenant_ = false;
  bool killed_ = false;
  std::string story_;
};

}  // namespace tandem::fault
