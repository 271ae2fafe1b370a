#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "actors/executor_pool/verifier.hpp"
#include "config/node_config.hpp"
#include "config/sections.hpp"
#include "config/url.hpp"
#include "config/validate_engine.hpp"
#include "config/words.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

std::string nearest_hint(std::string_view word, const std::vector<std::string_view>& candidates) {
  auto nearest = nearest_word(word, candidates);
  if (!nearest.empty()) return "; did you mean " + quote_word(nearest) + "?";
  if (candidates.empty() || candidates.size() > 8) return {};
  return "; there is " + list_words(candidates);
}

/// Looks at one configuration; bound to a copy, since a binding is also able to write.
class validator {
 public:
  explicit validator(const node_config& config) : config_{config} {
    for (const auto& model : config_.models) model_names_.emplace_back(model.name);
  }

  std::vector<config_problem> run() {
    for (const auto& section : bind_sections(config_)) {
      check_fields(std::string{section.name} + ".", std::string{section.name} + ".",
                   section.fields);
    }
    check_node();
    check_order();
    check_cluster();
    check_replication();
    check_routing();
    check_cache();
    check_embeddings();
    check_http();
    for (const auto& list : bind_lists(config_)) check_list(list);
    check_prompts();
    check_engines();
    check_checks();
    return std::move(problems_);
  }

 private:
  void add(std::string key, std::string text) {
    problems_.push_back({std::move(key), std::move(text)});
  }

  void check_fields(const std::string& key, const std::string& shown, const config_fields& fields) {
    for (const auto& field : fields) {
      if (field.check()) continue;
      auto name = std::string{field.key};
      auto value = field.print();
      if (value == "\"\"") {
        add(key + name, shown + name + " is missing; it must be " + field.form);
      } else {
        constexpr std::size_t shown_max = 80;
        if (value.size() > shown_max) value = value.substr(0, shown_max) + "...";
        add(key + name, shown + name + " = " + value + " must be " + field.form);
      }
    }
  }

  void check_node() {
    if (config_.name.empty()) {
      add("node.name", "node.name is empty; name the node with --name");
    }
    if (config_.data.empty()) {
      add("node.data",
          "node.data is empty and neither XDG_STATE_HOME nor a home folder is known; name a folder "
          "with --data");
    }
    if (config_.roles.empty()) {
      add("node.roles", "node.roles = [] leaves nothing to do; name planner, executor or both");
    }
  }

  void check_not_above(const char* low_key, std::string low, const char* high_key,
                       std::string high) {
    add(low_key, std::string{low_key} + " = " + std::move(low) + " is above " + high_key + " = " +
                     std::move(high) + "; lower the first or raise the second");
  }

  template <class Duration>
  void check_times(const char* low_key, Duration low, const char* high_key, Duration high) {
    if (low <= high) return;
    check_not_above(low_key, "\"" + format_duration(low) + "\"", high_key,
                    "\"" + format_duration(high) + "\"");
  }

  void check_order() {
    const auto& jobs = config_.jobs;
    check_times("jobs.timeout", jobs.timeout, "jobs.timeout_max", jobs.timeout_max);
    check_times("jobs.attempt_timeout", jobs.attempt_timeout, "jobs.timeout_max", jobs.timeout_max);
    check_times("supervisor.backoff", config_.supervisor.backoff, "supervisor.backoff_max",
                config_.supervisor.backoff_max);
    const auto& cluster = config_.cluster;
    check_times("cluster.heartbeat", cluster.heartbeat, "cluster.suspect_after",
                cluster.suspect_after);
    check_times("cluster.suspect_after", cluster.suspect_after, "cluster.gone_after",
                cluster.gone_after);
    if (jobs.step_bytes_max > jobs.plan_bytes_max) {
      check_not_above("jobs.step_bytes_max", "\"" + format_size(jobs.step_bytes_max) + "\"",
                      "jobs.plan_bytes_max", "\"" + format_size(jobs.plan_bytes_max) + "\"");
    }
    if (jobs.small_attempts_max == 0 && jobs.large_attempts_max == 0) {
      add("jobs.small_attempts_max",
          "jobs.small_attempts_max = 0 and jobs.large_attempts_max = 0 leave no try for a step; "
          "raise one of them");
    }
  }

