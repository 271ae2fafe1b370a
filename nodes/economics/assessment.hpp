#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodes/economics/claims.hpp"
#include "nodes/economics/scenario.hpp"
#include "nodes/economics/uncertainty.hpp"

namespace tandem {

enum class figure_unit : unsigned char { usd, usd_year, share, months, ms, per_second, count };

/// One output with its tag: every output is derived, and as good as the worst of what it is
/// computed from.
struct assessed_number {
  /// For scripts: never changed.
  std::string_view name;
  std::string_view title;
  figure_unit unit = figure_unit::usd;
  /// Nothing: it does not exist (no break-even, never paid back).
  std::optional<double> value;
  /// Where an input has a range; infinite where it does not exist in so many of the draws.
  std::optional<spread> range;
  number_kind worst = number_kind::assumed;
  /// Derived from the worst; false: taken over, so that `worst` is its own tag.
  bool is_derived = true;
};

/// An input whose range moves the outcome, by its net present value.
struct deciding_input {
  std::string name;
  std::string measure;
  double value = 0;
  double low = 0;
  double high = 0;
  number_kind kind = number_kind::assumed;
  double worth_at_low = 0;
  double worth_at_high = 0;
  /// Where the outcome changes its sign between low and high.
  std::optional<double> turning;
};

enum class verdict_kind : unsigned char { recommended, careful, not_recommended, refused };
[[nodiscard]] std::string_view to_string(verdict_kind kind);

struct assess_verdict {
  verdict_kind kind = verdict_kind::refused;
  /// For scripts: never changed.
  std::string_view reason;
  /// The reason with the number that decided.
  std::string text;
  /// More reasons for care.
  std::vector<std::string> also;
};

struct assessment {
  assess_verdict outcome;
  std::vector<assessed_number> estimates;
  /// The most important first.
  std::vector<deciding_input> deciding;
  std::vector<finding> findings;
  /// Share of draws in which the money is lost.
  double loss_chance = 0;

  [[nodiscard]] bool is_refused() const { return outcome.kind == verdict_kind::refused; }
  /// Precondition: there is one of that name.
  [[nodiscard]] const assessed_number& get(std::string_view name) const;
};

struct assess_options {
  std::size_t draws = 2000;
  std::uint64_t seed = 1;
};

/// The whole: contradictions first, and nothing else where there are any; then every output at the
/// inputs' values, with p10 to p90 of `draws` random draws from their ranges; then the verdict. The
/// same inputs and seed give the same result.
[[nodiscard]] assessment assess(const assess_inputs& inputs, std::span<const claim> claims,
                                const assess_options& options = {});

}  // namespace tandem
