#include "config/fleet_profile.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "config/load.hpp"
#include "config/sections.hpp"
#include "config/strict_table.hpp"
#include "config/words.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::size_t points_max = 64;
constexpr number_limits usd_limits{1e-9, 1e9};
constexpr number_limits rate_limits{1e-6, 1e9};
constexpr number_limits token_limits{0, 1e9};

using source_texts = std::map<std::string, std::string, std::less<>>;

/// Keys of one `[profile.sim]`: those of `[engine.sim]` and the engine's own concurrency.
config_fields sim_fields(engine_config& engine) {
  config_fields fields;
  for (auto& part : bind_engine(engine)) {
    for (auto& field : part.fields) {
      if (part.name == "sim" || (part.name.empty() && field.key == "concurrency"))
        fields.push_back(std::move(field));
    }
  }
  return fields;
}

raw_value raw_of(const toml::node& node) {
  raw_value raw;
  if (const auto* text = node.as_string()) raw.value = text->get();
  if (const auto* whole = node.as_integer()) raw.value = whole->get();
  if (const auto* number = node.as_floating_point()) raw.value = number->get();
  return raw;
}

/// Seconds of a duration, the number of a number, 0 of a text.
double number_of(const raw_value& raw) {
  if (const auto* whole = std::get_if<std::int64_t>(&raw.value)) return static_cast<double>(*whole);
  if (const auto* number = std::get_if<double>(&raw.value)) return *number;
  const auto* text = std::get_if<std::string>(&raw.value);
  auto duration = text != nullptr ? parse_duration(*text) : std::nullopt;
  return duration ? static_cast<double>(duration->count()) * 1e-6 : 0;
}

class profile_reader {
 public:
  explicit profile_reader(const source_texts& sources) : sources_{sources} {}

  fleet_profile read(strict_table& from) {
    fleet_profile profile;
    profile.name = from.text("name", 64).value_or("");
    if (!is_config_name(profile.name))
      from.problem("name", "[[profile]] must have a name: letters, digits, '.', '_', '-'");
    profile.model = from.text("model", 256).value_or("");
    from.require("model", !profile.model.empty());
    profile.gpu = from.text("gpu", 256).value_or("");
    profile.about = from.text("about").value_or("");
    profile.parameters_b = number(from, "parameters_b", {0.001, 1e6});
    profile.active_b = number(from, "active_b", {0.001, 1e6});
    if (auto gpus = number(from, "gpus", {1, 1e5})) profile.gpus = *gpus;
    from.require("gpus", false);
    profile.gpu_hour_usd = number(from, "gpu_hour_usd", usd_limits);
    profile.usd_per_1k = number(from, "usd_per_1k", usd_limits);
    profile.memory_fraction = number(from, "memory_fraction", {0.01, 1});
    profile.latency_ms = number(from, "latency_ms", {1e-3, 1e9});
    for (auto& point : from.tables("throughput", points_max)) read_point(point, profile);
    profile.engine.kind = "sim";
    if (auto sim = from.table("sim")) read_sim(*sim, profile);
    from.finish();
    return profile;
  }

 private:
  /// A source's name stands for its text in `[sources]`.
  void expand(std::string& source) const {
    if (auto found = sources_.find(source); found != sources_.end()) source = found->second;
  }

  std::optional<sourced_number> number(strict_table& from, std::string_view key,
                                       number_limits limits) const {
    auto number = from.number(key, limits);
    if (number) expand(number->source);
    return number;
  }

  void read_point(strict_table& from, fleet_profile& profile) const {
    throughput_point point;
    auto rate = number(from, "requests_per_s", rate_limits);
    from.require("requests_per_s", rate.has_value());
    point.input_tokens = from.plain("input_tokens", token_limits);
    point.output_tokens = from.plain("output_tokens", token_limits);
    if (point.input_tokens.has_value() != point.output_tokens.has_value())
      from.problem("input_tokens", "input_tokens and output_tokens belong together");
    from.finish();
    if (!rate) return;
    point.requests_per_s = *rate;
    profile.throughput.push_back(std::move(point));
  }

  void read_sim(strict_table& from, fleet_profile& profile) const {
    auto fields = sim_fields(profile.engine);
    for (const auto& field : fields) {
      const auto* node = from.node(field.key);
      if (node == nullptr) continue;
      const auto* table = node->as_table();
      const auto* value = table != nullptr ? table->get("value") : nullptr;
      if (value == nullptr) {
        from.problem(field.key,
                     std::string{field.key} + " must be { value = ..., kind = ..., source = ... }");
        continue;
      }
      auto raw = raw_of(*value);
      if (!field.read(raw) || !field.check()) {
        from.problem(field.key,
                     std::string{field.key} + " = " + print_raw(raw) + " must be " + field.form);
        continue;
      }
      auto number = from.sourced(field.key, number_of(raw), {0, 1e15});
      if (!number) continue;
      expand(number->source);
      profile.sim_sources.emplace(field.key, std::move(*number));
    }
    from.finish();
  }

