#include "config/engine_changes.hpp"

#include <algorithm>
#include <fstream>

#include <toml++/toml.h>

#include "config/load.hpp"
#include "config/private_file.hpp"
#include "config/sections.hpp"
#include "config/toml_guard.hpp"
#include "config/words.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

std::string print_names(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const auto& name : names) out += (out.size() > 1 ? ", " : "") + toml_string(name);
  return out + "]";
}

void add_name(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

bool is_added(const engine_changes& changes, const std::string& name) {
  return std::any_of(changes.added.begin(), changes.added.end(),
                     [&](const auto& engine) { return engine.name == name; });
}

}  // namespace

std::string print_engine_changes(const engine_changes& changes) {
  std::string out =
      "# Written by tandem-node: what `tandem engine add`, `remove` and `drain` have changed. Stop "
      "the node\n# before you edit it; without this file the config file's engines are all there "
      "is.\n";
  out += "removed = " + print_names(changes.removed) + "\n";
  out += "drained = " + print_names(changes.drained) + "\n";
  for (auto engine : changes.added) {
    for (const auto& section : bind_engine(engine)) {
      if (!section.is_used) continue;
      out += section.name.empty() ? "\n[[engine]]\n"
                                  : "\n[engine." + std::string{section.name} + "]\n";
      for (const auto& field : section.fields)
        out += std::string{field.key} + " = " + field.print() + "\n";
    }
  }
  return out;
}

caf::error save_engine_changes(const std::filesystem::path& data_folder,
                               const engine_changes& changes) {
  auto text = print_engine_changes(changes);
  if (text.size() > config_bytes_max)
    return make_error(errc::invalid_argument,
                      "the engines that were added are more than 1 MiB of text; write them into "
                      "the config file");
  return write_private_file(data_folder / engines_file, text);
}

caf::expected<engine_config> read_added_engine(const node_config& config,
                                               const std::vector<engine_config>& engines,
                                               std::string_view toml) {
  if (!config.has_role("executor"))
    return make_error(errc::invalid_argument,
                      "node '" + config.name +
                          "' has no engines, since node.roles is without \"executor\"; add the "
                          "engine to another node");
  if (engines.size() >= engines_max)
    return make_error(errc::invalid_argument, "there are " + std::to_string(engines_max) +
                                                  " engines, the most there may be");
  auto base = config;
  base.engines.clear();
  base.at_run_time = {};
  config_loader loader{std::move(base)};
  loader.read_text(toml, "engine", config.data);
  auto read = loader.finish();
  if (!read) return std::move(read.error());
  if (read->engines.size() != 1)
    return make_error(errc::invalid_argument, "one [[engine]] is added at a time, and there are " +
                                                  std::to_string(read->engines.size()));
  auto& engine = read->engines.front();
  for (const auto& other : engines)
    if (other.name == engine.name)
      return make_error(errc::conflict, "there is an engine '" + engine.name +
                                            "' already; choose another name, or remove that one");
  return std::move(engine);
}

void note_added(engine_changes& changes, const engine_config& engine) {
  std::erase(changes.drained, engine.name);
  changes.added.push_back(engine);
}

void note_removed(engine_changes& changes, const std::string& name) {
  std::erase(changes.drained, name);
  if (is_added(changes, name))
    std::erase_if(changes.added, [&](const auto& engine) { return engine.name == name; });
  else
    add_name(changes.removed, name);
}

void note_drained(engine_changes& changes, const std::string& name, bool is_drained) {
  if (is_drained)
    add_name(changes.drained, name);
  else
    std::erase(changes.drained, name);
}

void config_loader::erase_engine(std::size_t number) {
  config_.engines.erase(config_.engines.begin() + static_cast<std::ptrdiff_t>(number));
  constexpr std::string_view list = "engine.";
  // The key under its new number; empty: it was about the engine that is gone.
  auto moved = [&](const std::string& key) {
    if (!key.starts_with(list)) return key;
    auto end = key.find('.', list.size());
    auto digits = key.substr(list.size(), end == std::string::npos ? end : end - list.size());
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return key;
    auto of = std::stoull(digits);
    if (of == number) return std::string{};
    if (of < number) return key;
    return std::string{list} + std::to_string(of - 1) +
           (end == std::string::npos ? std::string{} : key.substr(end));
  };
  decltype(positions_) positions;
  for (auto& [key, where] : positions_)
    if (auto now = moved(key); !now.empty()) positions.emplace(std::move(now), std::move(where));
  positions_ = std::move(positions);
  std::vector<config_problem> problems;
  for (auto& problem : problems_) {
    auto now = moved(problem.key);
    if (now.empty() && !problem.key.empty()) continue;
    problems.push_back({std::move(now), std::move(problem.text)});
  }
  problems_ = std::move(problems);
}

void config_loader::read_engine_changes() {
  auto of_node = config_;
  of_node.resolve();
  if (of_node.data.empty() || is_unread_) return;
  auto file = of_node.data / engines_file;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return;
  auto fail = [&](const std::string& why) {
    is_unread_ = true;
    problems_.push_back({"", "'" + file.string() + "': " + why +
                                 "; mend it, or remove it to have the config "
                                 "file's engines again"});
  };
  std::ifstream in{file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in || text.size() > config_bytes_max) return fail("cannot be read, or is above 1 MiB");
  if (find_deep_key(text) != 0) return fail("a key has more than 16 parts");
  auto& changes = config_.at_run_time;
  try {
    auto root = toml::parse(text, std::string_view{file.native()});
    for (auto [key, names] :
         {std::pair{"removed", &changes.removed}, {"drained", &changes.drained}})
      if (auto* list = root[key].as_array())
        for (const auto& item : *list)
          if (auto name = item.value<std::string>()) names->push_back(*name);
  } catch (const toml::parse_error& err) {
    return fail("line " + std::to_string(err.source().begin.line) +
                " is no TOML: " + std::string{err.description()});
  }
  for (const auto& name : changes.removed)
    for (std::size_t i = config_.engines.size(); i-- > 0;)
      if (config_.engines[i].name == name) erase_engine(i);
  auto before = config_.engines.size();
  is_engines_only_ = has_name_lists_ = true;
  read_text(text, file.string(), of_node.data);
  is_engines_only_ = has_name_lists_ = false;
  changes.added.assign(config_.engines.begin() + static_cast<std::ptrdiff_t>(before),
                       config_.engines.end());
  for (auto& engine : config_.engines)
    engine.draining = std::find(changes.drained.begin(), changes.drained.end(), engine.name) !=
                      changes.drained.end();
}

}  // namespace tandem