  void check_cluster() {
    const auto& cluster = config_.cluster;
    auto check_address = [this](const std::string& key, const std::string& text) {
      auto address = parse_address(text);
      if (!address) {
        add(key, key + " = \"" + text + "\": " + message_of(address.error()));
      } else if (address->port == 0) {
        add(key, key + " = \"" + text + "\" names no port that others can connect to");
      }
    };
    for (std::size_t i = 0; i < cluster.join.size(); ++i)
      check_address("cluster.join." + std::to_string(i), cluster.join[i]);
    if (!cluster.advertise.empty()) check_address("cluster.advertise", cluster.advertise);
  }

  void check_endpoint(const std::string& key, const std::string& url) {
    auto is_tls = url.starts_with("https://");
    auto rest = is_tls ? url.substr(8) : url.starts_with("http://") ? url.substr(7) : std::string{};
    if (rest.ends_with('/')) rest.pop_back();
    auto address = parse_address(rest);
    if (!address || address->port == 0) {
      add(key, key + " = " + toml_string(url) +
                   " is no endpoint of etcd; write http://host:2379 or https://host:2379");
    }
  }

  void check_replication() {
    const auto& etcd = config_.etcd;
    for (std::size_t i = 0; i < etcd.endpoints.size(); ++i)
      check_endpoint("etcd.endpoints." + std::to_string(i), etcd.endpoints[i]);
    if (etcd.cert_file.empty() != etcd.key_file.empty()) {
      add(etcd.cert_file.empty() ? "etcd.cert_file" : "etcd.key_file",
          "etcd.cert_file and etcd.key_file belong together; name both or none");
    }
    if (etcd.user.empty() != etcd.password_file.empty()) {
      add(etcd.user.empty() ? "etcd.user" : "etcd.password_file",
          "etcd.user and etcd.password_file belong together; name both or none");
    }
    const auto& replication = config_.replication;
    if (replication.copies > 1 && etcd.endpoints.empty()) {
      add("replication.copies",
          "replication.copies = " + std::to_string(replication.copies) +
              " needs etcd, where nodes agree on who keeps the journal: without it two nodes could "
              "both take it for theirs. Name its members in etcd.endpoints, or write copies = 1");
    }
    if (replication.min_in_sync > replication.copies) {
      check_not_above("replication.min_in_sync", std::to_string(replication.min_in_sync),
                      "replication.copies", std::to_string(replication.copies));
    }
  }

  void check_model_name(const std::string& key, const std::string& name, bool is_needed) {
    if (name.empty()) {
      if (is_needed) {
        add(key, key + " is missing; routing.policy = \"fixed\" needs the name of a [[model]]");
      }
      return;
    }
    if (std::find(model_names_.begin(), model_names_.end(), name) == model_names_.end()) {
      add(key, key + " = " + toml_string(name) + " names no [[model]]" +
                   nearest_hint(name, model_names_));
    }
  }

  void check_cache() {
    std::vector<std::string_view> tiers;
    for (const auto& model : config_.models) tiers.emplace_back(model.tier);
    for (const auto& each : config_.executor.cache.tiers) {
      if (std::find(tiers.begin(), tiers.end(), each.tier) != tiers.end()) continue;
      add("cache." + each.tier, "[cache." + each.tier + "]: no [[model]] is of tier " +
                                    toml_string(each.tier) + nearest_hint(each.tier, tiers));
    }
    const auto& adapt = config_.executor.cache.adapt;
    // There need be none of the tier that it is where nothing is said.
    if (!adapt.empty() && adapt != cache_config{}.adapt &&
        std::find(tiers.begin(), tiers.end(), adapt) == tiers.end())
      add("cache.adapt", "cache.adapt: no [[model]] is of tier " + toml_string(adapt) +
                             nearest_hint(adapt, tiers));
  }

  void check_routing() {
    const auto& routing = config_.routing;
    auto is_fixed = routing.policy == "fixed";
    check_model_name("routing.plan_model", routing.plan_model, is_fixed);
    check_model_name("routing.step_model", routing.step_model, is_fixed);
    if (routing.large_tier == routing.small_tier) {
      add("routing.small_tier", "routing.small_tier and routing.large_tier are both " +
                                    toml_string(routing.large_tier) +
                                    "; give the two tiers different names");
    }
    for (std::size_t i = 0; i < config_.executor.tenants.size(); ++i) {
      const auto& tenant = config_.executor.tenants[i];
      if (tenant.target_usd_per_job > 0 && tenant.target_usd_per_hour > 0)
        add("tenant." + std::to_string(i) + ".target_usd_per_hour",
            shown_name("tenant", tenant.name) +
                "target_usd_per_job and target_usd_per_hour are both set; name one of them");
    }
    if (!config_.has_role("planner") || is_fixed) return;
    std::vector<std::string_view> tiers;
    for (const auto& model : config_.models) tiers.emplace_back(model.tier);
    if (std::find(tiers.begin(), tiers.end(), routing.large_tier) == tiers.end()) {
      add("routing.large_tier",
          "routing.large_tier = " + toml_string(routing.large_tier) +
              ": no [[model]] is of this tier, and a planner needs one that plans; add tier = " +
              toml_string(routing.large_tier) + " to one" +
              nearest_hint(routing.large_tier, tiers));
    }
  }

