#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/weights.capnp.h"

namespace tandem {

/// RollOptions, as they are used.
struct roll_options {
  std::uint32_t max_unavailable = 1;
  std::uint32_t canaries = 0;
  std::uint64_t judge_ms = 30'000;
  std::uint32_t judge_requests = 50;
  std::uint64_t drain_ms = 60'000;
  std::uint64_t load_ms = 600'000;
  bool pause = false;
  bool force = false;
  std::string prompt;
  std::string expected;
};

struct roll_engine {
  std::string node;
  std::string name;
  std::string version;
  std::string before;
  std::string error;
  schema::EnginePhase phase = schema::EnginePhase::WAITING;
  bool canary = false;
  std::uint64_t began_ms = 0;
  std::uint64_t ended_ms = 0;

  bool operator==(const roll_engine&) const = default;
};

/// A WeightRoll while it is worked on: it is read once, changed in many places, and written.
struct roll_record {
  std::uint64_t id = 0;
  std::string model;
  std::string version;
  /// What was wanted before; empty: nothing.
  std::string before;
  std::uint64_t epoch = 0;
  std::string coordinator;
  std::uint64_t incarnation = 0;
  schema::RollPhase phase = schema::RollPhase::FETCHING;
  std::string reason;
  std::string verdict;
  roll_options options;
  std::vector<roll_engine> engines;
  std::uint64_t began_ms = 0;
  std::uint64_t ended_ms = 0;
  std::uint64_t judged_from_ms = 0;
  std::uint64_t sequence = 0;

  [[nodiscard]] bool is_over() const;
};

/// The roll that a write replaces; zeros: there was none.
struct roll_mark {
  std::uint64_t id = 0;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;

  bool operator==(const roll_mark&) const = default;
};
[[nodiscard]] inline roll_mark mark_of(const roll_record& roll) {
  return {roll.id, roll.epoch, roll.sequence};
}

/// What engines of a model are to serve; the highest epoch counts. Version empty: whatever they
/// have.
struct wanted_version {
  std::string version;
  std::uint64_t epoch = 0;

  bool operator==(const wanted_version&) const = default;
};

[[nodiscard]] roll_options read_options(schema::RollOptions::Reader from);
void write(const roll_options& from, schema::RollOptions::Builder to);
[[nodiscard]] roll_record read_roll(schema::WeightRoll::Reader from);
void write(const roll_record& from, schema::WeightRoll::Builder to);

/// `canary`, `rolling back`, ...
[[nodiscard]] const char* to_string(schema::RollPhase phase);
[[nodiscard]] const char* to_string(schema::EnginePhase phase);

}  // namespace tandem
