#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "config/words.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/endpoint.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/weights_text.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

using action_id = schema::WeightAction;

constexpr std::chrono::hours transfer_time{12};
constexpr std::chrono::milliseconds watch_wait{2000};

constexpr std::array options{
    option_spec{"version", "V", "add: what it is called; the next number by default"},
    option_spec{"max-unavailable", "K", "roll: engines that change at once; 1 by default"},
    option_spec{"canary", "N",
                "roll: so many engines first, which are judged before the others follow"},
    option_spec{"judge", "TIME", "roll: how long canaries are looked at, at least; 30s by default"},
    option_spec{"judge-requests", "N",
                "roll: and how many of their requests, at least; 50 by default"},
    option_spec{"drain", "TIME",
                "roll: how long an engine's work may take to finish; 60s by default"},
    option_spec{"load", "TIME", "roll: how long loading may take; 10min by default"},
    option_spec{"pause", "", "roll: engines that can pause their requests are not drained"},
    option_spec{"prompt", "TEXT", "roll: what every engine is asked before it takes work"},
    option_spec{"expect", "TEXT", "roll: what its answer must contain"},
    option_spec{"force", "",
                "add, roll: also what does not fit the weights before; remove: the last copy"},
    option_spec{"watch", "", "roll, status: until the update is over"}};

struct action_spec {
  std::string_view name;
  action_id id;
  std::size_t arguments_min;
  std::size_t arguments_max;
  std::string_view arguments;
};
constexpr std::array actions{
    action_spec{"list", action_id::LIST, 0, 1, "[MODEL]"},
    action_spec{"add", action_id::ADD, 2, 2, "MODEL PATH"},
    action_spec{"show", action_id::SHOW, 2, 2, "MODEL VERSION"},
    action_spec{"compare", action_id::COMPARE, 3, 3, "MODEL VERSION VERSION"},
    action_spec{"remove", action_id::REMOVE, 2, 2, "MODEL VERSION"},
    action_spec{"fetch", action_id::FETCH, 2, 2, "MODEL VERSION"},
    action_spec{"roll", action_id::ROLL, 2, 2, "MODEL VERSION"},
    action_spec{"status", action_id::STATUS, 0, 1, "[MODEL]"},
    action_spec{"stop", action_id::STOP, 1, 1, "MODEL"}};

