#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "config/node_config.hpp"
#include "nodes/node/node.hpp"

namespace tandem::bench {

/// A folder that is gone when the bench is; on the disk that the checkout lies on, since a memory
/// disk syncs for nothing.
class temp_folder {
 public:
  explicit temp_folder(std::string_view name);
  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;
  ~temp_folder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// One goal of goals.json; exits when it is not there.
[[nodiscard]] double goal(std::string_view bench, std::string_view name);

/// The result of a run, printed as one line of JSON at its end.
struct report {
  std::string bench;
  std::map<std::string, double> figures;
  /// The figure over the limit or peer measured in the same run.
  double ratio = 0;
  double goal = 0;
  bool ok = false;
};

/// Prints the line; returns the program's exit code.
[[nodiscard]] int finish(const report& result);

[[nodiscard]] double seconds_since(std::chrono::steady_clock::time_point start);
/// User and system time of this process so far.
[[nodiscard]] double cpu_seconds();
[[nodiscard]] double percentile(std::vector<double> values, double share);

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
