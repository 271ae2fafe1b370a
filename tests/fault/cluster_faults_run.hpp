#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/fault/cluster_load.hpp"
#include "tests/fault/cluster_network.hpp"
#include "tests/fault/cluster_schedule.hpp"
#include "tests/support/cluster_process.hpp"

namespace tandem::fault {

/// What came of all the seeds, and what a client of a sound cluster never sees.
struct cluster_tally {
  std::uint64_t seeds = 0;
  std::uint64_t jobs = 0;
  std::uint64_t kills = 0;
  std::uint64_t pauses = 0;
  std::uint64_t cuts = 0;
  std::uint64_t moves = 0;
  std::uint64_t disk_errors = 0;
  /// Submissions without a key whose acknowledgement was lost.
  std::uint64_t lost_acknowledgements = 0;
  std::uint64_t records = 0;
  std::vector<std::string> complaints;

  void add(const cluster_tally& other);
};

/// Three nodes, to which one seed after the other happens. All on the thread that made it.
class cluster_lane {
 public:
  struct options {
    /// `none` loses what was acknowledged: shows that the checks can fail.
    std::string durability = "sync";
    /// Complaints are GoogleTest failures too, so that folders and logs stay.
    bool report = true;
  };
  static constexpr std::size_t nodes = 3;

  explicit cluster_lane(options how);

  /// Carries out the seed's schedule under load, heals everything, waits for every job and checks
  /// what is promised. False: the cluster is not usable any more.
  bool run(std::uint64_t seed);
  bool run(std::uint64_t seed, const cluster_schedule& schedule);
  /// Stops the nodes and reads their journals.
  void close();

  [[nodiscard]] const cluster_tally& tally() const { return tally_; }

 private:
  struct node_state {
    /// It was started, and neither killed nor stopped since.
    bool up = false;
    bool paused = false;
    bool stopping = false;
    cluster_action::program as = cluster_action::program::plain;
    unsigned moves = 0;
  };

  void act(const cluster_action& action);
  void start(std::size_t node, cluster_action::program as, bool moved, unsigned passing);
  void kill(std::size_t node);
  void pause(std::size_t node, bool on);
  /// It runs, unless its disk failed.
  void check_alive(std::size_t node);
  bool bring_up();
  [[nodiscard]] std::optional<client_options> where(std::size_t node);

  // cluster_faults_checks.cpp
  bool connect_all();
  bool check_members();
  bool check_end(const cluster_job& job, std::size_t asked);
  void check_lists();
  void check_rest();
  void check_journals();

  void complain(const std::string& what);

  options how_;
  cluster_network network_{nodes};
  test::cluster_process cluster_{TANDEM_BIN_DIR, nodes};
  std::vector<node_state> states_{nodes};
  cluster_tally tally_;
  std::vector<client> clients_;
  /// All that was acknowledged by this cluster.
  std::vector<cluster_job> jobs_;

  std::mutex mutex_;
  /// Where clients find each node; empty: it is down.
  std::vector<std::optional<client_options>> places_{nodes};

  // Of the present seed.
  std::uint64_t seed_ = 0;
  std::string story_;
  std::vector<cluster_job> seed_jobs_;
};

}  // namespace tandem::fault
