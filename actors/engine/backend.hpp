#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <caf/error.hpp>

#include "actors/trace/trace_context.hpp"
#include "schema/attempt.capnp.h"
#include "schema/engine.capnp.h"
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
  /// 0: greedy. Not a number: as the server likes.
  float temperature = 0;
  std::uint32_t top_k = 0;
  float top_p = 1;
  std::uint64_t seed = 0;
  /// JSON schema that the output must fit; empty: none. Servers that can constrain it do.
  std::string response_schema;
  /// Somebody reads along. If not, a backend may keep the text until its end, and says in the
  /// result when it began: a message for each token costs more than most of what is done about a
  /// call.
  bool stream = true;
  /// It writes all of max_tokens, whatever it says, where the server can be told so: for measuring.
  bool ignore_end = false;
  /// A client's own request: the server gets it as it is, but for the model's name. Then on_text
  /// tells the data of one event at a time, and an answer that is not streamed is in
  /// generation::body. Only backends of servers get one.
  std::string client_body;
  schema::ClientPath client_path = schema::ClientPath::UNKNOWN;
  /// It names no bound of its own: `max_tokens` is written into it.
  bool open_ended = false;
  /// How many answers it asks for; each may have `max_tokens`.
  std::uint32_t completions = 1;
  /// What is sent to a server is part of this span.
  trace_context trace = {};
};

/// How a generation ended.
struct generation {
  /// `unknown`: well.
  errc code = errc::unknown;
  std::string error;
  schema::Finish finish = schema::Finish::UNKNOWN;
  /// The whole output.
  std::string text;
  /// Of a client's own request that was not streamed: the server's answer, a JSON object.
  std::string body;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t cached_prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  /// Of the weights that made it; empty: the engine's present one.
  std::string weight_version;
  /// With `overloaded` or `unavailable`: how long the server asks us to wait; 0: not said.
  std::chrono::milliseconds retry_after{0};
  /// With `engine_failed`: nothing was sent, the server could not be connected to.
  bool is_unreached = false;
  /// When its first text came, if on_text did not tell it; epoch: not said.
  std::chrono::steady_clock::time_point first_text;
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
  /// Whether requests may be sent, as the backend's own probes say.
  schema::Health health = schema::Health::HEALTHY;
  /// Why, when it is not healthy.
  std::string reason;
  std::string url;
  /// What answers there: `llama.cpp b1234`, `SGLang 0.5.2`.
  std::string server;
  /// As the server last said; ours and others' requests.
  std::uint32_t server_running = 0;
  std::uint32_t server_waiting = 0;
  /// Of the KV cache, 0 to 1; negative: not known.
  float cache_usage = -1;
  /// Unix time of the load figures; 0: none.
  std::uint64_t load_at_ms = 0;
  /// Of a server that the node started; 0: none.
  std::uint32_t process_id = 0;
  std::uint32_t process_restarts = 0;
};

/// One thing that was tried for `tandem engine probe`.
struct engine_check {
  std::string what;
  bool ok = false;
  std::string detail;
  std::chrono::microseconds took{0};
};

/// One thing that a backend does on the way to other weights.
enum class weight_step {
  /// Stops its requests where they are, so that nothing is waited for; only with `can_pause`.
  pause,
  /// Loads the weights; what still runs must not be mixed with them.
  load,
  /// Drops every prefix that the old weights made. Nothing to do is a success.
  flush,
  /// Asks the server which weights it has: the answer's `version`, and a checksum in `detail` where
  /// it offers one.
  check,
  /// Undoes `pause`. Nothing to undo is a success.
  resume,
};

struct weight_target {
  std::string version;
  /// The GGUF file, or the folder of a version of several files. Empty: what the server finds by
  /// itself.
  std::filesystem::path path;
  /// For `load`; the step ends by then.
  std::chrono::milliseconds timeout{std::chrono::minutes{10}};
};

struct weight_outcome {
  /// `unknown`: well. `invalid_argument`: the server cannot do this; the text says what can be
  /// done about it.
  errc code = errc::unknown;
  std::string error;
  /// Of what it has now, as the server says; empty: it does not say.
  std::string version;
  std::string detail;
  /// Of a backend without a clock: the step ends so much later than it is told.
  std::chrono::microseconds takes{0};
};

struct weight_abilities {
  /// Why its weights cannot be changed while it runs; empty: they can.
  std::string fixed;
  bool can_pause = false;
  /// Whether what has begun goes on with the old weights after `load` (then nothing has to be
  /// drained).
  bool swaps_in_place = false;
  /// The server itself says its version; else what we loaded is believed until it starts anew.
  bool says_version = false;
};

/// Where a backend with threads of its own reports; callable from any thread.
struct backend_sink {
  std::function<void(std::uint64_t id, std::string text)> on_text;
  std::function<void(std::uint64_t id, generation result)> on_done;
  /// status() has changed in a way that somebody decides by (health, version, process).
  std::function<void()> on_status;
};

/// The inference server behind an engine actor. One thread calls it. on_text and on_done of one id
/// come in order; nothing comes after on_done. Destroying a backend ends what is under way without
/// a report, and waits until no sink call is running.
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
  /// Asks the server everything that can be asked, once; `done` is called from any thread, once.
  /// By default there is nothing to ask.
  virtual void probe(std::function<void(std::vector<engine_check>)> done);
  [[nodiscard]] virtual weight_abilities abilities() const;
  /// One step of a change of weights; one at a time. `done` is called from any thread, once, also
  /// when the backend ends first. By default `invalid_argument`.
  virtual void change_weights(weight_step step, const weight_target& target,
                              std::function<void(weight_outcome)> done);
};

}  // namespace tandem
