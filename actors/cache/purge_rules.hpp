#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "schema/cache_item.hpp"

namespace tandem {

/// An answer as purge rules see it.
struct purge_subject {
  std::string_view tier;
  std::string_view tenant;
  std::string_view model;
  std::string_view weight_version;
  std::uint64_t created_ms = 0;
};

/// Purges without a scan: what a rule matches and was created at or before it counts as gone, for
/// whoever asks first. Bounded: beyond the bound the two oldest rules become one that covers both,
/// so that more is purged than was asked for, never less. Times are Unix milliseconds.
class purge_rules {
 public:
  /// `ttl_ms_max`: no answer is kept longer, so a rule older than that matches nothing.
  /// `rules_max`: at least 1.
  explicit purge_rules(std::uint64_t ttl_ms_max, std::size_t rules_max = 256);

  /// Adds one, and drops those that are too old at `now_ms`. One from further in the future than
  /// clocks differ (clock_slack_ms) is taken as one of that time, so that a clock that was wrong
  /// does not purge for ever. One that another covers is left
  /// out.
  void add(purge_rule rule, std::uint64_t now_ms);
  [[nodiscard]] bool is_gone(const purge_subject& of) const;
  /// The rule by which it is gone, for people; nothing when it is not.
  [[nodiscard]] const purge_rule* reason(const purge_subject& of) const;

  /// Oldest first; what is to be written down, and told to others.
  [[nodiscard]] const std::vector<purge_rule>& rules() const { return rules_; }

 private:
  std::uint64_t ttl_ms_max_;
  std::size_t rules_max_;
  std::vector<purge_rule> rules_;
};

}  // namespace tandem
