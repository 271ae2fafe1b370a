#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

/// Prompt templates and prices of one model: `[[model]]` in the config file. In templates
/// `{{goal}}`,
/// `{{error}}`, `{{finished}}` and `{{steps_max}}` are replaced.
struct model_config {
  std::string name;
  /// The role: `large`, `small`, or any other name.
  std::string tier;
  /// US dollars per million tokens.
  double input_price = 0;
  double output_price = 0;
  /// It makes vectors of texts, and nothing else.
  bool embeds = false;
  /// System and user message of a plan request, of a step, and of a whole answer without a plan.
  std::string plan_system;
  std::string plan_prompt = "{{goal}}";
  /// User message of a plan request after a failed plan.
  std::string replan_prompt = "{{goal}}";
  std::string step_system;
  std::string answer_system;
  std::string compose_system;
};

/// How a simulated engine behaves: `[engine.sim]`, as `tandem calibrate` writes it. Time per call =
/// prompt tokens to read / prefill_rate + first_token + tokens to write × time per token; with a
/// prefill_chunk by steps of a batch, see sim/batch_steps.hpp. `replay` takes its times from here
/// too.
struct sim_config {
  std::uint64_t seed = 1;
  std::chrono::microseconds first_token{0};
  std::chrono::microseconds per_token{0};
  /// Share of calls that fail with `engine_failed`, 0 to 1.
  double error_rate = 0;
  /// Independent steps in the plans that it makes.
  std::uint32_t plan_steps = 8;
  /// Durations named by a prompt's `@sim {"ms":...}` are multiplied by this.
  double time_scale = 1;
  /// Prompt tokens read a second, shared by all requests that are being read; 0: at once.
  double prefill_rate = 0;
  /// Each further request at work adds this to the time per token.
  std::chrono::microseconds per_token_batch{0};
  /// Prompt tokens read in one step, which gives all that write one token: reading delays them.
  /// 0: reading and writing do not know of each other.
  std::uint32_t prefill_chunk = 0;
  /// With a prefill_chunk: each 1,000 tokens of its context make a token that a call writes, and
  /// one that it reads, so much slower.
  std::chrono::microseconds per_token_context{0};
  std::chrono::microseconds prefill_context{0};
  /// Calls computed at once; more wait within the engine. 0: as many as come.
  std::uint32_t slots = 0;
  /// How often text is streamed.
  std::chrono::microseconds slice{std::chrono::milliseconds{10}};
  /// Blocks of the prefix cache, the least recently used leave first; 0: no cache.
  std::uint32_t cache_blocks = 0;
  /// Tokens in one block; only whole blocks hit.
  std::uint32_t cache_block_tokens = 16;
  /// Longer prompts are refused.
  std::uint32_t context_tokens = 131'072;
  /// A prompt is answered right when its difficulty (0 to 1, as `@sim {"difficulty":...}` says,
  /// else by its hash, evenly spread) is not above this. Plans are not touched. 0 to 1.
  double quality = 1;
  /// Shares of calls, 0 to 1: refused with `overloaded` and retry_after (429), with `unavailable`
  /// and retry_after (503), never answered, broken off in mid-stream with `engine_failed`, slowed
  /// by slow_factor, answered wrong.
  double overload_rate = 0;
  double unavailable_rate = 0;
  double stall_rate = 0;
  double cut_rate = 0;
  double slow_rate = 0;
  double wrong_rate = 0;
  /// Of a slow call: its times are multiplied by this.
  double slow_factor = 10;
  /// Reported token counts are the true ones multiplied by this: other than 1 is a lie.
  double usage_factor = 1;
  std::chrono::milliseconds retry_after{std::chrono::seconds{1}};
  /// To load other weights.
  std::chrono::microseconds load_time{0};
  /// How a change of weights goes wrong: `refuse_load`, `die_loading`, `never_loads`, `old_version`
  /// (says success, and keeps what it has), `refuse_flush`, `wrong_output`, `no_output`. Empty: it
  /// does not.
  std::string weights_fault;
  /// Only with this version; empty: with any.
  std::string weights_fault_version;
  /// Only the first so many times; 0: always.
  std::uint32_t weights_fault_count = 0;
};

/// An OpenAI-compatible server: `[engine.http]`. Also how a `managed` one is spoken to.
struct http_config {
  /// `http://host:port` or `https://...`, with or without a path before `/v1`.
  std::string url;
  /// What the server calls the model; empty: the `[[model]]`'s name.
  std::string served_model;
  /// `auto` (asks it), `openai`, `sglang`, `vllm`, `llama.cpp`.
  std::string server = "auto";
  /// Where the API key is; at most one of the two. Never logged.
  std::filesystem::path api_key_file;
  std::string api_key_env;
  /// Authorities that the server's certificate is checked against; empty: the system's.
  std::filesystem::path ca_file;
  /// `http://host:port`, `socks5://host:port`; empty: none, whatever the environment says.
  std::string proxy;
  std::chrono::milliseconds connect_timeout{std::chrono::seconds{2}};
  /// From the request to the first token; queueing in the server included.
  std::chrono::milliseconds first_token_timeout{std::chrono::seconds{60}};
  /// Between two tokens.
  std::chrono::milliseconds stall_timeout{std::chrono::seconds{20}};
  /// Of one response, headers and events included.
  std::size_t response_bytes_max = std::size_t{16} * 1024 * 1024;
  /// Plans are asked for with `response_format: json_schema`, where the server can.
  bool constrain_plans = true;
  std::chrono::milliseconds health_interval{std::chrono::seconds{2}};
  std::chrono::milliseconds health_timeout{std::chrono::seconds{2}};
  /// Good probes in a row that make it healthy, bad ones that make it unhealthy.
  std::uint32_t rise = 2;
  std::uint32_t fall = 3;
};

