#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tandem {

/// What kinds of calls jobs make, one after the other: which kinds usually come behind one, what
/// calls of a kind begin with, and which engines have read such a call lately. Learned from the
/// calls alone; bounded in jobs, kinds, followers and engines. Time is seconds on any clock that
/// does not go back. One thread.
class call_kinds {
 public:
  struct limits {
    std::size_t kinds_max = 256;
    std::size_t jobs_max = 4'096;
    std::size_t kinds_of_job_max = 16;
    /// Of one kind; what came least often gives way.
    std::size_t followers_max = 8;
    std::size_t engines_max = 64;
    /// Of the jobs with a kind, so many in a hundred must have gone on to the other.
    unsigned percent_min = 50;
    /// Before that nothing is known of a kind.
    std::uint32_t jobs_min = 4;
  };
  explicit call_kinds(const limits& bounds) : limits_{bounds} {}

  struct call {
    /// Of its job, in any numbering.
    std::uint64_t job = 0;
    std::string_view model;
    std::uint16_t purpose = 0;
    std::string_view kind;
    /// As prefix_memory names its beginnings.
    std::span<const std::uint64_t> chain;
    std::string_view engine;
  };
  /// True: its job has not made a call of this kind before.
  bool note(const call& seen, double now_s);

  struct follower {
    std::uint64_t kind = 0;
    std::string_view model;
    /// What its last two calls began with alike, as prefix_memory names it.
    std::span<const std::uint64_t> chain;
  };
  /// Of the kind that was noted last: what usually comes behind it in a job. Good until the next
  /// call is noted.
  [[nodiscard]] std::vector<follower> followers() const;
  /// When an engine of this name read a call of the kind; negative: never, as far as is known.
  [[nodiscard]] double read_at(std::uint64_t kind, std::string_view engine) const;
  /// Such a call's beginning is there from now on.
  void set_read(std::uint64_t kind, std::string_view engine, double now_s);
  /// Its cache is empty.
  void forget_engine(std::string_view engine);

 private:
  struct behind {
    std::uint64_t kind = 0;
    std::uint32_t jobs = 0;
  };
  struct known_kind {
    std::string model;
    /// Of its last call, and how much of it the one before had too.
    std::vector<std::uint64_t> chain;
    std::size_t alike = 0;
    /// In which it was; halved together with those of `next`.
    std::uint32_t jobs = 0;
    std::vector<behind> next;
    std::vector<std::pair<std::string, double>> engines;
    std::list<std::uint64_t>::iterator place;
  };
  struct known_job {
    std::vector<std::uint64_t> kinds;
    std::list<std::uint64_t>::iterator place;
  };

  [[nodiscard]] known_kind& kind_of(std::uint64_t id, std::string_view model);
  void set_read(known_kind& kind, std::string_view engine, double now_s) const;
  void count_behind(known_kind& first, std::uint64_t then) const;

  limits limits_;
  std::unordered_map<std::uint64_t, known_kind> kinds_;
  std::unordered_map<std::uint64_t, known_job> jobs_;
  /// Seen last first.
  std::list<std::uint64_t> kinds_order_;
  std::list<std::uint64_t> jobs_order_;
  std::uint64_t last_ = 0;
};

}  // namespace tandem
