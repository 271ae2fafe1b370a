#include "config/sections.hpp"

#include <cstdint>

namespace tandem {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;
constexpr std::size_t gib = 1024 * mib;
constexpr auto day = 24h;
constexpr auto year = 365 * day;
/// What one message to an actor may carry, less its other fields.
constexpr std::size_t message_bytes_max = 768 * kib;
constexpr std::size_t prompt_bytes_max = 64 * kib;

config_field bind_listen(listen_address& member) {
  return {"listen",
          "Where nodes and the command line connect: host:port, with brackets around an IPv6\n"
          "address; port 0 takes any free one. Mutual TLS always, loopback included.",
          "an address such as \"127.0.0.1:7420\" or \"[::1]:7420\", ports 0 to 65535",
          [&member](const raw_value& raw) {
            const auto* text = std::get_if<std::string>(&raw.value);
            if (text == nullptr) return false;
            auto parsed = parse_address(*text);
            if (!parsed) return false;
            member = std::move(*parsed);
            return true;
          },
          [] { return true; },
          [&member] { return toml_string(to_string(member)); }};
}

config_fields bind_node(node_config& c) {
  return {
      bind_name("name", c.name, "How this node is called. Empty: the host's name.", true),
      bind_path(
          "data", c.data,
          "The folder of the journal and of TLS, for one node at a time; made with mode 0700.\n"
          "Empty: $XDG_STATE_HOME/tandem, else ~/.local/state/tandem."),
      bind_listen(c.listen),
      bind_integer("threads", c.threads, "Worker threads. 0: as many as cores.", 0, 1024),
      bind_list("roles", c.roles,
                "What this node does: \"planner\" accepts jobs, \"executor\" runs attempts.",
                {"planner", "executor"}),
  };
}

config_fields bind_log(node_config& c) {
  return {bind_choice("level", c.log_level, "The least severe event that is written.",
                      {"trace", "debug", "info", "warn", "error", "off"})};
}

config_fields bind_tls(tls_config& c) {
  return {
      bind_path("folder", c.folder,
                "ca.pem, node.pem and node.key; made on the first start. Empty: tls in the data\n"
                "folder."),
      bind_duration("lifetime", c.lifetime,
                    "Of certificates that this node issues; they are renewed when a third is left.",
                    day, 10 * year),
      bind_list("hosts", c.hosts,
                "Names and addresses that this node's certificate holds for, beside its name and\n"
                "localhost.",
                {}),
  };
}

config_fields bind_jobs(planner_config& c) {
  return {
      bind_integer("running_max", c.running_max, "Jobs that run at once; more wait in the queue.",
                   1, 1'000'000),
      bind_integer("queued_max", c.queued_max,
                   "Jobs that wait; more are refused with `overloaded`.", 0, 10'000'000),
      bind_size("goal_bytes_max", c.goal_bytes_max, "All messages of a goal together.", 1,
                message_bytes_max),
      bind_integer("messages_max", c.messages_max, "Chat messages of a goal.", 1, 10'000),
      bind_duration("timeout", c.timeout,
                    "From acknowledgement to the end, where the client names none.", 1ms, year),
      bind_duration("timeout_max", c.timeout_max, "The longest that a client may ask for.", 1ms,
                    year),
      bind_integer("steps_max", c.steps_max, "Steps of one plan.", 1, 100'000),
      bind_size("step_bytes_max", c.step_bytes_max, "One step as the planning model writes it.", 64,
                message_bytes_max),
      bind_size("plan_bytes_max", c.plan_bytes_max, "One plan as the planning model writes it.", 64,
                64 * mib),
      bind_integer("steps_in_flight_max", c.steps_in_flight_max,
                   "Steps of one job at work at once.", 1, 100'000),
      bind_integer("small_attempts_max", c.small_attempts_max,
                   "Tries of one step by small models before the large tier is asked.", 0, 100),
      bind_integer("large_attempts_max", c.large_attempts_max,
                   "Tries of one step by the large tier before a new plan is asked for.", 0, 100),
      bind_integer("plan_attempts_max", c.plan_attempts_max,
                   "Tries of one plan request within an epoch.", 1, 100),
      bind_integer("epochs_max", c.epochs_max, "Plans of one job; after the last the job fails.", 1,
                   100),
      bind_duration("attempt_timeout", c.attempt_timeout, "One attempt, from pool to reply.", 1ms,
                    day),
      bind_integer("plan_tokens_max", c.plan_tokens_max, "Tokens of a plan.", 1, 1'000'000),
      bind_integer("step_tokens_max", c.step_tokens_max, "Tokens of a step's result.", 1,
                   1'000'000),
      bind_size("result_bytes_max", c.result_bytes_max, "A longer result fails its attempt.", 1,
                message_bytes_max),
      bind_duration("retention", c.retention, "Ended jobs are purged after this. 0h: never.", 0s,
                    100 * year),
  };
}

config_fields bind_journal(journal_config& c) {
  using storage::durability;
  return {
      bind_enum<durability>(
          "durability", c.durability,
          "What an acknowledged record survives: sync (a power cut), os (kill -9 "
          "of the node),\nnone (a clean stop).",
          {{"sync", durability::sync}, {"os", durability::os}, {"none", durability::none}}),
      bind_integer("batch_records_max", c.batch_records_max,
                   "Records in one commit; bounds how long the first of them waits.", 1, 1'000'000),
      bind_size("inline_bytes_max", c.inline_bytes_max,
                "Larger records lie in files beside the database.", 1 * kib, 16 * mib),
      bind_size("memory_bytes_max", c.memory_bytes_max, "The database's buffers and cache.",
                4 * mib, 64 * gib),
  };
}

config_fields bind_executor(executor_pool_config& c) {
  return {
      bind_integer("in_flight_max", c.in_flight_max, "Attempts at work at once on this node.", 1,
                   1'000'000),
      bind_integer("queue_max", c.queue_max,
                   "Attempts that wait for room; more are refused with `overloaded`.", 0,
                   10'000'000),
  };
}

config_fields bind_routing(router_config& c) {
  return {
      bind_choice("policy", c.policy,
                  "cheapest: the cheapest model that can serve the call. large_only: always the\n"
                  "large tier. fixed: the models named below.",
                  {"cheapest", "large_only", "fixed"}),
      bind_name("plan_model", c.plan_model, "policy = \"fixed\": the model of plans.", true),
      bind_name("step_model", c.step_model, "policy = \"fixed\": the model of everything else.",
                true),
      bind_name(
          "large_tier", c.large_tier,
          "The tier that plans, and that failed steps climb to; \"all large\" is priced by it."),
      bind_name("small_tier", c.small_tier, "The tier that acts."),
  };
}

config_fields bind_supervisor(supervisor_config& c) {
  return {
      bind_integer("restarts_max", c.restarts_max,
                   "More restarts of one actor than this within restart_period end the node,\n"
                   "cleanly.",
                   0, 10'000),
      bind_duration("restart_period", c.restart_period, "See restarts_max.", 1ms, day),
      bind_duration("backoff", c.backoff,
                    "Wait before a restart; doubles with each within the period.", 0s, 1h),
      bind_duration("backoff_max", c.backoff_max, "The longest wait before a restart.", 0s, 1h),
      bind_duration("status_timeout", c.status_timeout,
                    "An actor that does not report within this is shown as `silent`.", 1ms, 1min),
  };
}

}  // namespace

std::vector<config_section> bind_sections(node_config& c) {
  return {
      {"node", "This node.", bind_node(c)},
      {"log", "What is written to standard error.", bind_log(c)},
      {"tls", "Certificates between nodes, and between the command line and a node.",
       bind_tls(c.tls)},
      {"jobs", "Limits of what is accepted and of what one job may do.", bind_jobs(c.jobs)},
      {"journal", "The durable log.", bind_journal(c.journal)},
      {"executor", "Limits of the attempts on this node.", bind_executor(c.executor)},
      {"routing", "Which model serves a call.", bind_routing(c.routing)},
      {"supervisor", "Restarts of this node's actors, one for one.", bind_supervisor(c.supervisor)},
  };
}

config_fields bind_model(model_config& c) {
  constexpr double price_max = 1e6;
  return {
      bind_name("name", c.name, "Engines name it."),
      bind_name("tier", c.tier, "The role: large, small, or any other name that [routing] uses."),
      bind_number("input_price", c.input_price, "US dollars per million tokens read.", 0,
                  price_max),
      bind_number("output_price", c.output_price, "US dollars per million tokens written.", 0,
                  price_max),
      bind_text(
          "plan_system", c.plan_system,
          "System message of a plan request. In all prompts {{goal}}, {{error}}, {{finished}}\n"
          "and {{steps_max}} are replaced.",
          prompt_bytes_max),
      bind_text("plan_prompt", c.plan_prompt, "User message of a plan request.", prompt_bytes_max),
      bind_text("replan_prompt", c.replan_prompt,
                "User message of a plan request after a failed plan.", prompt_bytes_max),
      bind_text("step_system", c.step_system, "System message of a step.", prompt_bytes_max),
      bind_text("answer_system", c.answer_system, "System message of an answer without a plan.",
                prompt_bytes_max),
      bind_text("compose_system", c.compose_system,
                "System message of an answer composed from the steps' results.", prompt_bytes_max),
  };
}

config_fields bind_engine(engine_config& c) {
  return {
      bind_name("name", c.name, "Unique among the engines."),
      bind_choice("kind", c.kind,
                  "embedded: a small model within the node. sim: simulated, see [engine.sim].",
                  {"embedded", "sim"}),
      bind_name("model", c.model, "The name of a [[model]]."),
      bind_integer("concurrency", c.concurrency, "Requests at work at once.", 1, 100'000),
      bind_integer("queue_max", c.queue_max,
                   "Requests that wait in the engine; more are refused with `overloaded`.", 0,
                   1'000'000),
      bind_path("path", c.path,
                "kind = \"embedded\": a GGUF file. Relative paths start at this file's folder."),
      bind_text("weight_version", c.weight_version, "Empty: what the engine says itself.", 256),
  };
}

config_fields bind_sim(sim_config& c) {
  return {
      bind_integer("seed", c.seed, "The same seed gives the same run.", 0,
                   std::numeric_limits<std::int64_t>::max()),
      bind_duration("first_token", c.first_token, "Time to the first token.", 0s, 1h),
      bind_duration("per_token", c.per_token, "Time of each further token.", 0s, 1h),
      bind_number("error_rate", c.error_rate, "Share of calls that fail.", 0, 1),
      bind_integer("plan_steps", c.plan_steps, "Independent steps in the plans that it makes.", 1,
                   100'000),
      bind_number("time_scale", c.time_scale,
                  "Durations that a prompt names (`@sim {\"ms\":5}`) are multiplied by this.", 0,
                  1e6),
  };
}

}  // namespace tandem
