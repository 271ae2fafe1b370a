#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tandem {

/// Which weight version each job has of each model while attempts of it are in the pool: that of
/// the first one that was routed, until the job itself knows it from a result. As large as what is
/// in the pool: a job's entry goes with its last attempt. No actors.
class job_pins {
 public:
  struct job {
    std::uint64_t journal = 0;
    std::uint64_t number = 0;
    friend bool operator==(const job&, const job&) = default;
  };
  struct pin {
    std::string model;
    std::string version;
    /// Attempts that are at an engine with it.
    std::uint32_t holds = 0;
    /// The job has a result of it: attempts that were sent before it are of the same version.
    bool used = false;
  };

  /// An attempt comes into the pool, and ends.
  void enter(const job& job) { ++jobs_[job].attempts; }
  void leave(const job& job);
  /// Valid until the next change.
  [[nodiscard]] std::span<const pin> of(const job& job) const;
  /// Empty: any will do. Valid until the next change.
  [[nodiscard]] std::string_view find(const job& job, std::string_view model) const;
  /// An attempt of a job that is here uses `version`, which is the job's from now on.
  void hold(const job& job, std::string_view model, std::string_view version);
  /// It does no more. `used`: the job gets what came of it. What is not held is left alone.
  void release(const job& job, std::string_view model, bool used);
  /// Of a model: jobs by version, as far as they have an attempt here.
  [[nodiscard]] std::map<std::string, std::uint64_t> count(std::string_view model) const;
  /// Jobs with an attempt here.
  [[nodiscard]] std::size_t jobs() const { return jobs_.size(); }

 private:
  struct hash {
    std::size_t operator()(const job& job) const noexcept {
      return std::hash<std::uint64_t>{}(job.journal ^ job.number * 0x9E3779B97F4A7C15ull);
    }
  };
  struct entry {
    std::uint32_t attempts = 0;
    std::vector<pin> pins;
  };
  [[nodiscard]] pin* find_pin(const job& job, std::string_view model);

  std::unordered_map<job, entry, hash> jobs_;
};

}  // namespace tandem
