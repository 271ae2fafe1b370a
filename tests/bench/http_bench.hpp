#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/node_config.hpp"

namespace tandem::bench {

/// A stub engine as a process of its own; killed with this object. Exits when it does not start.
class stub_process {
 public:
  /// `arguments` as of tests/support/stub_engine_main.cpp.
  explicit stub_process(std::vector<std::string> arguments);
  ~stub_process();
  stub_process(const stub_process&) = delete;
  stub_process& operator=(const stub_process&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }
  /// User and system time so far.
  [[nodiscard]] double cpu_seconds() const;

 private:
  int pid_ = -1;
  int out_ = -1;
  std::string url_;
};

/// A node whose large and small model are the server at `url`, every limit out of the way. System
/// messages are `plan` and `act`.
[[nodiscard]] node_config http_engines(const std::filesystem::path& data, std::string_view url);

/// What the node asks for a step, word for word.
inline constexpr std::string_view step_body =
    R"({"model":"stub","messages":[{"role":"system","content":"act"},{"role":"user","content":"add 12 7"}],)"
    R"("max_tokens":64,"temperature":0,"stream":true,"stream_options":{"include_usage":true}})";

struct bare_calls {
  /// Of each call alone.
  std::vector<double> times;
  double calls_per_s = 0;
  double cpu_s_per_call = 0;
};

/// Calls by libcurl alone, whose answers are thrown away: one after the other, or `at_once` kept
/// going by its multi interface. Exits when one fails.
[[nodiscard]] bare_calls call_bare(const std::string& url, int calls, int at_once = 1);

/// Chat requests under way, as a stub of kind `vllm` says; -1: it does not answer.
[[nodiscard]] double server_load(const std::string& url);

/// Of this process.
[[nodiscard]] double resident_mb();

}  // namespace tandem::bench