/// A server that the node starts, watches and stops itself: `[engine.process]` of a `managed`
/// engine.
struct process_config {
  /// Program and arguments. `{path}`, `{port}`, `{concurrency}` and `{model}` are replaced. Empty:
  /// llama-server with the engine's `path`.
  std::vector<std::string> command;
  /// 0: any free one.
  std::uint16_t port = 0;
  /// Its output; empty: NAME.log in `logs` in the data folder.
  std::filesystem::path log;
  /// `always`, `on_failure` (exit code other than 0, or a signal), `never`.
  std::string restart = "always";
  std::chrono::milliseconds restart_pause{500};
  std::chrono::milliseconds restart_pause_max{std::chrono::seconds{30}};
  /// From its start to its first good health probe; then it is killed and started again.
  std::chrono::milliseconds start_timeout{std::chrono::minutes{5}};
  /// From SIGTERM to SIGKILL.
  std::chrono::milliseconds stop_timeout{std::chrono::seconds{10}};
};

/// How other weights come into an http engine's server, where it is not by the server's own calls:
/// `[engine.weights]`. `{path}` and `{version}` are replaced in commands, which run without a
/// shell.
struct weights_config {
  /// Program and arguments of each step. Without `load` the server's own calls are used; with it,
  /// only what is named here, and a step without a command has nothing to do.
  std::vector<std::string> load;
  std::vector<std::string> pause;
  std::vector<std::string> flush;
  /// The first line that it writes is the version that the server has.
  std::vector<std::string> check;
  std::vector<std::string> resume;
  /// A version is an adapter (LoRA) of this name, by which requests ask for it: `name-version` at
  /// SGLang and vLLM. Empty: it is the whole weights.
  std::string lora;
  /// A link to the version's file or folder is put here before the server loads. Empty: the server
  /// is told the path.
  std::filesystem::path place;
};

/// Recorded answers of real models: `[engine.replay]`. Times and tokens are by [engine.sim]'s
/// profile.
struct replay_config {
  /// CSV with a header: `prompt`, and for each model a column of its name (True, False: right or
  /// not) and one named `<name>_response`.
  std::filesystem::path answers;
  /// The column of this engine's model; empty: the `[[model]]`'s name.
  std::string column;
};

/// How many servers stand for one engine: `[engine.scale]`. Copies of it are started while calls
/// wait, and stopped when those left can do the work; they are gone after the node's next start.
struct scale_config {
  /// Itself included; 1: there are no copies.
  std::uint32_t max = 1;
  /// Calls that would wait longer, as measured service times say, are too many for the copies.
  std::chrono::milliseconds queue_delay{500};
  /// For so long, before there is one more.
  std::chrono::milliseconds grow_after{std::chrono::seconds{2}};
  /// How long one fewer would have been enough, before there is one fewer.
  std::chrono::milliseconds shrink_after{std::chrono::minutes{5}};
  /// `warm_first` of a copy.
  std::chrono::milliseconds warm{std::chrono::seconds{5}};
};

/// When an engine that fails is left alone: `[engine.breaker]`. Errors of the caller (4xx) and
/// back-pressure do not count.
struct breaker_config {
  /// Failures in a row that open it; 0: never.
  std::uint32_t failures = 5;
  /// How long nothing is sent; doubles with each failed trial.
  std::chrono::milliseconds pause{std::chrono::seconds{1}};
  std::chrono::milliseconds pause_max{std::chrono::seconds{30}};
};

/// One inference server: `[[engine]]` in the config file.
struct engine_config {
  std::string name;
  /// `embedded`, `http`, `managed`, `replay` or `sim`.
  std::string kind;
  /// A `[[model]]`'s name.
  std::string model;
  /// Requests at work at once; the engine's own batch.
  std::uint32_t concurrency = 4;
  /// Requests that wait in the engine; more are refused with `overloaded`.
  std::uint32_t queue_max = 4096;
  /// Fewer requests at once than `concurrency` where measured latency says so; not said: for
  /// servers, not for what runs within the node or is simulated.
  std::optional<bool> adaptive;
  /// Never fewer than so many.
  std::uint32_t concurrency_min = 1;
  /// `embedded`, `managed`: a GGUF file; relative paths start at the config file's folder.
  std::filesystem::path path;
  /// Empty: what the engine says itself.
  std::string weight_version;
  /// How long at most its pool may replay what calls begin with before it takes any, after a start
  /// and after other weights; 0: it takes calls at once, and is warmed while it has none.
  std::chrono::milliseconds warm_first{0};
  /// Starts without taking requests: drained by hand, see engine_changes. No key of the file.
  bool draining = false;
  /// Starts without taking requests until it is told which weights it is to serve. No key of the
  /// file.
  bool awaits_weights = false;
  sim_config sim;
  /// `[engine.sim]` was written: of engines that are not simulated it is how `tandem simulate` does
  /// it. No key of the file.
  bool has_sim = false;
  http_config http;
  process_config process;
  weights_config weights;
  replay_config replay;
  breaker_config breaker;
  scale_config scale;

  [[nodiscard]] bool is_adaptive() const {
    return adaptive.value_or(kind == "http" || kind == "managed");
  }
};

}  // namespace tandem
