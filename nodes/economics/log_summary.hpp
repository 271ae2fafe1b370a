#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "nodes/economics/call_record.hpp"

namespace tandem {

/// What the calls of one model add up to.
struct model_traffic {
  std::string model;
  std::uint64_t calls = 0;
  std::uint64_t with_usd = 0;
  double input_tokens = 0;
  double output_tokens = 0;
  double cached_tokens = 0;
  double usd = 0;
  double first_s = 0;
  double last_s = 0;
  std::uint64_t with_time = 0;
  /// Calls of the busiest minute; 0: not known.
  std::uint64_t busiest_minute = 0;

  [[nodiscard]] double span_s() const { return last_s - first_s; }
  /// Calls a second from the first to the last; nothing where the log covers less than a minute.
  [[nodiscard]] std::optional<double> qps() const;
  /// The busiest minute's rate over the mean; nothing without enough minutes.
  [[nodiscard]] std::optional<double> peak() const;
  [[nodiscard]] double mean_input() const { return input_tokens / static_cast<double>(calls); }
  [[nodiscard]] double mean_output() const { return output_tokens / static_cast<double>(calls); }
  /// A call, of those that say it; nothing where less than half do.
  [[nodiscard]] std::optional<double> mean_usd() const;
};

/// Adds calls up in bounded memory: at most 64 models by name and a million minutes.
class log_summary {
 public:
  static constexpr std::size_t models_max = 64;
  static constexpr std::size_t minutes_max = 1'000'000;

  void add(const call_record& call);

  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }
  /// The dearest first; without prices the one with the most tokens.
  [[nodiscard]] std::vector<model_traffic> models() const;

 private:
  struct counted {
    model_traffic traffic;
    std::unordered_map<std::int64_t, std::uint32_t> minutes;
  };
  void add_time(counted& of, double time_s);

  std::map<std::string, counted, std::less<>> models_;
  std::size_t minutes_ = 0;
  bool has_lost_minutes_ = false;
  std::uint64_t calls_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace tandem
