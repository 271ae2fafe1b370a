// The lists of the config file: [[model]], [[engine]] with its sections, [[kind]], [[check]] and
// [[tenant]].

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <type_traits>

#include "config/sections.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t engine_url_bytes_max = 2 * kib;
constexpr auto whole_max = std::numeric_limits<std::int64_t>::max();

config_fields bind_model(model_config& c) {
  constexpr double price_max = 1e6;
  return {
      bind_name("name", c.name, "Engines name it."),
      bind_name("tier", c.tier, "The role: large, small, or any other name that [routing] uses."),
      bind_number("input_price", c.input_price, "US dollars per million tokens read.", 0,
                  price_max),
      bind_number("output_price", c.output_price, "US dollars per million tokens written.", 0,
                  price_max),
      bind_flag("embeds", c.embeds,
                "It makes vectors of texts (POST /v1/embeddings), and nothing else."),
      bind_text(
          "plan_system", c.plan_system,
          "System message of a plan request. In all prompts {{goal}}, {{error}}, {{finished}}\n"
          "and {{steps_max}} are replaced.",
          prompt_bytes_max),
      bind_text("plan_prompt", c.plan_prompt, "User message of a plan request.", prompt_bytes_max),
      bind_text("replan_prompt", c.replan_prompt,
                "User message of a plan request after a failed plan.", prompt_bytes_max),
      bind_text("step_system", c.step_system, "System message of a step.", prompt_bytes_max),
      bind_text(
          "answer_system", c.answer_system,
          "System message of an answer without a plan, and of a client's own call without one.",
          prompt_bytes_max),
      bind_text("compose_system", c.compose_system,
                "System message of an answer composed from the steps' results.", prompt_bytes_max),
  };
}

/// Where nothing is said, what its kind says; kind may come later in the file.
config_field bind_adaptive(engine_config& c) {
  return {"adaptive",
          "Fewer requests at once than `concurrency` where measured latency says that the\n"
          "server takes no more. Not said: true for http and managed engines, else false.",
          "true or false, without quotes",
          [&c](const raw_value& raw) {
            const auto* flag = std::get_if<bool>(&raw.value);
            if (flag == nullptr) return false;
            c.adaptive = *flag;
            return true;
          },
          [] { return true; },
          [&c] { return std::string{c.is_adaptive() ? "true" : "false"}; }};
}

