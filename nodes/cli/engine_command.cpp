#include <algorithm>
#include <array>
#include <vector>

#include "config/words.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/endpoint.hpp"
#include "nodes/cli/engine_admin_command.hpp"
#include "nodes/cli/engine_text.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/plain_text.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

/// A probe waits for a real generation; --timeout shortens it.
constexpr std::chrono::milliseconds probe_timeout{std::chrono::minutes{2}};

exit_code fail_unknown(schema::Topology::Reader topology, const std::string& name, console& io) {
  std::vector<std::string_view> names;
  for (auto node : topology.getNodes()) {
    for (auto engine : node.getEngines()) names.push_back(view(engine.getName()));
  }
  auto nearest = nearest_word(name, names);
  auto text = "there is no engine " + quote_word(name);
  if (!nearest.empty()) text += "; did you mean " + printable_line(nearest) + "?";
  return io.fail(exit_code::refused, text, "`tandem engine list` shows them");
}

exit_code list(const invocation& from, client& node, console& io) {
  auto topology = node.topology();
  if (!topology) return io.fail(topology.error());
  auto reader = topology->read();
  if (from.wants_json())
    io.line(engines_json(*reader));
  else
    io.write(engines_text(*reader, io.out_style(), now_ms()));
  return exit_code::ok;
}

exit_code explain(const invocation& from, client& node, console& io) {
  auto topology = node.topology();
  if (!topology) return io.fail(topology.error());
  auto reader = topology->read();
  const auto& name = from.arguments[1];
  for (auto of : reader->getNodes()) {
    for (auto engine : of.getEngines()) {
      if (view(engine.getName()) != name) continue;
      if (from.wants_json())
        io.line(explain_json(engine, view(of.getName()), now_ms()));
      else
        io.write(explain_text(engine, view(of.getName()), io.out_style(), now_ms()));
      return exit_code::ok;
    }
  }
  return fail_unknown(*reader, name, io);
}

exit_code probe(const invocation& from, client& node, console& io) {
  const auto& name = from.arguments[1];
  auto limit = call_timeout(from);
  if (!limit) return usage_error(io, from, limit.error());
  auto report = node.probe_engine(name, limit->value_or(probe_timeout));
  if (!report && code_of(report.error()) == errc::not_found) {
    auto topology = node.topology();
    if (topology) return fail_unknown(*topology->read(), name, io);
  }
  if (!report) return io.fail(report.error());
  auto reader = report->read();
  if (from.wants_json())
    io.line(probe_json(*reader));
  else
    io.write(probe_text(*reader, io.out_style(), now_ms()));
  if (is_all_ok(*reader)) return exit_code::ok;
  return io.fail(
      exit_code::failed, "not everything works at " + printable_line(name),
      "`tandem engine explain " + printable_line(name) + "` says what this means for jobs");
}

exit_code run(const invocation& from, console& io) {
  constexpr std::array<std::string_view, 7> actions{"list",  "probe",   "explain", "add",
                                                    "drain", "undrain", "remove"};
  constexpr std::array<std::string_view, 4> changes{"add", "drain", "undrain", "remove"};
  const auto& action = from.arguments.front();
  if (std::find(actions.begin(), actions.end(), action) == actions.end()) {
    auto text = "engine cannot " + quote_word(action) +
                ", but list, probe, explain, add, drain, undrain or remove";
    auto nearest = nearest_word(action, actions);
    if (!nearest.empty()) text += "; did you mean " + std::string{nearest} + "?";
    return usage_error(io, from, text);
  }
  auto has_name = from.arguments.size() > 1;
  if (action == "list" && has_name) {
    return usage_error(io, from,
                       "engine list takes no argument, but got " + quote_word(from.arguments[1]));
  }
  if (action != "list" && action != "add" && !has_name) {
    return usage_error(io, from, "engine " + action + " needs the name of an engine");
  }
  for (const auto& [option, values] : from.options) {
    if (action == (option == "deadline" ? "remove" : "add")) continue;
    return usage_error(io, from, "--" + option + " is not for engine " + action);
  }
  if (std::find(changes.begin(), changes.end(), action) != changes.end())
    return change_engine(from, io);
  auto [node, code] = connect(from, io);
  if (!node) return code;
  if (action == "list") return list(from, *node, io);
  return action == "probe" ? probe(from, *node, io) : explain(from, *node, io);
}

}  // namespace

const command_spec engine_command{
    .name = "engine",
    .arguments = "list|probe NAME|explain NAME|add [FILE]|drain NAME|undrain NAME|remove NAME",
    .summary = "list, try, explain, add, drain or remove engines",
    .details =
        "list shows every engine with its health, its load and what its server is. probe asks the "
        "node to try\n"
        "everything at one now, a small real generation included, and prints what works and what "
        "does not;\n"
        "exit code 1 when something failed. explain says whether one is given requests, the latest "
        "changes of\n"
        "its health with their reasons, and what to do about them.\n"
        "add starts an engine on the node, from a FILE (- for standard input) with one [[engine]] "
        "as in a config\n"
        "file, or from options; relative paths start at the node's data folder. drain lets one "
        "finish what it has\n"
        "and gives it nothing new; remove drains it, then stops it. The node keeps all of this in "
        "its data folder.",
    .example =
        "tandem engine list\n"
        "tandem engine probe small-a\n"
        "tandem engine explain small-a --json\n"
        "tandem engine add --name small-b --model small --url http://10.0.0.7:8000\n"
        "tandem engine remove small-a --deadline 1min",
    .options = engine_options,
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run};

}  // namespace tandem::cli
