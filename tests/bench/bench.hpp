#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include <caf/expected.hpp>

#include "config/node_config.hpp"
#include "nodes/node/node.hpp"
#include "tests/bench/bench_report.hpp"
#include "tests/bench/temp_folder.hpp"

namespace tandem::bench {

/// A node's configuration with one simulated engine per tier that answers at once, every limit out
/// of the way.
[[nodiscard]] node_config instant_sim(const std::filesystem::path& data, std::uint32_t plan_steps);

/// Starts it without a network; exits with the reason when it does not start.
[[nodiscard]] std::unique_ptr<node> start_node(const node_config& config);

/// A submission of one user message.
[[nodiscard]] tmsg::submit make_submit(std::string_view goal);

enum class sync_limit {
  /// To the end of a growing file, as a log without recycled files must.
  append,
  /// Of what is there already: data alone, no metadata.
  overwrite,
};

/// What one small write and its fdatasync take on this disk: median of some hundred, in seconds.
[[nodiscard]] double fdatasync_seconds(const std::filesystem::path& folder, sync_limit kind);

}  // namespace tandem::bench
