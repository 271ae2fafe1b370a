#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <caf/error.hpp>

#include "actors/router/learning/feature_vector.hpp"
#include "schema/common.capnp.h"

namespace tandem {

/// Of the lines that `tandem route export` writes. Whoever changes what a field means raises it.
inline constexpr std::uint32_t decision_log_version = 1;

struct logged_arm {
  std::string model;
  std::string tier;
  /// Of this call there, over what the large tier would cost.
  double cost = 0;
  std::int64_t cost_nanousd = 0;
  std::uint64_t latency_us = 0;
  /// As predicted when the decision was made; deviation 0: nothing was predicted.
  double quality = 0;
  double deviation = 0;
  double propensity = 0;
};

struct logged_decision {
  std::uint64_t id = 0;
  std::uint64_t at_ms = 0;
  schema::Purpose purpose = schema::Purpose::UNKNOWN;
  std::string kind;
  std::string tenant;
  std::string policy;
  /// Those that could be chosen, at least one; their propensities sum to 1.
  std::vector<logged_arm> arms;
  /// Into `arms`; its propensity is above 0.
  std::uint32_t chosen = 0;
  std::uint32_t tries = 0;
  std::uint32_t feature_version = 0;
  std::vector<float> dense;
  std::vector<sparse_feature> sparse;
  /// The reward, in [0, 1]; nothing: none came.
  std::optional<double> quality;
  /// Paid; nothing: not known.
  std::optional<std::int64_t> cost_nanousd;
  double cost_price = 0;
  double latency_price = 0;
};

/// Reads exported decisions, one JSON object a line:
///   {"v":1,"id":"77","at_ms":1789000000000,"purpose":"step","kind":"extract","tenant":"acme",
///    "policy":"auto","arms":[{"model":"mini","tier":"small","cost":0.01,"cost_nanousd":240,
///    "latency_us":90000,"quality":0.71,"deviation":0.1,"propensity":0.9},…],"chosen":0,"tries":0,
///    "features":{"version":1,"dense":[1,0.2],"sparse":[[17,0.5]]},"cost_price":0.2,
///    "latency_price":0,"quality":1,"cost_nanousd":251}
/// Required: v, id, purpose, arms with model and propensity, chosen. `id`: a string or a number.
/// Without `quality` (or null): no reward came. An arm with a `filter` could not be chosen and is
/// left out. Fields that are not known are ignored. An id that comes twice counts once, as it came
/// last. Input may be hostile: all of it is bounded and checked.
class decision_log_reader {
 public:
  static constexpr std::size_t decisions_max = 250'000;
  static constexpr std::size_t line_bytes_max = 1 << 20;
  static constexpr std::size_t arms_max = 256;
  static constexpr std::size_t name_bytes_max = 512;

  /// `name`: of the log, for errors.
  explicit decision_log_reader(std::string name);
  decision_log_reader(const decision_log_reader&) = delete;
  decision_log_reader& operator=(const decision_log_reader&) = delete;
  ~decision_log_reader();

  /// The next line, without its end; empty ones are passed over. `invalid_argument`: names the
  /// line, the field, what is wrong and how to mend it; nothing of the line is kept.
  [[nodiscard]] caf::error add(std::string_view line);
  /// Lines so far.
  [[nodiscard]] std::size_t lines() const { return lines_; }
  /// Those that replaced an earlier one of the same id.
  [[nodiscard]] std::size_t repeated() const { return repeated_; }
  /// In the order of their first lines. Leaves the reader empty.
  [[nodiscard]] std::vector<logged_decision> take();

 private:
  struct parser;
  std::string name_;
  std::unique_ptr<parser> parser_;
  std::vector<logged_decision> decisions_;
  std::unordered_map<std::uint64_t, std::size_t> places_;
  std::size_t lines_ = 0;
  std::size_t repeated_ = 0;
};

/// `step`; `unknown` for values that are not known.
[[nodiscard]] std::string_view purpose_name(schema::Purpose purpose);
[[nodiscard]] std::optional<schema::Purpose> purpose_named(std::string_view name);

}  // namespace tandem
