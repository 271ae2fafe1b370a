#include "config/sections.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

#include "actors/router/engines/engine_policy.hpp"
#include "actors/router/routing_policy.hpp"
#include "config/sections_http.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;

/// What one message to an actor may carry, less its other fields.
constexpr std::size_t message_bytes_max = 768 * kib;
constexpr std::string_view cache_prefix = "cache.";
constexpr std::size_t cache_tiers_max = 16;

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
                "What this node does: \"planner\" accepts jobs, \"executor\" runs attempts,\n"
                "\"gateway\" answers HTTP (see http.listen).",
                {"planner", "executor", "gateway"}),
  };
}

config_fields bind_log(node_config& c) {
  return {bind_choice("level", c.log_level, "The least severe event that is written.",
                      {"trace", "debug", "info", "warn", "error", "off"}),
          bind_choice("format", c.log_format, "Lines of text, or one JSON object a line.",
                      {"text", "json"})};
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
      bind_integer("other_models_max", c.other_models_max,
                   "Other models of its tier that a step is given to, once each, before the large\n"
                   "tier is asked.",
                   0, 100),
      bind_integer("large_attempts_max", c.large_attempts_max,
                   "Tries of one step by the large tier before a new plan is asked for.", 0, 100),
      bind_integer("plan_attempts_max", c.plan_attempts_max,
                   "Tries of one plan request within an epoch.", 1, 100),
      bind_integer("epochs_max", c.epochs_max, "Plans of one job; after the last the job fails.", 1,
                   100),
      bind_integer("crashes_max", c.crashes_max,
                   "A job whose actor crashes as often, restarts of the node between included,\n"
                   "fails.",
                   1, 100),
      bind_duration("attempt_timeout", c.attempt_timeout, "One attempt, from pool to reply.", 1ms,
                    day),
      bind_integer("plan_tokens_max", c.plan_tokens_max, "Tokens of a plan.", 1, 1'000'000),
      bind_integer("step_tokens_max", c.step_tokens_max, "Tokens of a step's result.", 1,
                   1'000'000),
      bind_size("result_bytes_max", c.result_bytes_max, "A longer result fails its attempt.", 1,
                message_bytes_max),
      bind_enum<bool>(
          "weights", c.mix_weights,
          "Of jobs that say nothing: when no engine serves the weights any more that a\n"
          "job began with, it fails, or mixes them with those that are served.",
          {{"fail", false}, {"mix", true}}),
      bind_duration("retention", c.retention, "Ended jobs are purged after this. 0h: never.", 0s,
                    100 * year),
      bind_integer("budget_tokens", c.budget_tokens,
                   "What a job may read and write in all, where the client names nothing. 0: no\n"
                   "limit.",
                   0, std::numeric_limits<std::int64_t>::max()),
      bind_number("budget_usd", c.budget_usd,
                  "What a job may cost in US dollars, where the client names nothing. 0.0: no\n"
                  "limit.",
                  0, 1e9),
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
      bind_integer("engines_tried_max", c.engines_tried_max,
                   "Engines that one attempt is offered to while they refuse it for being busy or\n"
                   "down.",
                   1, 1000),
  };
}

config_fields bind_hedging(hedging_config& c) {
  return {
      bind_number("share", c.share, "Second copies, as a share of all attempts. 0.0: none.", 0, 1),
      bind_number("quantile", c.quantile,
                  "An attempt is slow when it takes longer than this quantile of the latest ones\n"
                  "of its model and purpose.",
                  0.001, 0.999),
      bind_duration("delay_min", c.delay_min, "Never before this.", 0s, 1h),
  };
}

