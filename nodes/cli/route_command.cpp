#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "actors/router/routing_policy.hpp"
#include "config/words.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/decision_json.hpp"
#include "nodes/cli/endpoint.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/route_eval_command.hpp"
#include "nodes/cli/route_text.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

using action_id = schema::RouteAction;

/// Decisions that one call of export fetches.
constexpr std::uint32_t page_decisions = 500;
constexpr std::int64_t limit_max = 1'000'000'000;

constexpr std::array options{
    option_spec{"share", "X",
                "try: of decisions that POLICY makes, 0 to 0.5; 0, the default: in "
                "shadow, where it is watched alone"},
    option_spec{"reason", "TEXT", "try, promote, rollback: why, for the list of changes"},
    option_spec{"after", "ID", "export: only decisions that came after this one"},
    option_spec{"limit", "N", "export: at most so many; all by default"},
    option_spec{"policy", "POLICY", "eval: one to evaluate; all there are by default", true},
    option_spec{"clip", "X", "eval: the largest weight of a decision"},
    option_spec{"purpose", "PURPOSE", "eval: only decisions of that purpose"}};

/// What an action is called, whether it has an argument, and which options are its own.
struct action_spec {
  std::string_view name;
  action_id id;
  /// What it needs, in words; empty: it takes none.
  std::string_view argument;
  std::array<std::string_view, 3> options;
};
constexpr std::array actions{
    action_spec{"status", action_id::STATUS, "", {}},
    action_spec{"explain", action_id::EXPLAIN, "the id of a decision", {}},
    action_spec{"try",
                action_id::TRY,
                "a policy, such as auto or 'auto(exploration=0.05)'",
                {"share", "reason", ""}},
    action_spec{"promote", action_id::PROMOTE, "", {"reason", "", ""}},
    action_spec{"rollback", action_id::ROLLBACK, "", {"reason", "", ""}},
    action_spec{"export", action_id::EXPORT, "", {"after", "limit", ""}},
    action_spec{
        "eval", action_id::UNKNOWN, "a file of exported decisions", {"policy", "clip", "purpose"}}};

std::optional<std::uint64_t> parse_decision(std::string_view text) {
  std::uint64_t id = 0;
  const auto* end = text.data() + text.size();
  auto [stop, failure] = std::from_chars(text.data(), end, id);
  if (failure != std::errc{} || stop != end || id == 0) return std::nullopt;
  return id;
}

const action_spec* find_action(std::string_view name) {
  const auto* found = std::find_if(actions.begin(), actions.end(),
                                   [name](const action_spec& one) { return one.name == name; });
  return found == actions.end() ? nullptr : found;
}

exit_code unknown_action(const invocation& from, const std::string& word, console& io) {
  std::vector<std::string_view> names;
  for (const auto& one : actions) names.push_back(one.name);
  auto text = "route cannot " + quote_word(word) + ", but " + list_words(names);
  auto nearest = nearest_word(word, names);
  if (!nearest.empty()) text += "; did you mean " + std::string{nearest} + "?";
  return usage_error(io, from, text);
}

/// What is wrong with the arguments and options of an action; empty: nothing.
std::string check_words(const invocation& from, const action_spec& action) {
  auto name = "route " + std::string{action.name};
  auto has_argument = from.arguments.size() > 1;
  if (action.argument.empty() && has_argument)
    return name + " takes no argument, but got " + quote_word(from.arguments[1]);
  if (!action.argument.empty() && !has_argument)
    return name + " needs " + std::string{action.argument};
  for (const auto& [option, values] : from.options)
    if (std::find(action.options.begin(), action.options.end(), option) == action.options.end())
      return "--" + option + " is not for " + name;
  return {};
}

exit_code fail_unknown_policy(const caf::error& err, const std::string& text, console& io) {
  auto name = text.substr(0, text.find('('));
  std::vector<std::string_view> known;
  for (const auto& policy : routing_policies()) known.push_back(policy.name);
  auto nearest = nearest_word(name, known);
  auto is_known = std::find(known.begin(), known.end(), name) != known.end();
  if (is_known || nearest.empty()) return io.fail(err);
  return io.fail(err, "did you mean " + std::string{nearest} + "?");
}

exit_code answer(const invocation& from, const action_spec& action, const tmsg::rtrep& report,
                 console& io) {
  auto reader = report.read();
  if (action.id == action_id::STATUS) {
    if (from.wants_json())
      io.line(route_status_json(*reader));
    else
      io.write(route_status_text(*reader, io.out_style(), now_ms()));
  } else if (action.id == action_id::EXPLAIN) {
    if (from.wants_json())
      io.line(route_explain_json(reader->getDecision()));
    else
      io.write(route_explain_text(reader->getDecision(), io.out_style(), now_ms()));
  } else if (from.wants_json()) {
    io.line(route_setting_json(reader->getSetting()));
  } else {
    io.line("policy " + route_setting_text(reader->getSetting()));
  }
  return exit_code::ok;
}