caf::error set_options(const invocation& from, schema::RollOptions::Builder out) {
  auto number = [&](const char* name, std::int64_t min, std::int64_t max, auto set) -> caf::error {
    auto value = integer_option(from, name, min, max);
    if (!value) return value.error();
    if (*value) set(static_cast<std::uint32_t>(**value));
    return caf::none;
  };
  auto time = [&](const char* name, auto set) -> caf::error {
    auto value = duration_option(from, name);
    if (!value) return value.error();
    if (*value) set(static_cast<std::uint64_t>((*value)->count()));
    return caf::none;
  };
  if (auto err =
          number("max-unavailable", 1, 100'000, [&](std::uint32_t n) { out.setMaxUnavailable(n); }))
    return err;
  if (auto err = number("canary", 0, 100'000, [&](std::uint32_t n) { out.setCanaries(n); }))
    return err;
  if (auto err = number("judge-requests", 1, 100'000'000,
                        [&](std::uint32_t n) { out.setJudgeRequests(n); }))
    return err;
  if (auto err = time("judge", [&](std::uint64_t ms) { out.setJudgeMs(ms); })) return err;
  if (auto err = time("drain", [&](std::uint64_t ms) { out.setDrainMs(ms); })) return err;
  if (auto err = time("load", [&](std::uint64_t ms) { out.setLoadMs(ms); })) return err;
  out.setPause(from.has("pause"));
  out.setForce(from.has("force"));
  out.setPrompt(valid_utf8(from.value("prompt").value_or("")));
  out.setExpected(valid_utf8(from.value("expect").value_or("")));
  return caf::none;
}

exit_code ended(schema::WeightReport::Reader report) {
  for (auto roll : report.getRolls())
    if (roll.getPhase() == schema::RollPhase::ROLLED_BACK ||
        roll.getPhase() == schema::RollPhase::GATED)
      return exit_code::failed;
  return exit_code::ok;
}

/// Until no update is under way.
exit_code watch(const invocation& from, client& node, const std::string& model, console& io) {
  interrupt_notice left{"the update goes on; see `tandem weights status`\n"};
  std::uint64_t seen = 0;
  std::string last;
  for (;;) {
    message_builder<schema::WeightCommand> ask;
    ask->setAction(action_id::STATUS);
    ask->setModel(model);
    ask->setSequence(seen);
    ask->setWaitMs(static_cast<std::uint64_t>(watch_wait.count()));
    auto report = node.weights(ask.finish(), watch_wait);
    if (!report) return io.fail(report.error());
    auto reader = report->read();
    seen = reader->getSequence();
    auto rolls = reader->getRolls();
    auto over = true;
    for (auto roll : rolls) over = over && is_over(roll);
    if (from.wants_json()) {
      auto text = weights_json(*reader);
      if (text != last) io.line(text);
      last = text;
    } else if (io.is_terminal()) {
      auto text = rolls_text(*reader, io.out_style());
      std::vector<std::string> lines;
      for (std::size_t at = 0; at < text.size();) {
        auto end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
      }
      if (lines.size() + 1 > io.height()) lines.resize(std::max<std::size_t>(io.height(), 2) - 1);
      io.redraw(lines);
    } else {
      std::string text;
      for (auto roll : rolls)
        if (!is_over(roll) || over) text += roll_line(roll) + "\n";
      if (text != last) io.write(text);
      last = text;
    }
    if (!io.is_open()) return exit_code::ok;
    if (over) {
      io.end_drawing();
      return ended(*reader);
    }
  }
}

exit_code show(const invocation& from, action_id action, const tmsg::wtrep& report, console& io) {
  auto reader = report.read();
  if (from.wants_json()) {
    io.line(weights_json(*reader));
    return exit_code::ok;
  }
  auto how = io.out_style();
  switch (action) {
    case action_id::LIST:
      io.write(weights_text(*reader, how));
      break;
    case action_id::SHOW:
      io.write(version_text(*reader, how));
      break;
    case action_id::COMPARE:
      io.write(difference_text(*reader, how));
      break;
    case action_id::STATUS:
      io.write(rolls_text(*reader, how));
      break;
    default:
      io.line(printable_line(view(reader->getDone())));
      break;
  }
  return exit_code::ok;
}

exit_code unknown_action(const invocation& from, const std::string& word, console& io) {
  std::vector<std::string_view> names;
  for (const auto& one : actions) names.push_back(one.name);
  auto text = "weights cannot " + quote_word(word) + ", but " + list_words(names);
  auto nearest = nearest_word(word, names);
  if (!nearest.empty()) text += "; did you mean " + std::string{nearest} + "?";
  return usage_error(io, from, text);
}

exit_code run(const invocation& from, console& io) {
  const auto& word = from.arguments.front();
  const auto* action = std::find_if(actions.begin(), actions.end(),
                                    [&](const auto& one) { return one.name == word; });
  if (action == actions.end()) return unknown_action(from, word, io);
  auto given = from.arguments.size() - 1;
  if (given < action->arguments_min || given > action->arguments_max)
    return usage_error(
        io, from,
        "weights " + word + " takes " +
            (action->arguments.empty() ? "no argument" : std::string{action->arguments}));
  auto argument = [&](std::size_t i) {
    return given > i ? valid_utf8(from.arguments[i + 1]) : std::string{};
  };
  message_builder<schema::WeightCommand> command;
  command->setAction(action->id);
  command->setModel(argument(0));
  if (action->id == action_id::ADD) {
    command->setVersion(valid_utf8(from.value("version").value_or("")));
    // The node reads it, so it must not depend on where this program was started.
    std::error_code failed;
    auto path = std::filesystem::absolute(argument(1), failed);
    if (failed) return usage_error(io, from, "cannot make " + argument(1) + " an absolute path");
    command->setPath(path.lexically_normal().string());
  } else {
    command->setVersion(argument(1));
    command->setOther(argument(2));
  }
  if (auto err = set_options(from, command->initOptions())) return usage_error(io, from, err);
  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto watches = from.has("watch");
  if (action->id == action_id::STATUS && watches) return watch(from, *node, argument(0), io);
  auto slow = action->id == action_id::ADD || action->id == action_id::FETCH;
  auto report = node->weights(command.finish(), slow ? transfer_time : std::chrono::hours{0});
  if (!report) return io.fail(report.error());
  if (action->id == action_id::ROLL && watches) {
    io.note(view(report->read()->getDone()));
    return watch(from, *node, argument(0), io);
  }
  return show(from, action->id, *report, io);
}

}  // namespace

const command_spec weights_command{
    .name = "weights",
    .arguments = "list|add|show|compare|remove|fetch|roll|status|stop ...",
    .summary = "versions of a model's weights: keep them, move them, change engines to them",
    .details =
        "  list [MODEL]              versions, and which nodes have them\n"
        "  add MODEL PATH            a GGUF file or a folder on the node becomes a version\n"
        "  show MODEL V              its files, and where they are\n"
        "  compare MODEL V W         what differs, and whether one may take the other's place\n"
        "  fetch MODEL V             brings it to the node from those that have it\n"
        "  remove MODEL V            this node's copy\n"
        "  roll MODEL V              takes every engine of the model to it, one by one; what "
        "fails\n"
        "                            goes back. Exit code with --watch: 1 when it went back\n"
        "  status [MODEL]            updates and transfers\n"
        "  stop MODEL                the update under way goes back",
    .example =
        "tandem weights add executor /models/executor-2.gguf --version 2\n"
        "tandem weights roll executor 2 --canary 1 --watch",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 4,
    .run = run};

}  // namespace tandem::cli
