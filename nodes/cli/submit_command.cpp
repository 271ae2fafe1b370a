#include <array>
#include <limits>

#include "config/words.hpp"
#include "nodes/cli/check_option.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/endpoint.hpp"
#include "nodes/cli/follow.hpp"
#include "nodes/cli/goal.hpp"
#include "nodes/cli/job_json.hpp"
#include "nodes/cli/names.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

constexpr std::array options{
    option_spec{"file", "FILE", "read the goal from FILE"},
    option_spec{"wait", "", "wait for the end and print the answer"},
    option_spec{"follow", "", "show the steps as they finish, then the answer"},
    option_spec{"mode", "MODE",
                "plan_act (a large model plans, small ones act; the default), large or small (one "
                "call to that tier), or auto (the router learns which of them does; best with "
                "--check)"},
    option_spec{"key", "KEY", "submitting the same key and goal again gives the same job"},
    option_spec{"tenant", "NAME", "on whose behalf; nothing is shared between tenants"},
    option_spec{"tag", "TAG", "a tag to find the job by; may be repeated", true},
    option_spec{"priority", "NUMBER", "-100 to 100, higher first; 0 by default"},
    option_spec{
        "timeout", "TIME",
        "the job fails when it has not ended after this, such as 30s; the node has a default"},
    option_spec{"budget-usd", "AMOUNT",
                "what the whole job may cost in US dollars, such as 0.05; the node has a default"},
    option_spec{"budget-tokens", "NUMBER", "what it may read and write in all"},
    option_spec{"check", "KIND[=ARGUMENT]",
                "verify the answer: number, exact=TEXT, contains=TEXT, regex=EXPRESSION, "
                "json_schema=SCHEMA, judge=RUBRIC or command=NAME (of a [[check]] in the node's "
                "config)"},
    option_spec{"cache", "USE",
                "use (the default), refresh (compute anew, and keep it) or off: what caches may do "
                "for this job"},
    option_spec{"weights", "POLICY",
                "when no engine serves the weights any more that the job began with: fail, or mix "
                "(go on with those that are served); the node has a default"},
    option_spec{"session", "NAME",
                "jobs of one session prefer the engine that has read their common texts"},
    option_spec{"check-file", "FILE", "read the argument of --check from FILE"}};

caf::expected<schema::PlanMode> mode_of(const invocation& from) {
  auto text = from.value("mode");
  if (!text) return schema::PlanMode::PLAN_ACT;
  if (auto mode = parse_plan_mode(*text)) return *mode;
  return make_error(errc::invalid_argument, "--mode is " + quote_word(*text) +
                                                ", but must be plan_act, large, small or auto");
}

caf::expected<schema::CacheUse> cache_use_of(const invocation& from) {
  auto text = from.value("cache");
  if (!text || *text == "use") return schema::CacheUse::USE;
  if (*text == "refresh") return schema::CacheUse::REFRESH;
  if (*text == "off") return schema::CacheUse::OFF;
  return make_error(errc::invalid_argument,
                    "--cache is " + quote_word(*text) + ", but must be use, refresh or off");
}

caf::expected<schema::WeightPolicy> weights_of(const invocation& from) {
  auto text = from.value("weights");
  if (!text) return schema::WeightPolicy::UNKNOWN;
  if (*text == "fail") return schema::WeightPolicy::FAIL;
  if (*text == "mix") return schema::WeightPolicy::MIX;
  return make_error(errc::invalid_argument,
                    "--weights is " + quote_word(*text) + ", but must be fail or mix");
}

caf::error read_budget(const invocation& from, schema::Budget::Builder budget) {
  auto usd = number_option(from, "budget-usd", 0, 1e9);
  if (!usd) return std::move(usd.error());
  auto tokens = integer_option(from, "budget-tokens", 1, std::numeric_limits<std::int64_t>::max());
  if (!tokens) return std::move(tokens.error());
  if (*usd) {
    auto nanousd = to_nanousd(**usd).value_or(0);
    if (nanousd == 0) {
      return make_error(errc::invalid_argument,
                        "--budget-usd is " + quote_word(*from.value("budget-usd")) +
                            ", which allows nothing; name an amount of at least 0.000000001");
    }
    budget.setCostNanousd(nanousd);
  }
  if (*tokens) budget.setTokens(static_cast<std::uint64_t>(**tokens));
  return {};
}

