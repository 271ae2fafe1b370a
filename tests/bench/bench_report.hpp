#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::bench {

/// One goal of goals.json; exits when it is not there.
[[nodiscard]] double goal(std::string_view bench, std::string_view name);

/// `bench: why` on stderr, and exit code 2.
[[noreturn]] void give_up(const std::string& why);
/// The same of a file.
[[noreturn]] void give_up(const std::filesystem::path& file, const std::string& why);

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

}  // namespace tandem::bench
