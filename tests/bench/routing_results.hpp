#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/routing_plots.hpp"

namespace tandem::bench {

/// Of several seeds: mean and 95% interval of the mean (Student's t).
struct estimate {
  double mean = 0;
  double low = 0;
  double high = 0;
};

[[nodiscard]] estimate estimate_of(std::span<const double> values);

/// Of sums over seeds, one over the other; its interval by the delta method. A mean of the seeds'
/// own ratios would say more about the seeds in which the lower one was lucky.
[[nodiscard]] estimate ratio_of(std::span<const double> over, std::span<const double> under);

enum class bar_kind {
  at_most,
  at_least,
  /// `at_least`, and the whole interval above 0.
  clearly_above_zero,
  /// Shown, without a goal.
  shown,
};

/// One figure of the bench beside its goal.
struct bar {
  /// What is measured, in words.
  std::string what;
  /// Feedback, data, seeds.
  std::string regime;
  /// In the line of JSON.
  std::string figure;
  estimate measured;
  double goal = 0;
  bar_kind kind = bar_kind::at_most;

  [[nodiscard]] bool ok() const;
  /// At most 1 when met: how much of the room to the goal is used. Both are above 0, or it is 0.
  [[nodiscard]] double used() const;
};

struct plot_file {
  /// Below the documents' folder.
  std::string name;
  /// What it shows and under which regime, for the text beside it.
  std::string text;
  figure drawing;
};

/// What scenarios add to.
struct routing_results {
  std::vector<bar> bars;
  std::vector<plot_file> plots;
  /// What was left out, and why.
  std::vector<std::string> notes;
};

/// A table of all bars in Markdown.
[[nodiscard]] std::string to_table(const std::vector<bar>& bars);

/// What a bench with bars ends with: prints them, the notes and the line of JSON, into which `more`
/// puts figures without bars, and `ok` false where something was not measured. The program's exit
/// code.
[[nodiscard]] int finish(const std::string& bench, const routing_results& results,
                         std::chrono::steady_clock::time_point start,
                         const std::map<std::string, double>& more = {}, bool ok = true);

}  // namespace tandem::bench
