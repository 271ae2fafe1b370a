#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/semantic/semantic_plans.hpp"
#include "tests/bench/semantic_data.hpp"
#include "tests/bench/semantic_edits.hpp"

namespace tandem::bench {

/// One order of a set of questions, half of them to calibrate, half to measure.
struct stream_setup {
  std::vector<reworded> questions;
  /// Of the questions, those whose original is stored; the others' rewordings find nothing right.
  double cached_share = .8;
  /// To each rewording so many edited ones, that no stored plan answers.
  double edited_per_rewording = 0;
  std::vector<edit> edits;
  /// A label comes after so many more questions, evenly drawn.
  std::size_t label_delay_min = 10;
  std::size_t label_delay_max = 100;
  semantic_config cache;
};

struct stream_counts {
  std::size_t cached_asked = 0;
  std::size_t cached_hit = 0;
  std::size_t uncached_asked = 0;
  std::size_t edited_asked = 0;
  std::size_t hits = 0;
  std::size_t hits_wrong = 0;
  std::size_t wrong_by_edit = 0;
};

struct stream_result {
  stream_counts calibration;
  stream_counts measured;
  /// Over the whole stream: hits of the last 100 rewordings with a stored original, and the
  /// labels known, each time a rewording was asked.
  std::vector<double> hit_rate;
  std::vector<double> labels;
  /// Of the measured half, by which guard a rewording with a stored original was refused.
  std::array<std::size_t, 9> refused{};
};

[[nodiscard]] stream_result run_stream(const stream_setup& setup, std::uint64_t seed);

}  // namespace tandem::bench
