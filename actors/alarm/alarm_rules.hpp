#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/alarm/alarm_book.hpp"
#include "actors/alarm/alarm_config.hpp"
#include "actors/alarm/engine_flaps.hpp"
#include "actors/alarm/growth_window.hpp"
#include "schema/types.hpp"

namespace tandem {

/// What one look at the node finds. What is empty is not known: alarms about it stay as they are.
struct alarm_view {
  /// Unix time.
  std::uint64_t now_ms = 0;
  /// The node itself first.
  tmsg::topo topology;
  /// Of this node alone.
  tmsg::cachrpt cache;
  /// Of `list` or `status`.
  tmsg::wtrep weights;
  /// Sums since the node's start.
  node_sums sums;
  /// Unix time; 0: not known.
  std::uint64_t certificate_ends_at_ms = 0;
  std::uint64_t disk_free_bytes = 0;
  /// 0: not known.
  std::uint64_t disk_size_bytes = 0;
};

/// Something that is wrong now.
struct alarm_finding {
  alarm what;
  /// False: not bad enough to begin an alarm, too bad to end one.
  bool raises = true;
  /// It has to last as long before the alarm begins, and be away as long before it ends.
  std::uint64_t hold_ms = 0;
  std::uint64_t rest_ms = 0;
};

struct alarm_changes {
  std::vector<alarm> begun;
  std::vector<ended_alarm> ended;
};

/// Says which alarms begin and end, from looks at the node, one after the other. No clock: time is
/// in the view. Bounded by what the views name, and by alarm_book::active_max.
class alarm_rules {
 public:
  explicit alarm_rules(const alarm_config& config) : config_{config} {}

  [[nodiscard]] alarm_changes look(const alarm_view& view);
  /// Those that last.
  [[nodiscard]] std::vector<alarm> active() const;

 private:
  struct track {
    alarm what;
    std::uint64_t rest_ms = 0;
    bool active = false;
    std::uint64_t bad_since_ms = 0;
    /// 0: it is bad.
    std::uint64_t good_since_ms = 0;
    bool seen = false;
  };
  using key = std::pair<std::string, std::string>;
  using findings = std::vector<alarm_finding>;

  // alarm_findings.cpp: one rule each.
  void find_nodes(const alarm_view& view, findings& out) const;
  void find_engines(const alarm_view& view, findings& out);
  void find_mailboxes(const alarm_view& view, findings& out) const;
  void find_errors(findings& out) const;
  void find_cost(findings& out) const;
  void find_mixed_weights(const alarm_view& view, findings& out) const;
  void find_failed_updates(const alarm_view& view, findings& out) const;
  void find_cache_harm(const alarm_view& view, findings& out) const;
  void find_certificate(const alarm_view& view, findings& out) const;
  void find_disk(const alarm_view& view, findings& out) const;

  void take(const alarm_finding& found, std::uint64_t now_ms, alarm_changes& changes);
  void rest(std::uint64_t now_ms, const alarm_view& view, alarm_changes& changes);
  [[nodiscard]] std::size_t active_count() const;

  alarm_config config_;
  std::map<key, track> tracks_;
  growth_window growth_;
  engine_flaps flaps_;
};

}  // namespace tandem
