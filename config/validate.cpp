#include <algorithm>
#include <string>

#include "config/node_config.hpp"
#include "config/sections.hpp"
#include "config/words.hpp"

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
    check_routing();
    check_models();
    check_engines();
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

  template <class T>
  void check_unique(const char* section, const std::vector<T>& items) {
    std::vector<std::string_view> seen;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto& name = items[i].name;
      if (!name.empty() && std::find(seen.begin(), seen.end(), name) != seen.end()) {
        add(std::string{section} + "." + std::to_string(i) + ".name",
            "[[" + std::string{section} + "]] name = " + toml_string(name) +
                " is taken by another; rename one of them");
      }
      seen.emplace_back(name);
    }
  }

  static std::string shown_name(const char* section, const std::string& name) {
    return "[[" + std::string{section} + "]] " + quote_word(name) + ": ";
  }

  void check_models() {
    if (config_.models.size() > models_max) {
      add("model", "there are " + std::to_string(config_.models.size()) +
                       " [[model]]; at most 256 are allowed");
      return;
    }
    check_unique("model", config_.models);
    for (std::size_t i = 0; i < config_.models.size(); ++i) {
      auto& model = config_.models[i];
      auto key = "model." + std::to_string(i) + ".";
      auto shown = shown_name("model", model.name);
      check_fields(key, shown, bind_model(model));
      for (auto [name, prompt] : {std::pair{"plan_prompt", &model.plan_prompt},
                                  std::pair{"replan_prompt", &model.replan_prompt}}) {
        if (prompt->find("{{goal}}") == std::string::npos) {
          add(key + name, shown + name +
                              " does not contain {{goal}}; the model would never see "
                              "what it is to plan");
        }
      }
    }
  }

  void check_engines() {
    if (config_.engines.size() > engines_max) {
      add("engine", "there are " + std::to_string(config_.engines.size()) +
                        " [[engine]]; at most 1024 are allowed");
      return;
    }
    if (config_.has_role("executor") && config_.engines.empty()) {
      add("engine",
          "there is no [[engine]], and node.roles has \"executor\"; add an engine or remove the "
          "role");
    }
    check_unique("engine", config_.engines);
    for (std::size_t i = 0; i < config_.engines.size(); ++i) {
      auto& engine = config_.engines[i];
      auto key = "engine." + std::to_string(i) + ".";
      auto shown = shown_name("engine", engine.name);
      check_fields(key, shown, bind_engine(engine));
      check_fields(key + "sim.", shown + "sim.", bind_sim(engine.sim));
      check_engine_model(key, shown, engine);
      check_engine_path(key, shown, engine);
    }
  }

  void check_engine_model(const std::string& key, const std::string& shown,
                          const engine_config& engine) {
    if (engine.model.empty() ||
        std::find(model_names_.begin(), model_names_.end(), engine.model) != model_names_.end()) {
      return;
    }
    add(key + "model", shown + "model = " + toml_string(engine.model) + " names no [[model]]" +
                           nearest_hint(engine.model, model_names_));
  }

  void check_engine_path(const std::string& key, const std::string& shown,
                         const engine_config& engine) {
    if (engine.kind != "embedded") return;
    if (engine.path.empty()) {
      add(key + "path", shown + "path is missing; an embedded engine needs a GGUF file");
      return;
    }
    std::error_code failure;
    if (std::filesystem::is_regular_file(engine.path, failure)) return;
    add(key + "path",
        shown + "path = " + toml_string(engine.path.string()) +
            (std::filesystem::exists(engine.path, failure) ? " is no file" : " does not exist") +
            "; name a GGUF file, relative to the config file's folder or absolute");
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
