#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "actors/semantic/hit_features.hpp"

namespace tandem {

/// A match whose comparison is under way.
struct pending_match {
  std::string tenant;
  std::string scope;
  std::uint64_t entry = 0;
  hit_features features;
  double chance = 1;
  bool served = false;
  std::int64_t at_ms = 0;
};

/// Matches that wait for a label, each taken at most once; bounded: the oldest goes, unlabelled.
class pending_labels {
 public:
  explicit pending_labels(std::size_t most) : most_{most} {}

  /// Its id, never 0 and never used again.
  std::uint64_t add(pending_match match);
  /// None: unknown, taken or gone.
  [[nodiscard]] std::optional<pending_match> take(std::uint64_t id);

  [[nodiscard]] std::size_t size() const noexcept { return matches_.size(); }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  std::size_t most_;
  std::unordered_map<std::uint64_t, pending_match> matches_;
  std::deque<std::uint64_t> order_;
  std::uint64_t next_ = 1;
  std::uint64_t dropped_ = 0;
};

}  // namespace tandem