  const source_texts& sources_;
};

source_texts read_sources(strict_table& root) {
  source_texts sources;
  auto table = root.table("sources");
  if (!table) return sources;
  for (const auto& [key, node] : table->raw()) {
    if (auto text = table->text(key.str())) sources.emplace(key.str(), *text);
  }
  return sources;
}

std::string names_of(const std::vector<fleet_profile>& profiles) {
  std::string names;
  for (const auto& profile : profiles) names += (names.empty() ? "" : ", ") + profile.name;
  return names;
}

std::string files_of(const std::filesystem::path& folder) {
  std::vector<std::string> stems;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator{folder, ignored}) {
    if (entry.path().extension() == ".toml" && stems.size() < fleet_profiles_max)
      stems.push_back(entry.path().stem().string());
  }
  std::sort(stems.begin(), stems.end());
  std::string all;
  for (const auto& stem : stems) all += (all.empty() ? "" : ", ") + stem;
  return all.empty() ? "none" : all;
}

}  // namespace

caf::expected<std::vector<fleet_profile>> read_fleet(std::string_view text,
                                                     const std::string& source) {
  auto parsed = parse_toml(text, source);
  if (!parsed) return parsed.error();
  toml_problems problems{source};
  strict_table root{*parsed, "", problems};
  auto sources = read_sources(root);
  std::vector<fleet_profile> profiles;
  for (auto& table : root.tables("profile", fleet_profiles_max)) {
    auto profile = profile_reader{sources}.read(table);
    auto is_same = [&](const fleet_profile& other) { return other.name == profile.name; };
    if (std::any_of(profiles.begin(), profiles.end(), is_same))
      table.problem("name", "there are two profiles named " + quote_word(profile.name));
    profiles.push_back(std::move(profile));
  }
  root.require("profile", !profiles.empty());
  root.finish();
  if (!problems.empty()) return problems.error();
  return profiles;
}

caf::expected<std::vector<fleet_profile>> load_fleet(const std::filesystem::path& file) {
  auto fail = [&file](const std::string& reason) {
    return make_error(errc::not_found,
                      "cannot read the fleet file " + quote_word(file.string()) + ": " + reason);
  };
  std::error_code failure;
  if (std::filesystem::is_directory(file, failure)) return fail("it is a folder");
  errno = 0;
  std::ifstream in{file, std::ios::binary};
  if (!in) return fail(std::strerror(errno));
  std::string text(config_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return fail("reading failed");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return read_fleet(text, file.string());
}

caf::expected<fleet_profile> find_fleet_profile(std::string_view which,
                                                const std::filesystem::path& folder) {
  auto colon = which.rfind(':');
  std::string file{which.substr(0, colon)};
  std::string name{colon == which.npos ? std::string_view{} : which.substr(colon + 1)};
  std::filesystem::path path{file};
  if (is_config_name(file) && !file.ends_with(".toml")) path = folder / (file + ".toml");
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return make_error(errc::not_found, "there is no profile " + quote_word(which) + "; there are " +
                                           files_of(folder) + " in " + folder.string() +
                                           ", or name a file");
  auto profiles = load_fleet(path);
  if (!profiles) return profiles.error();
  if (name.empty() && profiles->size() == 1) return profiles->front();
  for (const auto& profile : *profiles) {
    if (profile.name == name) return profile;
  }
  return make_error(errc::not_found,
                    quote_word(file) + " has " +
                        (name.empty() ? "several profiles" : "no profile " + quote_word(name)) +
                        "; write " + file + ":NAME with one of " + names_of(*profiles));
}

caf::expected<std::filesystem::path> find_fleets_folder(const std::filesystem::path& executable) {
  if (const char* named = std::getenv("TANDEM_FLEETS"); named != nullptr && *named != '\0')
    return std::filesystem::path{named};
  std::error_code ignored;
  auto folder = std::filesystem::absolute(executable, ignored).parent_path();
  auto installed = (folder / "../share/tandem/config/fleets").lexically_normal();
  auto in_source = (folder / "../../../config/fleets").lexically_normal();
  for (const auto& place : {installed, in_source}) {
    if (std::filesystem::is_directory(place, ignored)) return place;
  }
  return make_error(errc::not_found,
                    "no fleet profiles: TANDEM_FLEETS is not set, and there is "
                    "neither '" +
                        installed.string() + "' nor '" + in_source.string() + "'");
}

}  // namespace tandem
