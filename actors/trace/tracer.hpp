#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <caf/expected.hpp>

#include "actors/http/http_loop.hpp"
#include "actors/trace/otlp_json.hpp"
#include "actors/trace/span.hpp"
#include "actors/trace/trace_config.hpp"

namespace tandem {

/// Records spans and sends them to a collector (OTLP over HTTP, JSON), from the node's event loop.
/// Thread-safe; nothing waits for the network. Who has none (a null pointer) traces nothing, and
/// passes on what it was given.
///
/// How a call is traced: `auto self = tracer->begin(parent)` when it starts, where `parent` is what
/// came with it (parse_traceparent() of a request, Submit.trace, Attempt.trace; unset where nothing
/// came); `self` goes on as the parent of what it causes (in Submit.trace, in a header by
/// format_traceparent()); at its end `tracer->record({.self = self, .parent = parent.span, ...})`,
/// for which it is enough to ask `self.sampled` first.
class tracer {
 public:
  struct counts {
    std::uint64_t recorded = 0;
    std::uint64_t exported = 0;
    /// The queue was full.
    std::uint64_t dropped = 0;
    /// The collector would not have them, or did not answer however often it was asked.
    std::uint64_t failed = 0;
    std::uint64_t waiting = 0;
    /// Of the last export that failed.
    std::string last_error;
  };
  struct options {
    /// After the first failure; then twice as long each time.
    std::chrono::milliseconds retry_first{std::chrono::seconds{1}};
    std::uint32_t tries_max = 5;
    std::chrono::milliseconds timeout{std::chrono::seconds{10}};
  };

  /// Null where `config.otlp` is empty.
  [[nodiscard]] static std::shared_ptr<tracer> make(const trace_config& config,
                                                    const trace_identity& who,
                                                    const std::shared_ptr<http_loop>& loop,
                                                    const options& how);
  [[nodiscard]] static std::shared_ptr<tracer> make(const trace_config& config,
                                                    const trace_identity& who,
                                                    const std::shared_ptr<http_loop>& loop) {
    return make(config, who, loop, options{});
  }
  tracer(const tracer&) = delete;
  tracer& operator=(const tracer&) = delete;
  /// What waits is dropped; see flush().
  ~tracer();

  /// A span below `parent`, or the root of a new trace where it is unset: then `share` decides
  /// whether it is sampled; otherwise the parent has decided.
  [[nodiscard]] trace_context begin(const trace_context& parent = {}) const;

  /// Nothing happens where it is not sampled.
  void record(span done);

  /// Whether texts of prompts and answers may be recorded.
  [[nodiscard]] bool texts() const { return texts_; }
  /// Adds `text`, cut to 8 KB, where texts may be recorded.
  void add_text(span& to, std::string_view key, std::string_view text) const;

  [[nodiscard]] counts count() const;
  /// Sends what waits, now; true once all is sent or given up, false after `patience`. Not on the
  /// loop's thread.
  bool flush(std::chrono::milliseconds patience);

 private:
  class exporter;
  tracer(const trace_config& config, std::shared_ptr<exporter> out);

  std::shared_ptr<exporter> exporter_;
  double share_;
  bool texts_;
};

}  // namespace tandem
