#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "actors/client/client.hpp"

namespace tandem::fault {

/// A job that was acknowledged.
struct cluster_job {
  job_id id;
  /// In its goal; its answer.
  std::string tag;
  /// Empty: it was submitted without one.
  std::string key;
};

/// The jobs of one seed and one thread for each node that submits its share of them there; to
/// another one when that does not answer. Some keys are submitted by all threads. A submission with
/// a key goes on until it is acknowledged; one without is given up when its acknowledgement is
/// lost.
class cluster_load {
 public:
  /// Where a node is; nothing: it is down. Called by the threads.
  using finder = std::function<std::optional<client_options>(std::size_t node)>;

  cluster_load(std::uint64_t seed, std::size_t nodes, std::chrono::milliseconds storm,
               finder where);
  ~cluster_load();
  cluster_load(const cluster_load&) = delete;
  cluster_load& operator=(const cluster_load&) = delete;

  /// All nodes are up: returns when everything was acknowledged, or given up.
  void finish();

  /// After finish().
  [[nodiscard]] const std::vector<cluster_job>& acknowledged() const { return acknowledged_; }
  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }
  [[nodiscard]] std::size_t lost() const { return lost_; }
  /// In the tags and keys of all its jobs.
  [[nodiscard]] static std::string mark(std::uint64_t seed) {
    return 's' + std::to_string(seed) + 'j';
  }

 private:
  struct order {
    std::chrono::milliseconds at{0};
    std::string tag;
    submission what;
  };
  class sender;

  void run(std::size_t node, std::vector<order> orders);
  void acknowledge(const order& of, job_id job);
  void complain(std::string what);
  /// False: no more waiting.
  bool pause_until(std::chrono::steady_clock::time_point when);

  finder where_;
  std::size_t nodes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool abandoned_ = false;
  std::map<std::string, job_id> by_key_;
  std::vector<cluster_job> acknowledged_;
  std::vector<std::string> complaints_;
  std::size_t lost_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace tandem::fault
