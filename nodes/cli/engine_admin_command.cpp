#include "nodes/cli/engine_admin_command.hpp"

#include <utility>

#include <unistd.h>

#include "config/quantity.hpp"
#include "config/words.hpp"
#include "nodes/cli/endpoint.hpp"
#include "nodes/cli/engine_text.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/text_file.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

constexpr std::size_t engine_bytes_max = std::size_t{256} * 1024;
constexpr std::chrono::milliseconds remove_deadline{std::chrono::minutes{5}};
constexpr std::array<std::string_view, 9> add_options{
    "name",   "kind",         "model",       "url",        "served-model",
    "server", "api-key-file", "api-key-env", "concurrency"};

std::string key(std::string_view name, const std::string& value) {
  return std::string{name} + " = " + toml_string(value) + "\n";
}

caf::expected<std::string> toml_of_options(const invocation& from) {
  for (const char* needed : {"name", "model"})
    if (!from.has(needed))
      return make_error(errc::invalid_argument,
                        std::string{"engine add needs a FILE, or --"} + needed + " and others");
  auto kind = from.value("kind").value_or("http");
  if (kind == "http" && !from.has("url"))
    return make_error(errc::invalid_argument, "engine add --kind http needs --url");
  auto concurrency = integer_option(from, "concurrency", 1, 100'000);
  if (!concurrency) return std::move(concurrency.error());
  auto toml = "[[engine]]\n" + key("name", *from.value("name")) + key("kind", kind) +
              key("model", *from.value("model"));
  if (*concurrency) toml += "concurrency = " + std::to_string(**concurrency) + "\n";
  std::string http;
  for (auto [option, name] : {std::pair{"url", "url"},
                              {"served-model", "served_model"},
                              {"server", "server"},
                              {"api-key-file", "api_key_file"},
                              {"api-key-env", "api_key_env"}})
    if (auto value = from.value(option)) http += key(name, *value);
  return http.empty() ? toml : toml + "[engine.http]\n" + http;
}

/// What is true now, in one line.
exit_code say(const invocation& from, const caf::expected<tmsg::engrep>& report,
              std::string_view done, console& io) {
  if (!report) return io.fail(report.error());
  auto reader = report->read();
  if (from.wants_json()) {
    io.line(probe_json(*reader));
    return exit_code::ok;
  }
  auto status = reader->getStatus();
  auto text = "engine " + printable_line(view(status.getName())) + ' ' + std::string{done};
  if (status.getHealth() != schema::Health::UNKNOWN)
    text += ": " + std::string{name_of(status.getHealth())} + ", " +
            human_count(status.getInFlight()) + " in flight";
  io.line(text);
  return exit_code::ok;
}

/// `0s` too, which duration_option() refuses.
caf::expected<std::chrono::milliseconds> deadline_of(const invocation& from) {
  auto text = from.value("deadline");
  if (!text) return remove_deadline;
  auto parsed = parse_duration(*text);
  if (!parsed || parsed->count() < 0 || *parsed > std::chrono::hours{24})
    return make_error(errc::invalid_argument,
                      "--deadline is " + quote_word(*text) +
                          ", but must be a duration from 0s to 24h, such as 30s or 5min");
  return std::chrono::duration_cast<std::chrono::milliseconds>(*parsed);
}

}  // namespace

caf::expected<std::string> engine_toml(const invocation& from) {
  if (from.arguments.size() < 2) return toml_of_options(from);
  for (auto name : add_options)
    if (from.has(name))
      return make_error(errc::invalid_argument, "engine add takes a FILE or options such as --" +
                                                    std::string{name} + ", not both");
  const auto& file = from.arguments[1];
  if (file == "-") return read_all(STDIN_FILENO, "standard input", engine_bytes_max, "the engine");
  return read_text_file(file, engine_bytes_max, "the engine");
}

exit_code change_engine(const invocation& from, console& io) {
  const auto& action = from.arguments.front();
  auto deadline = deadline_of(from);
  if (!deadline) return usage_error(io, from, deadline.error());
  caf::expected<std::string> toml{std::string{}};
  if (action == "add") {
    toml = engine_toml(from);
    if (!toml) return usage_error(io, from, toml.error());
  }
  auto [node, code] = connect(from, io);
  if (!node) return code;
  if (action == "add") return say(from, node->add_engine(*toml), "added", io);
  const auto& name = from.arguments[1];
  if (action == "drain") return say(from, node->drain_engine(name, true), "takes nothing new", io);
  if (action == "undrain")
    return say(from, node->drain_engine(name, false), "takes work again", io);
  return say(from, node->remove_engine(name, *deadline), "removed", io);
}

}  // namespace tandem::cli
