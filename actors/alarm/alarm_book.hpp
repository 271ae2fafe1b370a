#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "schema/topology.capnp.h"

namespace tandem {

/// Something that a person should know of, as long as it lasts. `name` and `subject` name it.
struct alarm {
  /// EngineDown, NodeGone, ...: the names of config/prometheus/alerts.yml.
  std::string name;
  /// Which engine, node, model; empty: the node itself.
  std::string subject;
  schema::AlarmSeverity severity = schema::AlarmSeverity::WARNING;
  /// What is wrong, and what to do.
  std::string text;
  /// Unix time.
  std::uint64_t since_ms = 0;
};

struct ended_alarm {
  alarm what;
  std::uint64_t until_ms = 0;
};

/// The alarms of a node, for all who show them. Thread-safe and bounded: `active_max` that last and
/// the newest `ended_max` that are over.
class alarm_book {
 public:
  static constexpr std::size_t active_max = 64;
  static constexpr std::size_t ended_max = 64;

  /// Those that last now, the gravest first.
  void set(std::vector<alarm> active, const std::vector<ended_alarm>& ended);
  [[nodiscard]] std::vector<alarm> active() const;
  /// The newest first.
  [[nodiscard]] std::vector<ended_alarm> ended() const;

 private:
  mutable std::mutex mutex_;
  std::vector<alarm> active_;
  std::deque<ended_alarm> ended_;
};

/// Alarms as messages carry them.
void write_alarms(schema::NodeStatus::Builder out, const std::vector<alarm>& alarms);

[[nodiscard]] std::string_view name_of(schema::AlarmSeverity severity);

}  // namespace tandem
