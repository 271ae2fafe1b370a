#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/support/weights/weight_fleet.hpp"

namespace tandem::testing {

/// One call of a job. Prompts of one number are the same prompt.
struct modelled_call {
  std::uint64_t id = 0;
  std::uint64_t job = 0;
  std::uint32_t prompt = 0;
  /// The version that its job holds; empty: none yet.
  std::string pinned;
  bool mixes = false;
  virtual_time::us arrived{0};
  /// Engines that have just refused it, or failed.
  std::vector<std::size_t> avoided;
  /// The router's own number of its last decision.
  std::uint64_t decision = 0;
  std::uint32_t tries = 0;
};

/// What jobs need of routers and engines.
class job_world {
 public:
  using us = virtual_time::us;

  job_world() = default;
  job_world(const job_world&) = delete;
  job_world& operator=(const job_world&) = delete;
  virtual ~job_world() = default;

  struct pick {
    /// None: nobody can take it now.
    std::optional<std::size_t> engine;
    /// As the router knows it.
    std::string version;
    /// Nobody serves the version that it is pinned to any more.
    bool is_gone = false;
  };
  [[nodiscard]] virtual pick choose(modelled_call& call) = 0;
  struct times {
    us first{0};
    us end{0};
  };
  /// From now on.
  [[nodiscard]] virtual times serve(const modelled_call& call, std::size_t engine) = 0;
  virtual void ended(const modelled_call&, std::size_t /*engine*/, const times&, bool /*ok*/) {}
  /// Under what an answer is kept; empty: it is not.
  [[nodiscard]] virtual std::string key(const modelled_call&, const std::string& /*version*/) {
    return {};
  }
};

struct job_options {
  using us = virtual_time::us;

  double jobs_per_s = 10;
  std::uint32_t calls_min = 1;
  std::uint32_t calls_max = 1;
  /// Share of jobs that may mix versions.
  double mixing = 0;
  /// Distinct prompts; 0: each is its own.
  std::uint32_t prompts = 0;
  us timeout{std::chrono::seconds{30}};
  /// After nobody could take it; and after a refusal.
  us pause{std::chrono::milliseconds{100}};
  us hop{1000};
  std::uint32_t tries = 16;
  std::uint64_t seed = 1;
  /// An engine refuses calls of jobs that hold other versions than its own.
  bool engines_check_pins = true;
};

/// Jobs of some calls, one after the other, on a fleet; and a checker that knows which version has
/// made each answer. A job holds the version of its first answer until it ends.
class modelled_jobs {
 public:
  using us = virtual_time::us;

  enum class ending { served, failed, timed_out, by_policy };
  struct record {
    us arrived{0};
    /// Of the answer's first token, and of its last.
    us first{0};
    us ended{0};
    ending how = ending::served;
    bool from_cache = false;
  };
  struct counts {
    std::uint64_t calls = 0;
    std::uint64_t served = 0;
    std::uint64_t from_cache = 0;
    std::uint64_t failed = 0;
    std::uint64_t timed_out = 0;
    /// No engine served their version any more.
    std::uint64_t jobs_by_policy = 0;
    std::uint64_t jobs_mixed = 0;
    std::uint64_t refused = 0;
    std::uint64_t cut_off = 0;
    /// Refused because the engine had other weights than the router thought.
    std::uint64_t wrong_weights = 0;
    std::uint64_t stale = 0;
  };

  modelled_jobs(weight_fleet& fleet, job_world& world, const job_options& options);

  /// Jobs arrive from now on until then.
  void arrive_until(us until);
  std::function<void(const record&)> on_done;
  [[nodiscard]] const counts& count() const { return counts_; }
  [[nodiscard]] std::size_t running() const { return jobs_.size(); }
  /// What the checker has found, the first of it.
  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }
  [[nodiscard]] std::map<std::string, std::uint64_t> pins_at(std::size_t node) const;

 private:
  struct job {
    std::uint32_t calls_left = 0;
    bool mixes = false;
    std::string pinned;
    /// Of the call that an engine has: the pool knows it before there is a result.
    std::string under_way;
    bool mixed = false;
  };
  using call_ptr = std::shared_ptr<modelled_call>;

  void arrive();
  void next_call(std::uint64_t job);
  void attempt(const call_ptr& call);
  void again(const call_ptr& call, us pause);
  [[nodiscard]] bool serve_from_cache(const call_ptr& call, std::size_t engine,
                                      const std::string& version);
  void run(const call_ptr& call, std::size_t engine, const std::string& believed);
  void answered(const call_ptr& call, const std::string& version, us first, bool from_cache);
  void failed(const call_ptr& call, ending how);
  void complain(const std::string& what);
  void pin(job& of, const std::string& version);

  weight_fleet& fleet_;
  job_world& world_;
  job_options options_;
  std::mt19937_64 random_;
  us until_{0};
  std::unordered_map<std::uint64_t, job> jobs_;
  std::unordered_map<std::string, std::string> cache_;
  std::uint64_t ids_ = 0;
  counts counts_;
  std::vector<std::string> complaints_;
};

}  // namespace tandem::testing
