#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <caf/expected.hpp>

#include "nodes/simulate/work.hpp"

namespace tandem::simulation {

/// Arrivals that are drawn: `--load "KIND,key=value,..."`.
struct load_spec {
  /// `poisson`: independent arrivals; `bursty`: their gaps are gamma-distributed with the
  /// coefficient of variation `cv`; `diurnal`: Poisson, whose rate goes up and down by `swing` over
  /// `day_s` (thinning; Lewis and Shedler 1979).
  enum class shape : std::uint8_t { poisson, bursty, diurnal };
  shape arrivals = shape::poisson;
  /// Items a second, on average.
  double rate = 10;
  /// Items in all.
  std::uint64_t requests = 10'000;
  double cv = 4;
  double swing = 0.8;
  double day_s = 86'400;
  /// Tokens of a call, on average; each is drawn around it (log-normal, sigma `spread`).
  double in = 218;
  double out = 200;
  double spread = 0.6;
  /// Prompts begin with one of so many prefixes, drawn by Zipf's law (exponent 1.1), which are
  /// `shared` of the mean prompt; 0: none.
  std::uint32_t prefixes = 0;
  double shared = 0.5;
  /// Of the items: so many repeat one of the latest 1,000 word by word.
  double repeats = 0;
  /// Difficulties are drawn evenly from 0 to 1; so many answers are verified.
  double verified = 0;
  /// Sorts of calls and of steps, each with its own part of the difficulties: what can be learned.
  /// 1: nothing tells hard ones from easy ones.
  std::uint32_t kinds = 1;
  /// Share of items that are jobs, of plans with so many steps, the steps in layers of `width`.
  double jobs = 0;
  std::uint32_t steps = 8;
  std::uint32_t width = 4;
  double step_in = 64;
  double step_out = 25;
  /// Difficulties of steps: from 0 to this.
  double step_difficulty = 1;
  std::uint32_t tenants = 1;
};

/// `invalid_argument` names the key, what it takes, and the nearest known one.
[[nodiscard]] caf::expected<load_spec> parse_load(std::string_view text);

/// The same seed gives the same items on every machine.
[[nodiscard]] std::unique_ptr<work_source> generate_load(const load_spec& spec, std::uint64_t seed);

}  // namespace tandem::simulation
