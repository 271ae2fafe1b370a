#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tests/bench/warm_engine.hpp"

namespace tandem::bench {

/// Knows which requests are to come: the most that replaying can do. What they begin with, and was
/// known before, is replayed on one engine each, soonest first, until its request has come.
class warm_foresight {
 public:
  explicit warm_foresight(std::uint32_t engines) : plans_(engines) {}

  /// What requests of before began with can be replayed.
  void remember(std::span<const traced_request> before);
  /// For the engines from `first` on, so many of them: what no engine has, in turn.
  void plan(std::span<const traced_request> coming, std::size_t number_of_first,
            std::span<const warm_engine> engines, std::uint32_t first, std::uint32_t count);
  /// Requests before that number have come.
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> next(std::uint32_t engine,
                                                               std::size_t number);
  void done(std::uint32_t engine);

 private:
  struct planned {
    std::size_t request;
    std::vector<std::uint64_t> blocks;
  };

  std::vector<std::deque<planned>> plans_;
  std::unordered_set<std::uint64_t> seen_;
  /// On which engine.
  std::unordered_map<std::uint64_t, std::uint32_t> places_;
  std::uint32_t turn_ = 0;
};

}  // namespace tandem::bench