  void check_http() {
    constexpr std::array<std::string_view, 2> schemes{"http", "https"};
    auto check_url = [&](const std::string& key, const std::string& url) {
      if (url.empty()) return;
      if (auto problem = url_problem(url, schemes, true); !problem.empty())
        add(key, key + (has_user(url) ? "" : " = " + quote_word(url)) + " " + problem);
    };
    check_url("alarms.webhook", config_.alarms.webhook);
    check_url("traces.otlp", config_.traces.otlp);
    const auto& http = config_.http;
    if (http.listen.empty()) return;
    auto at = parse_address(http.listen);
    if (!at) return add("http.listen", "http.listen: " + message_of(at.error()));
    if (http.cert_file.empty() != http.key_file.empty())
      add("http.cert_file", "http.cert_file and http.key_file go together; write both or none");
    if (!is_loopback(at->host) && http.cert_file.empty())
      add("http.cert_file",
          "http.listen = " + quote_word(http.listen) +
              " is reachable from other machines, which needs TLS: write http.cert_file and "
              "http.key_file, or listen on 127.0.0.1");
  }

  void check_embeddings() {
    const auto& embeddings = config_.embeddings;
    const auto& routing = config_.routing;
    if (embeddings.url.empty()) {
      if (routing.embeddings)
        add("routing.embeddings",
            "routing.embeddings = true needs a server; write its address into embeddings.url");
      if (config_.executor.cache.embeddings)
        add("cache.embeddings",
            "cache.embeddings = true needs a server; write its address into embeddings.url");
      return;
    }
    if (embeddings.model.empty())
      add("embeddings.model",
          "embeddings.model is missing; write what the server calls its embedding model");
    // 37 numbers are of other things.
    if (routing.embeddings && routing.features < 48)
      add("routing.features", "routing.features = " + std::to_string(routing.features) +
                                  " leaves no room for an embedding; 48 at least, 64 or more "
                                  "are better");
    engine_config as;
    as.kind = "http";
    as.http.url = embeddings.url;
    as.http.api_key_file = embeddings.api_key_file;
    as.http.api_key_env = embeddings.api_key_env;
    as.http.ca_file = embeddings.ca_file;
    std::vector<config_problem> found;
    validate_engine(as, "embeddings.", "embeddings.", found);
    for (auto& problem : found) {
      // As an engine's they would be in a section of their own.
      for (auto* text : {&problem.key, &problem.text})
        for (std::string_view part : {"http.url", "http.api", "http.ca"})
          for (auto at = text->find(part); at != text->npos; at = text->find(part))
            text->erase(at, 5);
      add(problem.key, problem.text);
    }
  }

  static std::string shown_name(std::string_view list, const std::string& name) {
    return "[[" + std::string{list} + "]] " + quote_word(name) + ": ";
  }

