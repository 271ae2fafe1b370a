#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <caf/error.hpp>

#include "schema/attempt.capnp.h"
#include "schema/errc.hpp"

namespace tandem {

/// What an engine's server is asked: prompts are complete, templates applied.
struct generation_request {
  struct turn {
    schema::Role role = schema::Role::UNKNOWN;
    std::string content;
  };
  /// The engine actor's own number; unique among those not yet done.
  std::uint64_t id = 0;
  schema::Purpose purpose = schema::Purpose::UNKNOWN;
  std::vector<turn> messages;
  std::uint32_t max_tokens = 0;
  /// 0: greedy.
  float temperature = 0;
  std::uint32_t top_k = 0;
  float top_p = 1;
  std::uint64_t seed = 0;
};

/// How a generation ended.
struct generation {
  /// `unknown`: well.
  errc code = errc::unknown;
  std::string error;
  schema::Finish finish = schema::Finish::UNKNOWN;
  /// The whole output.
  std::string text;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t cached_prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  /// Of the weights that made it; empty: the engine's present one.
  std::string weight_version;
};

/// The backend will report through its sink.
struct generation_pending {};

/// What a call into a backend came to: the end, a time after which to call resume(), or a later
/// report.
using progress = std::variant<generation, std::chrono::microseconds, generation_pending>;

struct backend_status {
  std::string weight_version;
  std::uint32_t context_tokens = 0;
  /// Its output is made up, and says so.
  bool simulated = false;
};

/// Where a backend with threads of its own reports; callable from any thread.
struct backend_sink {
  std::function<void(std::uint64_t id, std::string text)> on_text;
  std::function<void(std::uint64_t id, generation result)> on_done;
};

/// The inference server behind an engine actor: embedded, sim, and later http. One thread calls it.
class backend {
 public:
  backend() = default;
  backend(const backend&) = delete;
  backend& operator=(const backend&) = delete;
  virtual ~backend() = default;

  [[nodiscard]] virtual progress start(generation_request request) = 0;
  /// After the time that start() or resume() asked for.
  [[nodiscard]] virtual progress resume(std::uint64_t id);
  /// Ends it soon; its result still comes, as `cancelled`. The result at once where the backend can
  /// say it.
  virtual progress cancel(std::uint64_t id) = 0;
  [[nodiscard]] virtual backend_status status() const = 0;
};

}  // namespace tandem
