#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "config/words.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/endpoint.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/keys_text.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

constexpr std::array options{
    option_spec{"name", "NAME", "create: what people call it"},
    option_spec{"tenant", "NAME", "create: whose jobs, caches and budgets its calls are"},
    option_spec{"model", "MODEL",
                "create: that it may name; a * at the end stands for any rest; may be repeated; "
                "all by default",
                true},
    option_spec{"requests-per-min", "N", "create: at each gateway"},
    option_spec{"tokens-per-min", "N", "create: at each gateway, read and written"},
    option_spec{"concurrency", "N", "create: requests at once, at each gateway"},
    option_spec{"budget-usd", "AMOUNT", "create: dollars that it may spend, at each gateway"},
    option_spec{"budget-tokens", "N", "create: tokens that it may use, at each gateway"},
    option_spec{"budget-period", "TIME",
                "create: the budget is new after each; without it there is one for ever"},
    option_spec{"priority-max", "N",
                "create: highest priority of its jobs, -100 to 100; default 0"},
    option_spec{"admin", "", "create: may see and steer the cluster, and jobs of all tenants"},
    option_spec{"expires", "TIME", "create: it holds for so long"}};

constexpr std::array<std::string_view, 3> actions{"create", "list", "revoke"};

caf::error set_numbers(const invocation& from, schema::ApiKey::Builder key) {
  auto requests = integer_option(from, "requests-per-min", 1, 1'000'000'000);
  if (!requests) return std::move(requests.error());
  key.setRequestsPerMin(static_cast<std::uint32_t>(requests->value_or(0)));
  auto tokens = integer_option(from, "tokens-per-min", 1, 1'000'000'000'000'000);
  if (!tokens) return std::move(tokens.error());
  key.setTokensPerMin(static_cast<std::uint64_t>(tokens->value_or(0)));
  auto at_once = integer_option(from, "concurrency", 1, 1'000'000);
  if (!at_once) return std::move(at_once.error());
  key.setConcurrency(static_cast<std::uint32_t>(at_once->value_or(0)));
  auto priority = integer_option(from, "priority-max", -100, 100);
  if (!priority) return std::move(priority.error());
  key.setPriorityMax(static_cast<std::int8_t>(priority->value_or(0)));
  return {};
}

caf::error set_budget(const invocation& from, schema::ApiKey::Builder key) {
  auto usd = number_option(from, "budget-usd", 1e-9, 1e9);
  if (!usd) return std::move(usd.error());
  auto tokens = integer_option(from, "budget-tokens", 1, std::numeric_limits<std::int64_t>::max());
  if (!tokens) return std::move(tokens.error());
  auto period = duration_option(from, "budget-period");
  if (!period) return std::move(period.error());
  if (*period && !*usd && !*tokens)
    return make_error(errc::invalid_argument,
                      "--budget-period needs --budget-usd or --budget-tokens");
  auto budget = key.initBudget();
  if (*usd) budget.setCostNanousd(to_nanousd(**usd).value_or(0));
  if (*tokens) budget.setTokens(static_cast<std::uint64_t>(**tokens));
  if (*period) key.setBudgetPeriodMs(static_cast<std::uint64_t>((*period)->count()));
  return {};
}

caf::error set_key(const invocation& from, schema::ApiKey::Builder key) {
  for (const char* needed : {"name", "tenant"})
    if (from.value(needed).value_or("").empty())
      return make_error(errc::invalid_argument, std::string{"keys create needs --"} + needed);
  key.setName(valid_utf8(*from.value("name")));
  key.setTenant(valid_utf8(*from.value("tenant")));
  auto named = from.values("model");
  auto models = key.initModels(static_cast<unsigned>(named.size()));
  for (unsigned i = 0; i < models.size(); ++i) models.set(i, valid_utf8(named[i]));
  key.setAdmin(from.has("admin"));
  if (auto err = set_numbers(from, key)) return err;
  if (auto err = set_budget(from, key)) return err;
  auto holds = duration_option(from, "expires");
  if (!holds) return std::move(holds.error());
  if (*holds) key.setExpiresAtMs(now_ms() + static_cast<std::uint64_t>((*holds)->count()));
  return {};
}

exit_code create(const invocation& from, console& io) {
  message_builder<schema::KeyCommand> command;
  command->setAction(schema::KeyAction::CREATE);
  if (auto err = set_key(from, command->initKey())) return usage_error(io, from, err);
  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto report = node->keys(command.finish());
  if (!report) return io.fail(report.error());
  auto reader = report->read();
  if (reader->getKeys().size() != 1 || reader->getSecret().size() == 0)
    return io.fail(make_error(errc::malformed_message, "the node's answer has no key"));
  io.note(key_facts_text(reader->getKeys()[0].getKey()));
  io.note("nobody has its text but this output: keep it now");
  if (from.wants_json())
    io.line(keys_json({&*report, 1}));
  else
    io.line(view(reader->getSecret()));
  return exit_code::ok;
}

exit_code list(const invocation& from, console& io) {
  auto [node, code] = connect(from, io);
  if (!node) return code;
  std::vector<tmsg::keyrpt> pages;
  std::string after;
  for (;;) {
    message_builder<schema::KeyCommand> command;
    command->setAction(schema::KeyAction::LIST);
    command->initKey().setId(after);
    auto page = node->keys(command.finish());
    if (!page) return io.fail(page.error());
    auto reader = page->read();
    auto keys = reader->getKeys();
    if (keys.size() == 0) break;
    std::string last{view(keys[keys.size() - 1].getKey().getId())};
    // A node that answers the same for ever is not asked for ever.
    if (last <= after) break;
    after = std::move(last);
    pages.push_back(std::move(*page));
  }
  if (from.wants_json())
    io.line(keys_json(pages));
  else
    io.write(keys_text(pages, io.out_style(), now_ms()));
  return exit_code::ok;
}

exit_code revoke(const invocation& from, console& io) {
  message_builder<schema::KeyCommand> command;
  command->setAction(schema::KeyAction::REVOKE);
  command->initKey().setId(valid_utf8(from.arguments[1]));
  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto report = node->keys(command.finish());
  if (!report) return io.fail(report.error());
  if (from.wants_json())
    io.line(keys_json({&*report, 1}));
  else
    io.line("key " + from.arguments[1] +
            " is revoked; other gateways know of it as soon as they are reached");
  return exit_code::ok;
}

exit_code run(const invocation& from, console& io) {
  const auto& action = from.arguments.front();
  auto given = from.arguments.size() - 1;
  if (action == "revoke")
    return given == 1 ? revoke(from, io)
                      : usage_error(io, from, "keys revoke needs the id of a key, one");
  if ((action == "create" || action == "list") && given != 0)
    return usage_error(io, from, "keys " + action + " takes no argument");
  if (action == "create") return create(from, io);
  if (action == "list") return list(from, io);
  std::vector<std::string_view> known{actions.begin(), actions.end()};
  auto text = "keys cannot " + quote_word(action) + ", but " + list_words(known);
  auto nearest = nearest_word(action, known);
  if (!nearest.empty()) text += "; did you mean " + std::string{nearest} + "?";
  return usage_error(io, from, text);
}

}  // namespace

const command_spec keys_command{
    .name = "keys",
    .arguments = "create|list|revoke ID",
    .summary = "API keys of the HTTP interface: who may call, and how much",
    .details =
        "create prints the key's text on stdout, this once: nobody can show it again. list shows "
        "keys and\n"
        "their use at the node that is asked. revoke ends one, for good. All gateways of the "
        "cluster know\n"
        "the same keys; rates and budgets are of each gateway.",
    .example =
        "tandem keys create --name chat-page --tenant acme --model 'tandem*' --budget-usd 20 "
        "--budget-period 30d\n"
        "tandem keys list\n"
        "tandem keys revoke k3fwq2xmabcd",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run};

}  // namespace tandem::cli
