#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "schema/types.hpp"
#include "tests/bench/routing_bandit.hpp"

namespace tandem::bench {

/// Routers that learn together: each keeps its own statistics, and tells the others what it has
/// kept. In this order, so nobody ever knows a sequence that its origin could forget.
class fleet {
 public:
  fleet(std::size_t size, const bandit_config& config);

  [[nodiscard]] bandit& at(std::size_t place) { return *members_[place].router; }
  [[nodiscard]] std::size_t size() const { return members_.size(); }

  /// As once a second: what has changed is kept.
  void save(std::size_t place, std::uint64_t now_ms);
  /// What is kept goes to all that can be reached. A record is told again and again on purpose when
  /// `again`: that must change nothing.
  void share(std::uint64_t now_ms, bool again = false);
  /// Killed and started anew: it knows its own statistics as last kept, and asks for the others'.
  void restart(std::size_t place, std::uint64_t now_ms);
  void cut_off(std::size_t place) { cut_.insert(place); }
  void reconnect(std::size_t place) { cut_.erase(place); }

 private:
  using records = std::map<std::string, tmsg::armstat>;
  struct member {
    std::unique_ptr<bandit> router;
    /// On its disk.
    records kept;
    /// Of each other member: which sequence it has.
    std::map<std::pair<std::size_t, std::string>, std::uint64_t> known;
  };

  void tell(std::size_t from, std::size_t to, std::uint64_t now_ms, bool again);

  std::vector<member> members_;
  std::set<std::size_t> cut_;
};

}  // namespace tandem::bench