/// Page by page, so that any number of decisions takes little memory on either side.
exit_code export_decisions(client& node, std::uint64_t after, std::uint64_t limit, console& io) {
  while (limit > 0 && io.is_open()) {
    message_builder<schema::RouteCommand> command;
    command->setAction(action_id::EXPORT);
    command->setDecision(after);
    command->setLimit(static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, page_decisions)));
    auto report = node.route(command.finish());
    if (!report) return io.fail(report.error());
    auto reader = report->read();
    auto decisions = reader->getDecisions();
    for (auto decision : decisions) {
      if (limit == 0) break;
      io.line(write_decision_json(decision));
      after = decision.getId();
      --limit;
    }
    if (!reader->getMore() || decisions.size() == 0) break;
  }
  return exit_code::ok;
}

exit_code run_export(const invocation& from, console& io) {
  auto limit = integer_option(from, "limit", 1, limit_max);
  if (!limit) return usage_error(io, from, limit.error());
  std::uint64_t after = 0;
  if (auto text = from.value("after")) {
    auto id = parse_decision(*text);
    if (!id)
      return usage_error(
          io, from,
          "--after is " + quote_word(*text) + ", but must be the id of a decision, a number");
    after = *id;
  }
  auto [node, code] = connect(from, io);
  if (!node) return code;
  return export_decisions(*node, after, static_cast<std::uint64_t>(limit->value_or(limit_max)), io);
}

exit_code run(const invocation& from, console& io) {
  const auto* action = find_action(from.arguments.front());
  if (action == nullptr) return unknown_action(from, from.arguments.front(), io);
  if (auto wrong = check_words(from, *action); !wrong.empty()) return usage_error(io, from, wrong);
  if (action->id == action_id::EXPORT) return run_export(from, io);
  if (action->name == "eval") return route_eval(from, io);
  message_builder<schema::RouteCommand> command;
  command->setAction(action->id);
  if (action->id == action_id::EXPLAIN) {
    auto id = parse_decision(from.arguments[1]);
    if (!id)
      return usage_error(io, from,
                         quote_word(from.arguments[1]) +
                             " is not the id of a decision: a number, as `tandem job ID "
                             "--json` and `tandem route export` show it");
    command->setDecision(*id);
  }
  if (action->id == action_id::TRY) command->setPolicy(valid_utf8(from.arguments[1]));
  auto share = number_option(from, "share", 0, 0.5);
  if (!share) return usage_error(io, from, share.error());
  command->setShare(share->value_or(0));
  command->setReason(valid_utf8(from.value("reason").value_or("")));
  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto report = node->route(command.finish());
  if (report) return answer(from, *action, *report, io);
  if (action->id == action_id::EXPLAIN && code_of(report.error()) == errc::not_found)
    return io.fail(report.error(), "`tandem route export` lists those that are kept");
  auto code_of_it = code_of(report.error());
  if (action->id == action_id::TRY &&
      (code_of_it == errc::invalid_argument || code_of_it == errc::not_found))
    return fail_unknown_policy(report.error(), from.arguments[1], io);
  return io.fail(report.error());
}

}  // namespace

const command_spec route_command{
    .name = "route",
    .arguments = "status|explain DECISION|try POLICY|promote|rollback|export|eval LOG",
    .summary = "see how models are chosen, and try, promote or roll back a policy",
    .details =
        "status shows the policy that acts, what is tried, what was learned of each model, and "
        "what "
        "a person\n"
        "should know. explain tells of one decision why its model was chosen, and what came of it. "
        "try has\n"
        "POLICY watched beside the one that acts, or lets it make a share of the decisions; "
        "promote "
        "makes it\n"
        "the one that acts, rollback ends a trial, or else goes back to the policy before. All "
        "nodes of a\n"
        "cluster follow. export writes decisions as JSON, one a line, in the order of their "
        "arrival; eval\n"
        "estimates from such a LOG what other policies would have been worth, without a node.",
    .example =
        "tandem route status\n"
        "tandem route explain 4947802324993\n"
        "tandem route try linear_ucb --share 0.1\n"
        "tandem route try 'auto(cost_weight=0.1)' --share 0.1\n"
        "tandem route export --limit 10000 > decisions.jsonl\n"
        "tandem route eval decisions.jsonl --policy cheapest",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run};

}  // namespace tandem::cli