/// Everything but the goal; `invalid_argument` for the first option that is wrong.
caf::error read_options(const invocation& from, schema::Submit::Builder submit) {
  auto mode = mode_of(from);
  if (!mode) return std::move(mode.error());
  auto priority = integer_option(from, "priority", -100, 100);
  if (!priority) return std::move(priority.error());
  auto timeout = duration_option(from, "timeout");
  if (!timeout) return std::move(timeout.error());
  auto cache = cache_use_of(from);
  if (!cache) return std::move(cache.error());
  submit.setCache(*cache);
  auto weights = weights_of(from);
  if (!weights) return std::move(weights.error());
  submit.setWeights(*weights);
  for (const char* name : {"key", "tenant", "session"}) {
    if (auto text = from.value(name); text && !is_valid_utf8(*text)) {
      return make_error(errc::invalid_argument, std::string{"--"} + name + " is not UTF-8 text");
    }
  }
  if (auto err = read_budget(from, submit.initBudget())) return err;
  submit.setMode(*mode);
  submit.setPriority(static_cast<std::int8_t>(priority->value_or(0)));
  if (*timeout) submit.setTimeoutMs(static_cast<std::uint64_t>((*timeout)->count()));
  submit.setClientKey(from.value("key").value_or(""));
  submit.setTenant(from.value("tenant").value_or(""));
  submit.setSession(from.value("session").value_or(""));
  auto given = from.values("tag");
  auto tags = submit.initTags(static_cast<unsigned>(given.size()));
  for (unsigned i = 0; i < tags.size(); ++i) {
    if (!is_valid_utf8(given[i])) {
      return make_error(errc::invalid_argument, "--tag is not UTF-8 text");
    }
    tags.set(i, given[i]);
  }
  return {};
}

std::string accepted_json(job_id job, bool is_duplicate, bool is_event) {
  json_writer json;
  json.object();
  if (is_event) json.field("event", "accepted");
  json.field("job", to_string(job));
  json.field("duplicate", is_duplicate);
  json.end();
  return json.text();
}

exit_code say_accepted(const invocation& from, console& io, job_id job, bool is_duplicate) {
  if (from.wants_json()) {
    io.line(accepted_json(job, is_duplicate, false));
    return exit_code::ok;
  }
  io.line(to_string(job));
  if (io.has_reader()) {
    io.note(std::string{is_duplicate ? "known already: its key was used before; " : "accepted; "} +
            "`tandem follow " + to_string(job) + "` shows how it goes");
  }
  return exit_code::ok;
}

/// A message above the limit would be lost on its way.
constexpr std::size_t message_goal_max = 512u << 10;

exit_code run(const invocation& from, console& io) {
  auto goal = read_goal(from.arguments, from.value("file"));
  if (!goal) {
    if (code_of(goal.error()) == errc::invalid_argument) return usage_error(io, from, goal.error());
    return io.fail(exit_code::local_failure, message_of(goal.error()));
  }
  if (goal->size() > message_goal_max) {
    return usage_error(io, from,
                       "the goal has " + std::to_string(goal->size()) +
                           " bytes; a node takes at most 512 KiB, and may be set to less");
  }
  message_builder<schema::Submit> submit;
  if (auto err = read_options(from, *submit)) return usage_error(io, from, err);
  auto check = read_check(from.value("check"), from.value("check-file"));
  if (!check) {
    if (code_of(check.error()) == errc::invalid_argument)
      return usage_error(io, from, check.error());
    return io.fail(exit_code::local_failure, message_of(check.error()));
  }
  submit->initCheck().setKind(check->kind);
  submit->getCheck().setArgument(check->argument);
  auto message = submit->initMessages(1)[0];
  message.setRole(schema::Role::USER);
  message.setContent(*goal);

  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto reply = node->submit(submit.finish());
  if (!reply) {
    auto retry = can_retry(code_of(reply.error()))
                     ? "whether the job was accepted is not known for a timeout or a lost node: "
                       "submit with --key to be able to repeat it safely"
                     : "";
    return io.fail(reply.error(), retry);
  }
  auto job = id_of(reply->read()->getJob());
  auto is_duplicate = reply->read()->getDuplicate();
  if (from.has("follow")) {
    if (from.wants_json()) io.line(accepted_json(job, is_duplicate, true));
    return follow_job(*node, job, {.json = from.wants_json()}, io);
  }
  if (from.has("wait")) return wait_for_job(*node, job, from.wants_json(), io);
  return say_accepted(from, io, job, is_duplicate);
}

}  // namespace

const command_spec submit_command{
    .name = "submit",
    .arguments = "GOAL...",
    .summary = "give a job to the node",
    .details =
        "The goal is what the words say, joined by spaces; - reads it from stdin. The job is safe "
        "in the\n"
        "node's journal when its id appears on stdout. With --wait or --follow the answer comes on "
        "stdout\n"
        "and the exit code tells how the job ended; ^C leaves it running.",
    .example =
        "tandem submit --follow 'What is 12+max(7,5)?'\n"
        "tandem submit --wait --mode small --file goal.txt > answer.txt\n"
        "tandem submit --wait --budget-usd 0.05 --check number 'What is 12+max(7,5)?'\n"
        "tandem submit --check json_schema --check-file invoice.schema.json --file mail.txt\n"
        "id=$(tandem submit --key order-17 --tag nightly - < goal.txt)",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 100'000,
    .run = run};

}  // namespace tandem::cli
