#include "actors/engine/http/server_facts.hpp"

#include <algorithm>

#include <simdjson.h>

#include "actors/engine/http/http_status.hpp"
#include "actors/engine/http/prometheus.hpp"

namespace tandem {
namespace {

using simdjson::dom::object;

constexpr std::size_t models_max = 100;
constexpr std::size_t name_bytes_max = 200;

/// A document and its root object.
struct document {
  simdjson::dom::parser parser;
  object root;
  bool ok;

  explicit document(std::string_view json)
      : ok{parser.parse(json.data(), json.size()).get(root) == simdjson::SUCCESS} {}
};

bool has(const object& fields, std::string_view key) {
  return fields[key].error() == simdjson::SUCCESS;
}

std::string line_in(const object& fields, std::string_view key) {
  std::string_view text;
  return fields[key].get(text) == simdjson::SUCCESS ? one_line(text, name_bytes_max)
                                                    : std::string{};
}

std::uint32_t count_of(double value) {
  return value >= 0 && value <= 1e9 ? static_cast<std::uint32_t>(value) : 0;
}

std::uint32_t count_in(const object& fields, std::string_view key) {
  double value = 0;
  return fields[key].get(value) == simdjson::SUCCESS ? count_of(value) : 0;
}

float share_of(double value) {
  return value >= 0 && value <= 1 ? static_cast<float>(value) : -1.0f;
}

std::string file_name(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

}  // namespace

bool server_facts::read_props(std::string_view json) {
  document props{json};
  if (!props.ok || !(has(props.root, "build_info") || has(props.root, "total_slots")) ||
      !has(props.root, "default_generation_settings"))
    return false;
  version = line_in(props.root, "build_info");
  any_name = line_in(props.root, "role") != "router";
  auto path = line_in(props.root, "model_path");
  if (any_name && !path.empty()) weight_version = file_name(path);
  object settings;
  if (props.root["default_generation_settings"].get(settings) == simdjson::SUCCESS)
    if (auto context = count_in(settings, "n_ctx"); context > 0) context_tokens = context;
  return true;
}

bool server_facts::read_server_info(std::string_view json) {
  document info{json};
  if (!info.ok || has(info.root, "vllm_config") ||
      !(has(info.root, "model_path") || has(info.root, "internal_states")))
    return false;
  version = line_in(info.root, "version");
  if (auto context = count_in(info.root, "context_length"); context > 0) context_tokens = context;
  if (auto weights = line_in(info.root, "weight_version"); !weights.empty())
    weight_version = weights;
  return true;
}

bool server_facts::read_version(std::string_view json) {
  document answer{json};
  if (!answer.ok || line_in(answer.root, "version").empty()) return false;
  version = line_in(answer.root, "version");
  return true;
}

bool server_facts::read_models(std::string_view json, std::string_view model) {
  document answer{json};
  simdjson::dom::array list;
  if (!answer.ok || answer.root["data"].get(list) != simdjson::SUCCESS) return false;
  models.clear();
  auto only_one = list.size() == 1;
  for (auto entry : list) {
    object fields;
    if (entry.get(fields) != simdjson::SUCCESS || models.size() >= models_max) continue;
    auto id = line_in(fields, "id");
    if (id.empty()) continue;
    bool ours = id == model || only_one;
    models.push_back(id);
    simdjson::dom::array aliases;
    if (fields["aliases"].get(aliases) == simdjson::SUCCESS) {
      for (auto alias : aliases) {
        std::string_view name;
        if (alias.get(name) != simdjson::SUCCESS || name == id || models.size() >= models_max)
          continue;
        models.push_back(one_line(name, name_bytes_max));
        ours = ours || name == model;
      }
    }
    object meta;
    auto context = count_in(fields, "max_model_len");
    if (context == 0 && fields["meta"].get(meta) == simdjson::SUCCESS)
      context = count_in(meta, "n_ctx");
    if (ours && context > 0) context_tokens = context;
  }
  return true;
}

bool server_facts::read_weights(std::string_view json) {
  document answer{json};
  if (!answer.ok) return false;
  auto weights = line_in(answer.root, "weight_version");
  if (weights.empty()) return false;
  weight_version = weights;
  return true;
}

bool server_facts::read_loads(std::string_view json) {
  document answer{json};
  simdjson::dom::array loads;
  if (!answer.ok || answer.root["loads"].get(loads) != simdjson::SUCCESS) return false;
  running = waiting = 0;
  cache_usage = -1;
  for (auto load : loads) {
    object fields;
    if (load.get(fields) != simdjson::SUCCESS) continue;
    running += count_in(fields, "num_running_reqs");
    waiting += count_in(fields, "num_waiting_reqs");
    double share = -1;
    if (fields["token_usage"].get(share) == simdjson::SUCCESS)
      cache_usage = std::max(cache_usage, share_of(share));
  }
  return true;
}

bool server_facts::read_load(std::string_view json) {
  document answer{json};
  if (!answer.ok || !has(answer.root, "server_load")) return false;
  running = count_in(answer.root, "server_load");
  return true;
}

bool server_facts::read_metrics(std::string_view text) {
  bool found = false;
  double now_running = 0;
  double now_waiting = 0;
  float share = -1;
  read_prometheus(text, [&](std::string_view name, double value) {
    if (name == "llamacpp:requests_processing" || name == "vllm:num_requests_running")
      now_running += value;
    else if (name == "llamacpp:requests_deferred" || name == "vllm:num_requests_waiting")
      now_waiting += value;
    else if (name == "vllm:kv_cache_usage_perc" || name == "vllm:gpu_cache_usage_perc" ||
             name == "llamacpp:kv_cache_usage_ratio")
      share = std::max(share, share_of(value));
    else
      return;
    found = true;
  });
  if (!found) return false;
  running = count_of(now_running);
  waiting = count_of(now_waiting);
  cache_usage = share;
  return true;
}

bool server_facts::has_model(std::string_view model) const {
  return std::find(models.begin(), models.end(), model) != models.end();
}

std::string server_facts::server() const {
  if (!kind) return {};
  std::string out{to_string(*kind)};
  return version.empty() ? out : out + " " + version;
}

std::string server_facts::models_text() const {
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(models.size(), 10); ++i)
    out += (i == 0 ? "'" : ", '") + models[i] + "'";
  if (models.size() > 10) out += " and " + std::to_string(models.size() - 10) + " more";
  return out.empty() ? "none" : out;
}

}  // namespace tandem
