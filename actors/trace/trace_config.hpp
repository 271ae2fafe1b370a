#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tandem {

/// `[traces]` in the config file.
struct trace_config {
  /// Where spans go: OTLP over HTTP with JSON, `http://localhost:4318` (`/v1/traces` is added).
  /// Empty: nowhere.
  std::string otlp;
  /// `Name: value`, with every request to it.
  std::vector<std::string> headers;
  /// Of jobs and calls whose client says nothing (no traceparent), 0 to 1.
  double share = 1;
  /// Spans that wait; more are dropped, and counted.
  std::uint32_t queue_max = 8192;
  std::uint32_t batch_max = 512;
  std::chrono::milliseconds interval{std::chrono::seconds{1}};
  /// Texts of prompts and answers are written into spans and logs.
  bool texts = false;
};

}  // namespace tandem
