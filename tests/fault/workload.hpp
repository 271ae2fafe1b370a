#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "actors/client/client.hpp"

namespace tandem::fault {

/// Client threads that submit jobs under client keys and wait for their ends, over every restart of
/// the node. A submission whose acknowledgement was lost is sent again under the same key. Never
/// gives up before `patience`, never goes on after it.
class workload {
 public:
  struct options {
    std::uint64_t seed = 1;
    unsigned threads = 3;
    /// Jobs that one thread has under way.
    std::size_t window = 12;
  };

  explicit workload(const options& how);
  ~workload();
  workload(const workload&) = delete;
  workload& operator=(const workload&) = delete;

  /// The node is up again, and this is its client.
  void node_is_up(client connected);
  void node_is_gone();
  /// No new jobs; returns when those acknowledged have ended. Precondition: the node is up.
  void finish();

  /// After finish(): which job each client key got.
  [[nodiscard]] const std::map<std::string, job_id>& acknowledged() const { return acknowledged_; }
  /// What a client of a sound node never sees.
  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  struct session;
  void run(unsigned thread);
  bool submit(const std::string& key, const submission& what, job_id& job);
  bool wait(job_id job);
  std::shared_ptr<session> current(std::uint64_t above);
  void complain(std::string what);
  [[nodiscard]] bool stopping();

  options how_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<session> session_;
  std::uint64_t sessions_ = 0;
  bool stopping_ = false;
  std::map<std::string, job_id> acknowledged_;
  std::vector<std::string> complaints_;
  std::vector<std::thread> threads_;
};

}  // namespace tandem::fault