config_fields bind_verification(verification_config& c) {
  return {
      bind_name("judge_tier", c.judge_tier, "The tier of the model that judges."),
      bind_number("judge_share", c.judge_share,
                  "Of outputs whose check is a judge: how many it really reads.", 0, 1),
      bind_number(
          "judge_sample", c.judge_sample,
          "Of all results: how many a judge reads beside, after they were delivered, so that\n"
          "routing learns from results without a check, and the judge itself is measured by\n"
          "those that were verified.",
          0, 1),
      bind_integer("judge_tokens_max", c.judge_tokens_max, "Tokens of a verdict.", 1, 100'000),
      bind_integer("commands_max", c.commands_max, "[[check]] programs at work at once; more wait.",
                   1, 1000),
  };
}

std::vector<std::string_view> policy_names() {
  std::vector<std::string_view> names;
  for (const auto& policy : routing_policies()) names.push_back(policy.name);
  return names;
}

std::vector<std::string_view> engine_policy_names() {
  std::vector<std::string_view> names;
  for (const auto& policy : engine_policies()) names.push_back(policy.name);
  return names;
}

/// With or without settings of its own.
config_field bind_policy(router_config& c) {
  auto field = bind_choice(
      "policy", c.policy,
      "auto: learns which model will do, guarded. cheapest: the cheapest model that can\n"
      "serve the call. large_only: always the large tier. fixed: the models named below.\n"
      "cascade: the cheapest first, the next after a failed check. ucb1, linear_ucb,\n"
      "linear_thompson: as in the literature, unguarded.",
      policy_names());
  field.form += "; one that learns also with settings, \"auto(exploration=0.05,cost_weight=0.1)\"";
  field.check = [&c] { return static_cast<bool>(make_routing_policy(c.policy, {})); };
  return field;
}

config_fields bind_routing(router_config& c) {
  return {
      bind_policy(c),
      bind_name("plan_model", c.plan_model, "policy = \"fixed\": the model of plans.", true),
      bind_name("step_model", c.step_model, "policy = \"fixed\": the model of everything else.",
                true),
      bind_name(
          "large_tier", c.large_tier,
          "The tier that plans, and that failed steps climb to; \"all large\" is priced by it."),
      bind_name("small_tier", c.small_tier, "The tier that acts."),
      bind_number(
          "cost_weight", c.cost_weight,
          "Policies that learn: so much better must a call be that costs as much as on the\n"
          "large tier, in quality from 0 to 1. 0.0: only quality counts.",
          0, 100),
      bind_number("latency_weight", c.latency_weight,
                  "The same for a call that takes as long as on the large tier.", 0, 100),
      bind_number(
          "exploration", c.exploration,
          "The share of decisions that is drawn evenly from all models, where a verdict on\n"
          "the call is to be expected.",
          0, 0.5),
      bind_integer("forced_pulls", c.forced_pulls,
                   "Verdicts that a new model gets before it is judged by them.", 0, 10'000),
      bind_integer("features", c.features,
                   "Numbers that a call is described by; more tell more apart, at their square in\n"
                   "time and memory.",
                   16, 128),
      bind_flag("sparse", c.sparse, "Hashed words and pairs of words besides, 4,096 of them."),
      bind_flag("embeddings", c.embeddings,
                "The vector of the call's last user text, from the server of [embeddings], in the\n"
                "place of hashed words. What was learned without is set aside."),
      bind_number("half_life_rewards", c.half_life_rewards,
                  "A verdict is worth half after so many more on the same model.", 10, 1e9),
      bind_duration("half_life", c.half_life, "The same by time.", 1min, 100 * year),
      bind_number("new_weights_keep", c.new_weights_keep,
                  "What is left of what was learned of a model when its weights change.", 0, 1),
      bind_duration("reward_window", c.reward_window,
                    "A verdict that comes later than this after its decision is refused.", 1s,
                    year),
      bind_integer("decisions_max", c.decisions_max,
                   "Decisions kept in memory for their verdicts, about 2 KiB each.", 1, 1'000'000),
      bind_integer("decisions_kept", c.decisions_kept,
                   "Decisions kept on the disk for `tandem route explain` and `export`.", 1,
                   100'000'000),
      bind_duration("save_interval", c.save_interval,
                    "How often what was learned is written down and told to the other nodes.", 50ms,
                    1h),
      bind_duration("weights_patience", c.weights_patience,
                    "So long after its first decision the router waits for nodes that serve the\n"
                    "weights a job began with, before it says that none does.",
                    0s, 1h),
      bind_choice(
          "engine_policy", c.engines.policy,
          "Which engine of the model. estimated_ttft: where the first token comes first, by\n"
          "backlog, what it has cached of the prompt, and its speed. cache_aware: sglang's rule,\n"
          "the longest cached prefix while loads are balanced. cache_or_performance: the most\n"
          "cached where that is enough, else the fastest. Without a cache: least_loaded,\n"
          "round_robin, power_of_two; consistent_hash: by session or beginning of the prompt.",
          engine_policy_names()),
      bind_number("cache_threshold", c.engines.cache_threshold,
                  "cache_aware: the share of a prompt that must be cached to be followed.", 0, 1),
      bind_integer("balance_abs_threshold", c.engines.balance_abs_threshold,
                   "cache_aware: load goes first when one engine has so many calls more than\n"
                   "another, and so many times as many. 0 and 1.0: always.",
                   0, 1'000'000),
      bind_number("balance_rel_threshold", c.engines.balance_rel_threshold,
                  "See balance_abs_threshold.", 1, 1000),
      bind_number("complexity_threshold", c.engines.complexity_threshold,
                  "cache_or_performance: the share of a prompt that must be cached.", 0, 1),
      bind_number("session_factor", c.engines.session_factor,
                  "A session stays at its engine while that takes at most so many times as long.",
                  1, 1000),
      bind_size("prefix_index_bytes_max", c.engines.prefix_index_bytes_max,
                "What the router remembers of engines' prefix caches, taken where it is used.",
                std::size_t{2} << 20, std::size_t{16} << 30),
  };
}

config_fields bind_cache(cache_config& c) {
  return {
      bind_integer(
          "shards", c.shards,
          "Actors that keep entries, each with a thread of its own. 0: this node asks those\n"
          "of others. Without a [cache.TIER] nothing is kept.",
          0, 64),
      bind_size("value_bytes_max", c.value_bytes_max, "A larger answer is not kept.", kib,
                512 * kib),
      bind_number(
          "refresh_beta", c.refresh_beta,
          "How early hot entries are computed anew before they expire; 1.0 is the optimum of\n"
          "Vattani et al. 0.0: never.",
          0, 100),
      bind_flag("sampled", c.sampled,
                "Calls at a temperature above 0 are kept too, by their seed."),
      bind_integer(
          "waiting_max", c.waiting_max,
          "Calls that wait at one shard for the same computation of others; beyond it they\n"
          "compute themselves.",
          0, 10'000'000),
      bind_number("max_error", c.max_error,
                  "What share of the near plans that are served may be wrong. 0.0: none is served.",
                  0, 0.5),
      bind_flag("embeddings", c.embeddings,
                "Goals are compared by the vectors of [embeddings]' server, where it answers in\n"
                "time; otherwise by their words."),
      bind_name(
          "adapt", c.adapt,
          "The tier whose model puts a near plan into the words of the new goal. Empty: it is\n"
          "used as it is.",
          true),
      bind_integer("warm_up_tokens", c.warm_up_tokens,
                   "Prompt tokens of frequent prefixes that are replayed on an idle engine which "
                   "begins with\n"
                   "an empty prefix cache. 0: none.",
                   0, 10'000'000),
      bind_integer("plans_max", c.plans_max, "Goals that each shard remembers to find near plans.",
                   0, 1'000'000),
  };
}

config_fields bind_cache_tier(cache_tier_config& c) {
  return {
      bind_size("memory", c.memory_bytes, "The tier's own budget of memory on this node.", mib,
                1024 * gib),
      bind_number(
          "mem_fraction", c.mem_fraction,
          "Of it, for the shards' entries, everything counted; a quarter of the rest is the\n"
          "pool's.",
          0.01, 0.99),
      bind_choice("policy", c.policy,
                  "frequency_lru: S3-FIFO, for many short-lived answers. semantic_lru: the least\n"
                  "recently used leaves first, and near goals may share a plan.",
                  {"frequency_lru", "semantic_lru"}),
      bind_duration("ttl", c.ttl, "How long an answer is good.", 1ms, year),
      bind_size("disk", c.disk_bytes, "In the data folder, all shards together. \"0B\": none.", 0,
                1024 * gib),
  };
}

config_fields bind_embeddings(embedding_config& c) {
  return {
      bind_text("url", c.url,
                "http://host:port or https://host:port of an OpenAI-compatible server with\n"
                "/v1/embeddings. Empty: none.",
                2048),
      bind_text("model", c.model, "What the server calls the model.", 256),
      bind_path("api_key_file", c.api_key_file,
                "A file with the API key, that others must not read. Or name api_key_env."),
      bind_text("api_key_env", c.api_key_env, "The environment variable with the API key.", 256),
      bind_path("ca_file", c.ca_file,
                "Authorities (PEM) that the server's certificate is checked against. Empty: the\n"
                "system's."),
      bind_duration("timeout", c.timeout,
                    "Whoever asks for a vector goes on without it after this.", 1ms, 1min),
      bind_integer("cache_entries", c.cache_entries,
                   "Vectors that are remembered, 4 bytes a dimension each. 0: none.", 0, 1'000'000),
      bind_integer("requests_max", c.requests_max, "Requests under way; more go without.", 1, 1000),
  };
}

config_fields bind_weights(weight_config& c) {
  return {
      bind_path("folder", c.folder,
                "Where versions of weights lie. Empty: weights in the data folder."),
      bind_text("host", c.host,
                "Address on which other nodes fetch chunks. Empty: that of node.listen.", 256),
      bind_integer("port", c.port, "0: any free one.", 0, 65535),
      bind_text("advertise", c.advertise,
                "host:port where other nodes reach that. Empty: this node's host, and the port.",
                256),
      bind_size("upload_rate", c.upload_rate,
                "Bytes a second that this node gives, all together. \"0B\": no limit.", 0,
                1024 * gib),
      bind_size("download_rate", c.download_rate,
                "Bytes a second that this node fetches. \"0B\": no limit.", 0, 1024 * gib),
      bind_size("disk_max", c.disk_max, "For all versions on this node.", mib, 1024 * 1024 * gib),
      bind_size("disk_free_min", c.disk_free_min,
                "What must stay free on the disk; a version that would not fit is refused.", 0,
                1024 * gib),
      bind_integer("keep", c.keep,
                   "Versions of a model that a node keeps beside those in use; older ones are\n"
                   "removed after an update.",
                   0, 1000),
      bind_flag("differences", c.differences,
                "Where a node has another version of the model, only the difference is sent."),
      bind_duration("catch_up", c.catch_up,
                    "After a start, how long engines wait to hear from other nodes which weights\n"
                    "they are to serve.",
                    0ms, 10min),
  };
}

config_fields bind_cluster(cluster_config& c) {
  return {
      bind_name("name", c.name, "Nodes of another name are refused."),
      bind_list("join", c.join,
                "host:port of nodes that may be up already; any one of them is enough. Empty: it\n"
                "starts alone, and others join it.",
                {}),
      bind_text("advertise", c.advertise,
                "host:port where other nodes reach this one. Empty: where it listens.", 300),
      bind_duration("heartbeat", c.heartbeat, "Nodes say so often that they live.", 10ms, 1min),
      bind_duration("suspect_after", c.suspect_after,
                    "Not heard of for as long, a node is `suspect`.", 20ms, 1h),
      bind_duration("gone_after", c.gone_after,
                    "Not heard of for as long, a node is `gone`: its work is done elsewhere.", 50ms,
                    1h),
      bind_duration("forget_after", c.forget_after,
                    "A node that is gone or has left, and whose journals nobody waits for, is\n"
                    "forgotten.",
                    1s, year),
      bind_integer("members_max", c.members_max, "Nodes that are known; more are refused.", 2,
                   100'000),
      bind_integer("peer_work_max", c.peer_work_max,
                   "Attempts under way to one node; more wait, then go elsewhere.", 1, 1'000'000),
      bind_size("peer_bytes_max", c.peer_bytes_max,
                "Bytes under way to one node; more wait, so that a slow node slows only what it\n"
                "does.",
                mib, gib),
  };
}

config_fields bind_etcd(etcd_config& c) {
  return {
      bind_list("endpoints", c.endpoints,
                "http://host:2379 or https://host:2379 of some or all members of an etcd (3.4 or\n"
                "later). Empty: there is none, and journals have one copy.",
                {}),
      bind_path("ca_file", c.ca_file,
                "Authorities that etcd's certificates are checked against. Empty: the system's."),
      bind_path("cert_file", c.cert_file,
                "This node's certificate for etcd, as PEM. Empty: it shows none."),
      bind_path("key_file", c.key_file, "The key of cert_file."),
      bind_text("user", c.user, "Empty: without a password.", 200),
      bind_path("password_file", c.password_file, "The user's password is its first line."),
      bind_duration("timeout", c.timeout, "Of one call, all endpoints tried together.", 100ms,
                    1min),
  };
}

config_fields bind_replication(replication_config& c) {
  return {
      bind_integer(
          "copies", c.copies,
          "Nodes that keep this node's journal, itself included. More than 1 needs [etcd].", 1, 16),
      bind_integer("min_in_sync", c.min_in_sync,
                   "Copies that must have a record before it is acknowledged; with fewer alive\n"
                   "nothing is accepted.",
                   1, 16),
      bind_duration("lease", c.lease,
                    "A journal whose node etcd has not heard of for as long is taken over.", 2s,
                    10min),
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
  std::vector<config_section> sections{
      {"node", "This node.", bind_node(c)},
      {"log", "What is written to standard error.", bind_log(c)},
      {"cluster", "The nodes that this one works with.", bind_cluster(c.cluster)},
      {"tls", "Certificates between nodes, and between the command line and a node.",
       bind_tls(c.tls)},
      {"jobs", "Limits of what is accepted and of what one job may do.", bind_jobs(c.jobs)},
      {"journal", "The durable log.", bind_journal(c.journal)},
      {"executor", "Limits of the attempts on this node.", bind_executor(c.executor)},
      {"hedging", "A second copy of a slow attempt on another engine; the first good reply counts.",
       bind_hedging(c.executor.hedging)},
      {"verification", "How results are checked.", bind_verification(c.executor.verification)},
      {"routing", "Which model serves a call.", bind_routing(c.routing)},
      {"embeddings", "A server that turns texts into vectors, for routing.",
       bind_embeddings(c.embeddings)},
      {"weights", "Versions of weights, and how nodes give them to each other.",
       bind_weights(c.weights)},
      {"http", "The front door: OpenAI-compatible HTTP, jobs, metrics and the page.",
       bind_gateway(c.http)},
      {"alarms", "What this node warns of by itself.", bind_alarms(c.alarms)},
      {"traces", "Where spans of jobs and calls go.", bind_traces(c.traces)},
      {"etcd", "Where nodes agree on who keeps a replicated journal.", bind_etcd(c.etcd)},
      {"replication", "Copies of this node's journal on other nodes.",
       bind_replication(c.replication)},
      {"supervisor", "Restarts of this node's actors, one for one.", bind_supervisor(c.supervisor)},
      {"cache", "Answers that were computed before.", bind_cache(c.executor.cache)},
  };
  for (auto& tier : c.executor.cache.tiers)
    sections.push_back({std::string{cache_prefix} + tier.tier,
                        "What is kept of this tier's models.", bind_cache_tier(tier)});
  return sections;
}

std::string_view cache_tier_of(std::string_view section) {
  return section.starts_with(cache_prefix) ? section.substr(cache_prefix.size())
                                           : std::string_view{};
}

void add_cache_tier(node_config& config, std::string_view tier) {
  auto& cache = config.executor.cache;
  if (cache.find_tier(tier) != nullptr || cache.tiers.size() >= cache_tiers_max) return;
  cache_tier_config made{.tier = std::string{tier}};
  if (tier == config.routing.large_tier) {
    made.policy = "semantic_lru";
    made.ttl = 4h;
  } else {
    made.mem_fraction = 0.7;
  }
  cache.tiers.push_back(std::move(made));
}

}  // namespace tandem