  void check_list(const config_list& list) {
    std::string list_name{list.name};
    if (list.size() > list.items_max) {
      add(list_name, "there are " + std::to_string(list.size()) + " [[" + list_name +
                         "]]; at most " + std::to_string(list.items_max) + " are allowed");
      return;
    }
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto& name = list.item_name(i);
      auto key = list_name + "." + std::to_string(i) + ".";
      if (!name.empty() && !seen.insert(name).second) {
        add(key + "name", "[[" + list_name + "]] name = " + toml_string(name) +
                              " is taken by another; rename one of them");
      }
      for (const auto& part : list.bind(i)) {
        auto prefix = part.name.empty() ? std::string{} : std::string{part.name} + ".";
        check_fields(key + prefix, shown_name(list.name, name) + prefix, part.fields);
      }
    }
  }

  void check_prompts() {
    if (config_.models.size() > models_max) return;
    for (std::size_t i = 0; i < config_.models.size(); ++i) {
      const auto& model = config_.models[i];
      auto key = "model." + std::to_string(i) + ".";
      for (auto [name, prompt] : {std::pair{"plan_prompt", &model.plan_prompt},
                                  std::pair{"replan_prompt", &model.replan_prompt}}) {
        if (prompt->find("{{goal}}") == std::string::npos) {
          add(key + name, shown_name("model", model.name) + name +
                              " does not contain {{goal}}; the model would never see "
                              "what it is to plan");
        }
      }
    }
  }

  void check_engines() {
    if (config_.engines.size() > engines_max) return;
    if (config_.has_role("executor") && config_.engines.empty()) {
      add("engine",
          "there is no [[engine]], and node.roles has \"executor\"; add an engine or remove the "
          "role");
    }
    for (std::size_t i = 0; i < config_.engines.size(); ++i) {
      const auto& engine = config_.engines[i];
      auto key = "engine." + std::to_string(i) + ".";
      auto shown = shown_name("engine", engine.name);
      if (!engine.model.empty() &&
          std::find(model_names_.begin(), model_names_.end(), engine.model) == model_names_.end()) {
        add(key + "model", shown + "model = " + toml_string(engine.model) + " names no [[model]]" +
                               nearest_hint(engine.model, model_names_));
      }
      validate_engine(engine, key, shown, problems_);
    }
  }

  /// Checks that [[kind]] names, and their arguments.
  void check_checks() {
    const auto& jobs = config_.jobs;
    if (jobs.kinds.size() > kinds_max) return;
    auto needs_judge = false;
    for (std::size_t i = 0; i < jobs.kinds.size(); ++i) {
      const auto& kind = jobs.kinds[i];
      auto key = "kind." + std::to_string(i) + ".";
      auto shown = shown_name("kind", kind.name);
      needs_judge = needs_judge || kind.check == "judge";
      check_argument(kind, key + "check_argument", shown);
      if (kind.tokens_max == 0) {
        add(key + "tokens_max", shown +
                                    "tokens_max = 0 leaves no room for a result; write -1 for "
                                    "what [jobs] says, or a number from 1");
      }
      auto effective = [](std::int32_t own, std::uint32_t common) {
        return own < 0 ? common : static_cast<std::uint32_t>(own);
      };
      if ((kind.small_attempts_max >= 0 || kind.large_attempts_max >= 0) &&
          effective(kind.small_attempts_max, jobs.small_attempts_max) == 0 &&
          effective(kind.large_attempts_max, jobs.large_attempts_max) == 0) {
        add(key + "small_attempts_max",
            shown +
                "small_attempts_max and large_attempts_max leave no try for a step of this "
                "kind; raise one of them");
      }
    }
    check_judge(needs_judge);
  }

  void check_argument(const kind_config& kind, const std::string& key, const std::string& shown) {
    if (kind.check.empty()) {
      if (kind.check_argument.empty()) return;
      add(key, shown + "check_argument is there without a check; say which with check = " +
                   list_words(check_kinds));
    } else if (kind.check == "command") {
      std::vector<std::string_view> names;
      for (const auto& check : config_.executor.checks) names.emplace_back(check.name);
      if (std::find(names.begin(), names.end(), kind.check_argument) != names.end()) return;
      add(key, shown + "check_argument = " + toml_string(kind.check_argument) +
                   " names no [[check]]" +
                   (names.empty() ? "; add one with this name and the command"
                                  : nearest_hint(kind.check_argument, names)));
    } else if (std::find(check_kinds.begin(), check_kinds.end(), kind.check) != check_kinds.end()) {
      if (kind.check != "number" && kind.check_argument.empty()) {
        add(key, shown + "check_argument is missing; check = " + toml_string(kind.check) +
                     " needs one: the text, expression, schema or rubric");
        return;
      }
      auto problem = check_problem(kind.check, kind.check_argument);
      if (problem.empty()) return;
      add(key, shown + "check_argument does not do for check = " + toml_string(kind.check) + ": " +
                   problem);
    }
  }

  /// The default tier may be missing where nothing in the config asks for a judge.
  void check_judge(bool needs_judge) {
    const auto& tier = config_.executor.verification.judge_tier;
    if (!config_.has_role("executor")) return;
    if (!needs_judge && tier == verification_config{}.judge_tier) return;
    std::vector<std::string_view> tiers;
    for (const auto& model : config_.models) tiers.emplace_back(model.tier);
    if (std::find(tiers.begin(), tiers.end(), tier) != tiers.end()) return;
    add("verification.judge_tier", "verification.judge_tier = " + toml_string(tier) +
                                       ": no [[model]] is of this tier" +
                                       nearest_hint(tier, tiers));
  }

  node_config config_;
  std::vector<std::string_view> model_names_;
  std::vector<config_problem> problems_;
};

}  // namespace

std::vector<config_problem> node_config::validate() const {
  return validator{*this}.run();
}

}  // namespace tandem
