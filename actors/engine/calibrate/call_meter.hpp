#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/errc.hpp"

namespace tandem {

struct planned_call {
  /// After the round's beginning.
  double at_us = 0;
  std::string prompt;
  /// As many as it is to write.
  std::uint32_t tokens = 0;
};

/// What became of one: times are since the round's beginning, tokens as the server says.
struct measured_call {
  errc code = errc::unknown;
  std::string error;
  double at_us = 0;
  double first_us = 0;
  double end_us = 0;
  double prompt_tokens = 0;
  double cached_tokens = 0;
  double written_tokens = 0;
};

/// Calls that had the engine for themselves: it was idle before the first and after the last.
using measured_round = std::vector<measured_call>;

/// Sends calls to an engine and looks at the clock.
class call_meter {
 public:
  call_meter() = default;
  call_meter(const call_meter&) = delete;
  call_meter& operator=(const call_meter&) = delete;
  virtual ~call_meter() = default;

  /// One for each planned call, in their order. What does not end in time is `deadline_exceeded`.
  [[nodiscard]] virtual measured_round measure(const std::vector<planned_call>& calls) = 0;
  /// Since any moment.
  [[nodiscard]] virtual double seconds() = 0;
};

}  // namespace tandem
