#include <algorithm>
#include <array>
#include <vector>

#include "config/words.hpp"
#include "nodes/cli/cache_text.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/endpoint.hpp"
#include "nodes/cli/format.hpp"
#include "schema/errc.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

constexpr std::array options{
    option_spec{"tier", "TIER", "stats, purge, warm: of this tier's models alone"},
    option_spec{"tenant", "NAME", "stats, purge: of this tenant alone"},
    option_spec{"model", "MODEL", "stats, purge, warm: of this model alone"},
    option_spec{"weights", "VERSION", "purge: of these weights alone"},
    option_spec{"level", "N", "stats: of this level alone, 1 to 3"},
    option_spec{"all", "", "purge: everything"}};

constexpr std::array<std::string_view, 4> actions{"stats", "explain", "purge", "warm"};

exit_code show(const invocation& from, const tmsg::cachrpt& report, console& io) {
  auto level = integer_option(from, "level", 1, 3);
  if (!level) return usage_error(io, from, level.error());
  cache_filter filter{.tier = from.value("tier").value_or(""),
                      .tenant = from.value("tenant").value_or(""),
                      .model = from.value("model").value_or(""),
                      .level = static_cast<unsigned>(level->value_or(0))};
  if (from.wants_json())
    io.line(cache_stats_json(*report.read(), filter));
  else
    io.write(cache_stats_text(*report.read(), filter, io.out_style()));
  return exit_code::ok;
}

exit_code say_purged(const invocation& from, const tmsg::cachrpt& report, console& io) {
  if (from.wants_json()) return show(from, report, io);
  io.write(cache_purged_text(*report.read()));
  return exit_code::ok;
}

exit_code say_warmed(const invocation& from, const tmsg::cachrpt& report, console& io) {
  if (from.wants_json()) return show(from, report, io);
  io.write(cache_warmed_text(*report.read()));
  return exit_code::ok;
}

exit_code explain(const invocation& from, console& io) {
  if (from.arguments.size() < 2) return usage_error(io, from, "cache explain needs a job's id");
  auto job = parse_job_id(from.arguments[1]);
  if (!job)
    return usage_error(
        io, from, quote_word(from.arguments[1]) + " is no job's id, as `tandem jobs` shows it");
  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto view = node->view(*job);
  if (!view) return io.fail(view.error());
  if (from.wants_json())
    io.line(cache_explain_json(*view->read()));
  else
    io.write(cache_explain_text(*view->read(), io.out_style()));
  return exit_code::ok;
}

exit_code send(const invocation& from, schema::CacheAction action, console& io) {
  message_builder<schema::CacheCommand> command;
  command->setAction(action);
  command->setTier(valid_utf8(from.value("tier").value_or("")));
  command->setTenant(valid_utf8(from.value("tenant").value_or("")));
  command->setModel(valid_utf8(from.value("model").value_or("")));
  command->setWeightVersion(valid_utf8(from.value("weights").value_or("")));
  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto report = node->cache(command.finish());
  if (!report) return io.fail(report.error());
  if (action == schema::CacheAction::PURGE) return say_purged(from, *report, io);
  if (action == schema::CacheAction::WARM) return say_warmed(from, *report, io);
  return show(from, *report, io);
}

exit_code purge(const invocation& from, console& io) {
  auto named = false;
  for (const char* option : {"tier", "tenant", "model", "weights"})
    named = named || from.has(option);
  if (named == from.has("all"))
    return usage_error(io, from,
                       named ? "--all is everything; leave it out, or the other options"
                             : "cache purge needs --tier, --tenant, --model, --weights, or --all");
  return send(from, schema::CacheAction::PURGE, io);
}

/// Which options say anything to which action.
struct option_use {
  std::string_view option;
  std::array<std::string_view, 3> actions;
};

constexpr std::array uses{
    option_use{"tier", {"stats", "purge", "warm"}},  option_use{"tenant", {"stats", "purge", ""}},
    option_use{"model", {"stats", "purge", "warm"}}, option_use{"weights", {"purge", "", ""}},
    option_use{"level", {"stats", "", ""}},          option_use{"all", {"purge", "", ""}}};

/// Empty: the action takes all that was given.
std::string idle_option(const invocation& from, std::string_view action) {
  // An empty one would be everything.
  for (const char* option : {"tier", "tenant", "model", "weights"})
    if (auto value = from.value(option); value && value->empty())
      return std::string{"--"} + option + " is empty; leave it out, or name one";
  if (from.has("level") && (from.has("tenant") || from.has("model")))
    return "what tenants and models asked is not told by level; leave out --level, or the others";
  for (const auto& [option, takers] : uses)
    if (from.has(option) && std::find(takers.begin(), takers.end(), action) == takers.end())
      return "cache " + std::string{action} + " takes no --" + std::string{option};
  return {};
}

exit_code run(const invocation& from, console& io) {
  const auto& action = from.arguments.front();
  if (std::find(actions.begin(), actions.end(), action) != actions.end())
    if (auto idle = idle_option(from, action); !idle.empty()) return usage_error(io, from, idle);
  if (action == "explain") return explain(from, io);
  if (from.arguments.size() > 1)
    return usage_error(io, from, "cache " + action + " takes no argument");
  if (action == "stats") return send(from, schema::CacheAction::STATS, io);
  if (action == "purge") return purge(from, io);
  if (action == "warm") return send(from, schema::CacheAction::WARM, io);
  std::vector<std::string_view> known{actions.begin(), actions.end()};
  auto text = "cache cannot " + quote_word(action) + ", but " + list_words(known);
  auto nearest = nearest_word(action, known);
  if (!nearest.empty()) text += "; did you mean " + std::string{nearest} + "?";
  return usage_error(io, from, text);
}

}  // namespace

const command_spec cache_command{
    .name = "cache",
    .arguments = "stats|explain JOB|purge|warm",
    .summary = "see what was answered without a call, and empty the caches",
    .details =
        "stats shows every level of every node: L1 is the memory of a node's pool, L2 of a shard, "
        "L3 its\n"
        "disk; and what was asked and served by tenant and model. explain says of each attempt of "
        "a "
        "job\n"
        "from where it was served, or why it was not. purge has all that was kept until now, and "
        "fits the\n"
        "options, count as gone on every node, at once. warm replays what calls begin with on the "
        "idle\n"
        "engines of all nodes, as they do by themselves after an engine's start or a change of "
        "its\n"
        "weights.",
    .example =
        "tandem cache stats --tier small\n"
        "tandem cache explain k3fwq2xm-42\n"
        "tandem cache purge --model qwen3-4b --weights 2026-11-01\n"
        "tandem cache warm --model qwen3-4b",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run};

}  // namespace tandem::cli