config_fields bind_engine_keys(engine_config& c) {
  return {
      bind_name("name", c.name, "Unique among the engines."),
      bind_choice(
          "kind", c.kind,
          "embedded: a small model within the node. http: a server that speaks OpenAI's\n"
          "API, see [engine.http]. managed: a server that the node starts itself, see\n"
          "[engine.process]. replay: recorded answers, see [engine.replay]. sim: simulated,\n"
          "see [engine.sim].",
          {engine_kinds.begin(), engine_kinds.end()}),
      bind_name("model", c.model, "The name of a [[model]]."),
      bind_integer("concurrency", c.concurrency, "Requests at work at once.", 1, 100'000),
      bind_adaptive(c),
      bind_integer("concurrency_min", c.concurrency_min,
                   "Requests at once however slow the server becomes, see adaptive.", 1, 100'000),
      bind_integer("queue_max", c.queue_max,
                   "Requests that wait in the engine; more are refused with `overloaded`. One\n"
                   "tenant has three quarters of the places at most.",
                   0, 1'000'000),
      bind_path("path", c.path,
                "embedded, managed: a GGUF file. Relative paths start at this file's folder."),
      bind_text("weight_version", c.weight_version, "Empty: what the engine says itself.", 256),
      bind_duration(
          "warm_first", c.warm_first,
          "After a start, and after other weights: how long at most what calls begin with\n"
          "is read before it takes any. 0s: it takes calls at once.",
          0s, 5min),
  };
}

config_fields bind_http(http_config& c) {
  return {
      bind_text("url", c.url,
                "http://host:port or https://host:port, with or without a path before /v1. Not of\n"
                "managed engines: the node knows where they are.",
                engine_url_bytes_max),
      bind_text("served_model", c.served_model,
                "What the server calls the model. Empty: the [[model]]'s name.", 256),
      bind_choice("server", c.server, "What the server is. auto: it is asked.",
                  {"auto", "openai", "sglang", "vllm", "llama.cpp"}),
      bind_path("api_key_file", c.api_key_file,
                "A file with the API key, that others must not read. Or name api_key_env."),
      bind_text("api_key_env", c.api_key_env, "The environment variable with the API key.", 256),
      bind_path("ca_file", c.ca_file,
                "Authorities (PEM) that the server's certificate is checked against. Empty: the\n"
                "system's."),
      bind_text("proxy", c.proxy,
                "http://host:port or socks5://host:port. Empty: none, whatever the environment\n"
                "says.",
                engine_url_bytes_max),
      bind_duration("connect_timeout", c.connect_timeout, "For TCP and TLS.", 1ms, 1h),
      bind_duration("first_token_timeout", c.first_token_timeout,
                    "From the request to the first token, queueing in the server included.", 1ms,
                    day),
      bind_duration("stall_timeout", c.stall_timeout, "Between two tokens.", 1ms, day),
      bind_size("response_bytes_max", c.response_bytes_max,
                "Of one response, headers and events included.", 4 * kib, gib),
      bind_flag("constrain_plans", c.constrain_plans,
                "Plans are asked for with response_format: json_schema, where the server can."),
      bind_duration("health_interval", c.health_interval, "Between two health probes.", 10ms, 1h),
      bind_duration("health_timeout", c.health_timeout, "Of one health probe.", 1ms, 1h),
      bind_integer("rise", c.rise, "Good probes in a row that make it healthy.", 1, 1000),
      bind_integer("fall", c.fall, "Bad probes in a row that make it unhealthy.", 1, 1000),
  };
}

config_fields bind_process(process_config& c) {
  return {
      bind_command(
          "command", c.command,
          "Program and arguments. {path}, {port}, {concurrency} and {model} are replaced.\n"
          "Empty: llama-server with the engine's path.",
          true),
      bind_integer("port", c.port, "On 127.0.0.1. 0: any free one.", 0, 65'535),
      bind_path("log", c.log, "Its output. Empty: NAME.log in logs in the data folder."),
      bind_choice(
          "restart", c.restart,
          "When it has ended: always, on_failure (an exit code other than 0, or a signal),\n"
          "never.",
          {"always", "on_failure", "never"}),
      bind_duration("restart_pause", c.restart_pause,
                    "Wait before a restart; doubles with each that does not last.", 0s, 1h),
      bind_duration("restart_pause_max", c.restart_pause_max, "The longest wait.", 0s, 1h),
      bind_duration("start_timeout", c.start_timeout,
                    "From its start to its first good health probe; then it is killed and started\n"
                    "again.",
                    1ms, day),
      bind_duration("stop_timeout", c.stop_timeout, "From SIGTERM to SIGKILL.", 0s, 1h),
  };
}

config_fields bind_weights(weights_config& c) {
  return {
      bind_command(
          "load", c.load,
          "Program and arguments that load other weights; {path} and {version} are replaced.\n"
          "Empty: the server's own calls. With it, what follows is only done by command.",
          true),
      bind_command("pause", c.pause, "Stops requests where they are.", true),
      bind_command("flush", c.flush, "Drops what the old weights have read.", true),
      bind_command(
          "check", c.check,
          "Its first line is the version that the server has, and must be the one asked for.",
          true),
      bind_command("resume", c.resume, "Ends what pause did.", true),
      bind_name("lora", c.lora,
                "A version is an adapter (LoRA) of this name, by which requests ask for it:\n"
                "NAME-VERSION at SGLang and vLLM; of llama-server's own --lora files the one that\n"
                "is called as the version's. Empty: a version is the whole weights.",
                true),
      bind_path(
          "place", c.place,
          "A link to the version's file or folder is put here before the server loads, as for\n"
          "a llama.cpp router, which finds its models itself."),
  };
}

config_fields bind_replay(replay_config& c) {
  return {
      bind_path("answers", c.answers,
                "A CSV file with a header: prompt, and for each model a column of its name (True\n"
                "or False: right or not) and one named NAME_response."),
      bind_text("column", c.column, "This engine's model there. Empty: the [[model]]'s name.", 256),
  };
}

config_fields bind_breaker(breaker_config& c) {
  return {
      bind_integer("failures", c.failures, "Failures in a row that open it. 0: never.", 0, 10'000),
      bind_duration("pause", c.pause,
                    "How long nothing is sent then; doubles with each trial that fails.", 1ms, day),
      bind_duration("pause_max", c.pause_max, "The longest that nothing is sent.", 1ms, day),
  };
}

config_fields bind_scale(scale_config& c) {
  return {
      bind_integer("max", c.max, "Servers that stand for this engine, itself included.", 1, 256),
      bind_duration("queue_delay", c.queue_delay,
                    "Calls that would wait longer are too many for the servers.", 1ms, 1h),
      bind_duration("grow_after", c.grow_after, "For so long, before one more is started.", 0s, 1h),
      bind_duration("shrink_after", c.shrink_after,
                    "How long one fewer would have been enough, before one is stopped.", 0s, day),
      bind_duration("warm", c.warm, "warm_first of what is started so.", 0s, 5min),
  };
}

config_fields bind_sim(sim_config& c) {
  return {
      bind_integer("seed", c.seed, "The same seed gives the same run.", 0, whole_max),
      bind_duration("first_token", c.first_token, "Time to the first token.", 0s, 1h),
      bind_duration("per_token", c.per_token, "Time of each further token.", 0s, 1h),
      bind_number("error_rate", c.error_rate, "Share of calls that fail at once.", 0, 1),
      bind_integer("plan_steps", c.plan_steps, "Independent steps in the plans that it makes.", 1,
                   100'000),
      bind_number("time_scale", c.time_scale,
                  "Durations that a prompt names (`@sim {\"ms\":5}`) are multiplied by this.", 0,
                  1e6),
      bind_number("prefill_rate", c.prefill_rate,
                  "Prompt tokens read a second, shared by all requests being read. 0.0: at once.",
                  0, 1e9),
      bind_duration("per_token_batch", c.per_token_batch,
                    "Each further request at work adds this to the time per token.", 0s, 10min),
      bind_integer("prefill_chunk", c.prefill_chunk,
                   "Prompt tokens read in one step, which gives all that write one token: reading\n"
                   "delays writing. 0: they do not know of each other.",
                   0, 16'777'216),
      bind_duration("per_token_context", c.per_token_context,
                    "With a prefill_chunk: each 1,000 tokens of its context make a token that a\n"
                    "request writes so much slower.",
                    0s, 10min),
      bind_duration("prefill_context", c.prefill_context, "The same for a token that it reads.", 0s,
                    10min),
      bind_integer("slots", c.slots,
                   "Requests computed at once; more wait within the engine. 0: as many as come.", 0,
                   65'536),
      bind_duration("slice", c.slice, "How often text is streamed.", 100us, 10s),
      bind_integer("cache_blocks", c.cache_blocks,
                   "Blocks of the prefix cache; the least recently used leave first. 0: no cache.",
                   0, 16'777'216),
      bind_integer("cache_block_tokens", c.cache_block_tokens,
                   "Tokens in one block; only whole blocks hit.", 1, 8192),
      bind_integer("context_tokens", c.context_tokens, "Longer prompts are refused.", 1,
                   16'777'216),
      bind_number("quality", c.quality,
                  "A prompt is answered right when its difficulty (0 to 1, as `@sim\n"
                  "{\"difficulty\":0.7}` says, else by its hash) is not above this.",
                  0, 1),
      bind_number("overload_rate", c.overload_rate,
                  "Share of calls refused with `overloaded`, as by 429.", 0, 1),
      bind_number("unavailable_rate", c.unavailable_rate,
                  "Share of calls refused with `unavailable`, as by 503.", 0, 1),
      bind_duration("retry_after", c.retry_after, "Said with these two.", 0s, day),
      bind_duration("load_time", c.load_time, "To load other weights.", 0s, day),
      bind_choice("weights_fault", c.weights_fault,
                  "How a change of weights goes wrong: refuse_load, die_loading, never_loads,\n"
                  "old_version (says success and keeps what it has), refuse_flush, wrong_output,\n"
                  "no_output. Empty: it does not.",
                  {"refuse_load", "die_loading", "never_loads", "old_version", "refuse_flush",
                   "wrong_output", "no_output"},
                  true),
      bind_text("weights_fault_version", c.weights_fault_version,
                "Only with this version. Empty: with any.", 256),
      bind_integer("weights_fault_count", c.weights_fault_count,
                   "Only the first so many times. 0: always.", 0, 1'000'000),
      bind_number("stall_rate", c.stall_rate, "Share of calls never answered.", 0, 1),
      bind_number("cut_rate", c.cut_rate, "Share of calls broken off in mid-stream.", 0, 1),
      bind_number("slow_rate", c.slow_rate, "Share of calls that take slow_factor times as long.",
                  0, 1),
      bind_number("slow_factor", c.slow_factor, "See slow_rate.", 1, 1e6),
      bind_number("wrong_rate", c.wrong_rate, "Share of calls answered wrong.", 0, 1),
      bind_number("usage_factor", c.usage_factor,
                  "Reported token counts are the true ones multiplied by this.", 0, 1e6),
  };
}

config_fields bind_kind(kind_config& c) {
  return {
      bind_name("name", c.name, "The kind as plans name it."),
      bind_integer("small_attempts_max", c.small_attempts_max,
                   "This and the next three: -1 means as [jobs] says.", -1, 100),
      bind_integer("other_models_max", c.other_models_max, "See [jobs].", -1, 100),
      bind_integer("large_attempts_max", c.large_attempts_max, "See [jobs].", -1, 100),
      bind_integer("tokens_max", c.tokens_max, "Tokens of a result.", -1, 1'000'000),
      bind_duration("attempt_timeout", c.attempt_timeout,
                    "One attempt, from pool to reply. 0s: as [jobs] says.", 0s, day),
      bind_choice("check", c.check,
                  "Verifies each result of this kind that the plan itself names no check for:\n"
                  "number, exact, contains, regex, json_schema, judge, command. Empty: none.",
                  {check_kinds.begin(), check_kinds.end()}, true),
      bind_text(
          "check_argument", c.check_argument,
          "exact, contains: the text. regex: RE2's syntax. json_schema: the schema. judge: the\n"
          "rubric. command: the name of a [[check]].",
          prompt_bytes_max),
      bind_flag("hedge", c.hedge, "Whether a slow attempt may run twice, see [hedging]."),
  };
}

config_fields bind_check(check_command_config& c) {
  return {
      bind_name("name", c.name, "Plans and [[kind]] name it; a plan never brings a program."),
      bind_command("command", c.command,
                   "Program and arguments. It gets {\"kind\",\"prompt\",\"output\"} as JSON on\n"
                   "standard input. Exit code 0: fits. 1: does not, with the reason on standard\n"
                   "output. Anything else: the check is broken.",
                   false),
      bind_duration("timeout", c.timeout, "Then it is killed.", 1ms, 1h),
  };
}

config_fields bind_tenant(tenant_config& c) {
  return {
      bind_text("name", c.name, "As jobs name it.", 256, 1),
      bind_integer("tokens", c.tokens, "Read and written within a period. 0: no limit.", 0,
                   whole_max),
      bind_number("cost_usd", c.cost_usd, "US dollars within a period. 0.0: no limit.", 0, 1e9),
      bind_choice("period", c.period, "What starts anew with each, in UTC.",
                  {"hour", "day", "month", "never"}),
      bind_number(
          "target_usd_per_job", c.target_usd_per_job,
          "What a job is to cost on average: policies that learn make cost dearer for this\n"
          "tenant until it does. 0.0: no target. The limits above hold besides.",
          0, 1e9),
      bind_number("target_usd_per_hour", c.target_usd_per_hour,
                  "The same by the hour; one of both.", 0, 1e9),
  };
}

/// `bind`: the item's keys, or its keys and then its sections.
template <class T, class Bind>
config_list make_list(std::string_view name, std::string doc, std::vector<T>& items,
                      std::size_t items_max, Bind bind) {
  return {name,
          doc,
          items_max,
          [&items] { return items.size(); },
          [&items] { items.emplace_back(); },
          [&items](std::size_t i) -> const std::string& { return items[i].name; },
          [&items, doc, bind](std::size_t i) {
            if constexpr (std::is_same_v<decltype(bind(items[i])), config_fields>) {
              return std::vector<config_section>{{{}, doc, bind(items[i])}};
            } else {
              return bind(items[i]);
            }
          }};
}

constexpr auto engine_doc = "One inference server, which serves one model. One [[engine]] each.";

}  // namespace

std::vector<config_section> bind_engine(engine_config& c) {
  auto is = [&c](std::initializer_list<std::string_view> kinds) {
    return std::find(kinds.begin(), kinds.end(), c.kind) != kinds.end();
  };
  return {
      {{}, engine_doc, bind_engine_keys(c)},
      {"http", "How a server is spoken to (kind = \"http\" or \"managed\").", bind_http(c.http),
       is({"http", "managed"}), "http and managed"},
      {"process", "The server that the node starts, watches and stops (kind = \"managed\").",
       bind_process(c.process), is({"managed"}), "managed"},
      {"weights", "How other weights come into its server while it runs (kind = \"http\").",
       bind_weights(c.weights), is({"http"}), "http"},
      {"replay", "Recorded answers of real models (kind = \"replay\"); times are by [engine.sim].",
       bind_replay(c.replay), is({"replay"}), "replay"},
      {"sim",
       "How a simulated engine behaves (kind = \"sim\"; of a replay one: its times; of any other:\n"
       "how `tandem simulate` takes it to behave, as `tandem calibrate` measures it).",
       bind_sim(c.sim), c.has_sim || is({"sim", "replay"}), "any"},
      {"breaker",
       "When an engine that fails is left alone. Errors of the caller and back-pressure do not\n"
       "count.",
       bind_breaker(c.breaker)},
      {"scale",
       "More servers like this one while calls wait, fewer when they do not (kind = \"managed\",\n"
       "\"embedded\" or \"sim\"). They are called NAME-2, NAME-3 and so on.",
       bind_scale(c.scale), is({"managed", "embedded", "sim"}), "managed, embedded and sim"},
  };
}

std::vector<config_list> bind_lists(node_config& c) {
  return {
      make_list("model", "A named set of weights: its role, its prices, its prompts.", c.models,
                models_max, bind_model),
      make_list("engine", engine_doc, c.engines, engines_max, bind_engine),
      make_list("kind", "What holds for steps of one kind.", c.jobs.kinds, kinds_max, bind_kind),
      make_list("check", "A program of yours that verifies outputs.", c.executor.checks, checks_max,
                bind_check),
      make_list("tenant", "What one tenant may spend.", c.executor.tenants, tenants_max,
                bind_tenant),
  };
}

}  // namespace tandem
