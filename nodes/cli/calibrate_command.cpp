#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

#include <unistd.h>

#include "actors/engine/calibrate/backend_meter.hpp"
#include "actors/http/http_loop.hpp"
#include "config/load.hpp"
#include "config/words.hpp"
#include "nodes/cli/calibrate_text.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/console.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/plain_text.hpp"
#include "schema/errc.hpp"

namespace tandem::cli {
namespace {

constexpr std::array options{
    option_spec{"config", "FILE", "where ENGINE is configured; without it ENGINE is a URL"},
    option_spec{"model", "NAME", "of a URL: what the server calls the model"},
    option_spec{"api-key-env", "NAME", "of a URL: the variable with the API key"},
    option_spec{"seconds", "N", "to measure for; 60 by default"},
    option_spec{"requests-max", "N", "calls at most; 4000 by default"},
    option_spec{"concurrency", "N", "calls at once; as configured, 4 for a URL"},
    option_spec{"prompt-tokens", "N",
                "the longest prompt; 512 by default, less in a small context"},
    option_spec{"answer-tokens", "N", "the longest answer; 64 by default"},
    option_spec{"cache-capacity", "", "find out how much the prefix cache holds, too"},
    option_spec{"name", "NAME", "of the engine that is written; as ENGINE is called"},
    option_spec{"seed", "N", "of the order and the words; 1 by default"},
    option_spec{"out", "FILE", "write the profile there, and a summary to stdout"}};

bool is_url(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

caf::expected<engine_config> engine_at_url(const invocation& from) {
  engine_config engine;
  engine.name = from.value("name").value_or("calibrated");
  engine.kind = "http";
  engine.model = from.value("model").value_or("default");
  engine.http.url = from.arguments.front();
  engine.http.api_key_env = from.value("api-key-env").value_or("");
  return engine;
}

caf::expected<engine_config> engine_in_config(const invocation& from) {
  const auto& name = from.arguments.front();
  auto file = from.value("config");
  if (!file)
    return make_error(errc::invalid_argument,
                      "which engine is " + quote_word(name) +
                          "? Say --config FILE, or the URL of a server (http://...)");
  auto config = load_config(*file);
  if (!config) return std::move(config.error());
  std::vector<std::string_view> names;
  for (auto& engine : config->engines) {
    if (engine.name == name) {
      if (auto other = from.value("name")) engine.name = *other;
      return std::move(engine);
    }
    names.push_back(engine.name);
  }
  auto nearest = nearest_word(name, names);
  return make_error(errc::invalid_argument,
                    "there is no engine " + quote_word(name) + " in " + printable_line(*file) +
                        (nearest.empty() ? "" : "; did you mean " + std::string{nearest} + "?"));
}

caf::expected<calibration_options> options_of(const invocation& from, engine_config& engine) {
  calibration_options out;
  auto take = [&](std::string_view name, std::int64_t max, auto& into) -> caf::error {
    auto value = integer_option(from, name, 1, max);
    if (!value) return std::move(value.error());
    if (*value) into = static_cast<std::remove_reference_t<decltype(into)>>(**value);
    return {};
  };
  for (auto err :
       {take("seconds", 86'400, out.seconds), take("requests-max", 10'000'000, out.requests_max),
        take("concurrency", 1'024, engine.concurrency),
        take("prompt-tokens", 1'000'000, out.prompt_tokens),
        take("answer-tokens", 100'000, out.answer_tokens), take("seed", INT64_MAX, out.seed)})
    if (err) return err;
  out.concurrency = engine.concurrency;
  out.cache_capacity = from.has("cache-capacity");
  return out;
}

/// What fits, and what the engine is doing besides.
void suit(const backend_status& status, calibration_options& options, console& io) {
  options.context_tokens = status.context_tokens;
  if (status.context_tokens > 0) {
    // Prompts come out a little longer or shorter than wished.
    auto room = std::max(status.context_tokens * 3 / 4, 16u);
    options.answer_tokens = std::min(options.answer_tokens, std::max(room / 4, 1u));
    options.prompt_tokens = std::min(options.prompt_tokens, room - options.answer_tokens);
  }
  if (status.server_running + status.server_waiting > 0)
    io.note("the engine has " + human_count(status.server_running + status.server_waiting) +
            " other calls: what is measured beside them is too slow; try again when it is idle");
}

exit_code write(const invocation& from, const engine_config& engine, const calibration& found,
                const calibration_source& source, console& io) {
  auto toml = calibration_toml(engine, found, source);
  auto file = from.value("out");
  if (file) {
    std::ofstream out{*file, std::ios::trunc};
    out << toml;
    out.close();
    if (!out) return io.fail(exit_code::local_failure, "cannot write " + printable_line(*file));
  }
  if (from.wants_json())
    io.line(calibration_json(engine, found, source));
  else if (!file)
    io.write(toml);
  else
    io.write(toml.substr(0, toml.find("[[engine]]")));
  return exit_code::ok;
}

exit_code run(const invocation& from, console& io) {
  auto by_url = is_url(from.arguments.front());
  auto engine = by_url ? engine_at_url(from) : engine_in_config(from);
  if (!engine) return usage_error(io, from, engine.error());
  auto options = options_of(from, *engine);
  if (!options) return usage_error(io, from, options.error());
  // The log of a server that is started lies there, until its node has a folder of its own.
  auto folder =
      std::filesystem::temp_directory_path() / ("tandem-calibrate-" + std::to_string(::getpid()));
  auto meter =
      backend_meter::open(*engine, {.http = std::make_shared<http_loop>(), .data_folder = folder},
                          by_url ? 0 : engine->concurrency, std::chrono::minutes{5});
  if (!meter) return io.fail(meter.error());
  options->is_limited = !by_url;
  suit((*meter)->status(), *options, io);
  io.note("measuring " + printable_line(engine->name) + " for " +
          std::to_string(static_cast<int>(options->seconds)) + " s; leave it alone until then");
  interrupt_notice notice{"nothing was written\n"};
  auto found = calibrate(**meter, *options);
  calibration_source source{
      .asked = from.arguments.front(),
      .server = (*meter)->status().server,
      .when = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()),
      .cores = std::thread::hardware_concurrency()};
  meter->reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  if (!found) return io.fail(found.error());
  return write(from, *engine, *found, source, io);
}

}  // namespace

const command_spec calibrate_command{
    .name = "calibrate",
    .arguments = "ENGINE",
    .summary = "measure an engine and write its simulation's profile",
    .details =
        "ENGINE: an [[engine]] of the --config, or the URL of an OpenAI-compatible server.\n"
        "Sends it calls of many sizes, one and many at once, and prints an [[engine]] of\n"
        "kind \"sim\" that takes the same times, with how far off it is. Needs no node.\n"
        "The engine should have no other work; a paid API costs what the calls cost.\n",
    .example =
        "tandem calibrate executor-embedded --config config/embedded.toml\n"
        "tandem calibrate http://127.0.0.1:8080 --concurrency 8 --out fleet/llama.toml\n",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run};

}  // namespace tandem::cli
