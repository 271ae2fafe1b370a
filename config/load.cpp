#include "config/load.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include <toml++/toml.h>

#include "config/sections.hpp"
#include "config/toml_guard.hpp"
#include "config/words.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

/// Beyond this nobody reads on; keeps a hostile file from growing the list.
constexpr std::size_t problems_max = 1000;

raw_value to_raw(const toml::node& node, const std::filesystem::path& folder) {
  raw_value raw;
  raw.folder = folder;
  if (const auto* text = node.as_string()) {
    raw.value = text->get();
  } else if (const auto* whole = node.as_integer()) {
    raw.value = whole->get();
  } else if (const auto* number = node.as_floating_point()) {
    raw.value = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    raw.value = flag->get();
  } else if (const auto* list = node.as_array()) {
    std::vector<std::string> items;
    for (const auto& item : *list) {
      const auto* text = item.as_string();
      if (text == nullptr) return raw;
      items.push_back(text->get());
    }
    raw.value = std::move(items);
  }
  return raw;
}

/// What a person writes on a command line: TOML, or a text without its quotes.
raw_value to_raw(std::string_view value, const std::filesystem::path& folder) {
  raw_value as_text{std::string{value}, folder};
  if (value.find('\n') != std::string_view::npos || find_deep_key(value) != 0) return as_text;
  try {
    auto table = toml::parse("value = " + std::string{value});
    if (table.size() != 1) return as_text;
    return to_raw(*table.get("value"), folder);
  } catch (const toml::parse_error&) {
    return as_text;
  }
}

std::string_view nearest_key(std::string_view key, const config_fields& fields,
                             std::vector<std::string_view> more = {}) {
  for (const auto& field : fields) more.push_back(field.key);
  return nearest_word(key, more);
}

const config_field* find_field(const config_fields& fields, std::string_view key) {
  auto found = std::find_if(fields.begin(), fields.end(),
                            [key](const config_field& field) { return field.key == key; });
  return found == fields.end() ? nullptr : &*found;
}

std::string hint(std::string_view nearest) {
  return nearest.empty() ? std::string{} : "; did you mean " + quote_word(nearest) + "?";
}

/// The item that `rest` begins with, as `NAME.`; the longest name wins, since names may contain
/// dots.
std::optional<std::size_t> find_item(const config_list& list, std::string_view rest) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto& name = list.item_name(i);
    if (!rest.starts_with(name + ".")) continue;
    if (!found || name.size() > list.item_name(*found).size()) found = i;
  }
  return found;
}

std::vector<std::string_view> names_of(const config_list& list) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < list.size(); ++i) names.emplace_back(list.item_name(i));
  return names;
}

}  // namespace

/// Reads one TOML text into the loader.
class config_loader::reader {
 public:
  reader(config_loader& loader, std::string_view source, const std::filesystem::path& folder)
      : loader_{loader}, source_{source}, folder_{folder} {}

  void read(const toml::table& root) {
    add_cache_tiers(root);
    auto sections = bind_sections(loader_.config_);
    auto lists = bind_lists(loader_.config_);
    for (const auto& [key, node] : root) {
      if (loader_.has_name_lists_ && (key.str() == "removed" || key.str() == "drained")) continue;
      if (loader_.is_engines_only_ && key.str() != "engine") {
        add(std::string{key.str()}, key.source(),
            quote_word(key.str()) +
                " cannot be set at run time; write one [[engine]] and its keys");
        continue;
      }
      auto is_named = [name = key.str()](const auto& part) { return part.name == name; };
      auto section = std::find_if(sections.begin(), sections.end(), is_named);
      auto list = std::find_if(lists.begin(), lists.end(), is_named);
      if (section != sections.end()) {
        read_section(*section, node, sections);
      } else if (list != lists.end()) {
        read_items(*list, node);
      } else {
        add_unknown_section(key, sections, lists);
      }
    }
  }

 private:
  /// `[cache.TIER]` is a section as soon as it is written.
  void add_cache_tiers(const toml::table& root) {
    const auto* cache = root["cache"].as_table();
    if (cache == nullptr) return;
    for (const auto& [key, node] : *cache)
      if (node.is_table() && is_config_name(key.str())) add_cache_tier(loader_.config_, key.str());
  }

  std::string at(const toml::source_region& region) const {
    return source_ + ":" + std::to_string(region.begin.line) + ":" +
           std::to_string(region.begin.column) + ": ";
  }

  void add(const std::string& key, const toml::source_region& region, const std::string& text) {
    if (loader_.problems_.size() >= problems_max) return;
    loader_.problems_.push_back({key, at(region) + text});
  }

  void add_unknown_section(const toml::key& key, const std::vector<config_section>& sections,
                           const std::vector<config_list>& lists) {
    std::vector<std::string_view> names;
    for (const auto& list : lists) names.push_back(list.name);
    for (const auto& section : sections) names.push_back(section.name);
    auto nearest = nearest_word(key.str(), names);
    auto text = "there is no section or key " + quote_word(key.str());
    if (!nearest.empty()) {
      text += hint(nearest);
    } else {
      for (const auto& section : sections) {
        if (find_field(section.fields, key.str()) == nullptr) continue;
        text += "; it belongs below [" + std::string{section.name} + "]";
        break;
      }
    }
    add(std::string{key.str()}, key.source(), text);
  }

  void read_section(const config_section& section, const toml::node& node,
                    const std::vector<config_section>& sections) {
    auto name = std::string{section.name};
    const auto* table = node.as_table();
    if (table == nullptr) {
      add(name, node.source(),
          name + " must be a section; write [" + name + "] and its keys below it");
      return;
    }
    // Sections within this one.
    std::vector<config_section> parts;
    for (const auto& other : sections) {
      if (!other.name.starts_with(name + ".")) continue;
      const auto* inner = table->get(other.name.substr(name.size() + 1));
      if (inner == nullptr) continue;
      parts.push_back({other.name.substr(name.size() + 1), {}, {}});
      read_section(other, *inner, {});
    }
    read_fields(
        *table, section.fields, name + ".", "[" + name + "]",
        [&](std::string_view key) {
          for (const auto& other : sections) {
            if (find_field(other.fields, key) == nullptr) continue;
            return "; there is one in [" + std::string{other.name} + "]";
          }
          return std::string{};
        },
        parts);
  }

  void read_items(const config_list& list, const toml::node& node) {
    auto name = std::string{list.name};
    const auto* elements = node.as_array();
    if (elements == nullptr || !elements->is_array_of_tables()) {
      add(name, node.source(),
          name + " must be a list of sections; write [[" + name +
              "]] and its keys below it, once for each");
      return;
    }
    for (const auto& element : *elements) {
      auto number = list.size();
      // One more than may be, so that validation tells.
      if (number > list.items_max) return;
      auto prefix = name + "." + std::to_string(number) + ".";
      loader_.positions_[prefix] = at(element.source());
      list.add();
      read_item(list, number, *element.as_table(), prefix);
    }
  }

  void read_item(const config_list& list, std::size_t number, const toml::table& table,
                 const std::string& prefix) {
    auto name = std::string{list.name};
    auto parts = list.bind(number);
    read_fields(
        table, parts.front().fields, prefix, "[[" + name + "]]",
        [&](std::string_view key) {
          for (const auto& part : parts) {
            if (find_field(part.fields, key) == nullptr) continue;
            return "; there is one in [" + name + "." + std::string{part.name} + "]";
          }
          return std::string{};
        },
        parts);
    for (const auto& part : parts) {
      const auto* node = part.name.empty() ? nullptr : table.get(part.name);
      if (node == nullptr) continue;
      auto key = prefix + std::string{part.name};
      auto header = "[" + name + "." + std::string{part.name} + "]";
      loader_.positions_[key + "."] = at(node->source());
      if (const auto* inner = node->as_table()) {
        read_fields(*inner, part.fields, key + ".", header, {});
      } else {
        add(key, node->source(),
            std::string{part.name} + " must be a section; write " + header +
                " and its keys below its [[" + name + "]]");
      }
    }
  }

  /// `parts`: sections that the table has besides.
  void read_fields(const toml::table& table, const config_fields& fields, const std::string& prefix,
                   const std::string& shown,
                   const std::function<std::string(std::string_view)>& other_hint,
                   const std::vector<config_section>& parts = {}) {
    for (const auto& [key, node] : table) {
      auto is_part = std::any_of(parts.begin(), parts.end(), [name = key.str()](const auto& part) {
        return part.name == name && !name.empty();
      });
      if (is_part) continue;
      const auto* field = find_field(fields, key.str());
      if (loader_.problems_.size() >= problems_max) return;
      if (field == nullptr) {
        auto text = "there is no key " + quote_word(key.str()) + " in " + shown;
        auto nearest = nearest_key(key.str(), fields);
        auto other = other_hint ? other_hint(key.str()) : std::string{};
        text += !nearest.empty() || other.empty() ? hint(nearest) : other;
        add(prefix + std::string{key.str()}, key.source(), text);
        continue;
      }
      auto full = prefix + std::string{field->key};
      loader_.positions_[full] = at(node.source());
      auto raw = to_raw(node, folder_);
      if (!field->read(raw)) {
        add(full, node.source(),
            std::string{field->key} + " = " + print_raw(raw) + " must be " + field->form);
      }
    }
  }

  config_loader& loader_;
  std::string source_;
  std::filesystem::path folder_;
};

void config_loader::read_file(const std::filesystem::path& file) {
  auto fail = [this, &file](const std::string& reason) {
    is_unread_ = true;
    problems_.push_back({"", "the config file '" + file.string() + "' cannot be read: " + reason +
                                 "; name another with --config"});
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
  auto folder = std::filesystem::absolute(file, failure).parent_path();
  read_text(text, file.string(), folder);
}

void config_loader::read_text(std::string_view text, std::string_view source,
                              const std::filesystem::path& folder) {
  auto where = std::string{source};
  auto fail = [this, &where](const std::string& reason) {
    is_unread_ = true;
    problems_.push_back({"", where + ":" + reason});
  };
  if (text.size() > config_bytes_max) {
    return fail(" the config is larger than 1 MiB; shorten it");
  }
  if (auto line = find_deep_key(text); line != 0) {
    return fail(std::to_string(line) +
                ": a key has more than 16 parts; no section is nested so deep");
  }
  try {
    auto root = toml::parse(text, std::string_view{where});
    reader{*this, where, folder}.read(root);
  } catch (const toml::parse_error& err) {
    const auto& begin = err.source().begin;
    auto reason = quote_word(err.description());
    fail(std::to_string(begin.line) + ":" + std::to_string(begin.column) +
         ": this is no TOML: " + reason.substr(1, reason.size() - 2));
  }
}

void config_loader::set(std::string_view assignment, std::string_view source) {
  auto equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    problems_.push_back(
        {"", std::string{source} + " " + quote_word(assignment) +
                 " has no value; write section.key=value, such as jobs.timeout=5min"});
    return;
  }
  set(assignment.substr(0, equals), assignment.substr(equals + 1), source);
}

void config_loader::set(std::string_view key, std::string_view value, std::string_view source) {
  if (problems_.size() >= problems_max) return;
  auto fail = [&](const std::string& text) {
    problems_.push_back({std::string{key}, std::string{source} + ": " + text});
  };
  if (value.size() > config_bytes_max) return fail("the value is larger than 1 MiB");
  auto dot = key.find('.');
  auto section = key.substr(0, dot);
  auto rest = dot == std::string_view::npos ? std::string_view{} : key.substr(dot + 1);
  // `cache.TIER.key`: the tier's name may have dots too.
  if (auto last = key.rfind('.'); section == "cache" && last != dot && last != key.npos) {
    auto tier = key.substr(dot + 1, last - dot - 1);
    if (!is_config_name(tier))
      return fail(quote_word(tier) + " is no name of a tier, as a [[model]] has it");
    add_cache_tier(config_, tier);
    section = key.substr(0, last);
    rest = key.substr(last + 1);
  }

  config_fields fields;
  std::string prefix{section};
  std::vector<std::string_view> known;
  for (auto& candidate : bind_sections(config_)) {
    known.push_back(candidate.name);
    if (candidate.name == section) fields = std::move(candidate.fields);
  }
  for (const auto& list : bind_lists(config_)) {
    known.push_back(list.name);
    if (list.name != section) continue;
    auto item = find_item(list, rest);
    if (!item) {
      return fail(quote_word(key) + " names no [[" + std::string{section} + "]]" +
                  hint(nearest_word(rest.substr(0, rest.find('.')), names_of(list))));
    }
    rest.remove_prefix(list.item_name(*item).size() + 1);
    prefix += "." + std::to_string(*item);
    auto parts = list.bind(*item);
    auto part = std::find_if(parts.begin() + 1, parts.end(), [rest](const config_section& p) {
      return rest.starts_with(std::string{p.name} + ".");
    });
    if (part != parts.end()) {
      rest.remove_prefix(part->name.size() + 1);
      prefix += "." + std::string{part->name};
      positions_[prefix + "."] = std::string{source} + ": ";
    } else {
      part = parts.begin();
    }
    fields = std::move(part->fields);
  }
  if (fields.empty()) {
    return fail("there is no section " + quote_word(section) + hint(nearest_word(section, known)));
  }
  if (rest.empty()) {
    return fail(quote_word(key) + " is a section; write one of its keys behind a dot");
  }
  const auto* field = find_field(fields, rest);
  if (field == nullptr) {
    return fail("there is no key " + quote_word(rest) + " in " + quote_word(section) +
                hint(nearest_key(rest, fields)));
  }
  std::error_code ignored;
  auto folder = std::filesystem::current_path(ignored);
  auto raw = to_raw(value, folder);
  if (!field->read(raw) && !field->read(raw_value{std::string{value}, folder})) {
    return fail(std::string{key} + " = " + print_raw(raw) + " must be " + field->form);
  }
  // A flag that is right mends what the file had wrong.
  auto full = prefix + "." + std::string{field->key};
  std::erase_if(problems_, [&full](const config_problem& problem) { return problem.key == full; });
  positions_[full] = std::string{source} + ": ";
}

std::vector<config_problem> config_loader::find_unused() {
  std::vector<config_problem> unused;
  for (std::size_t i = 0; i < config_.engines.size(); ++i) {
    auto& engine = config_.engines[i];
    auto is_kind = std::find(engine_kinds.begin(), engine_kinds.end(), engine.kind);
    if (is_kind == engine_kinds.end()) continue;
    for (const auto& part : bind_engine(engine)) {
      auto key = "engine." + std::to_string(i) + "." + std::string{part.name} + ".";
      if (part.is_used || !positions_.contains(key)) continue;
      unused.push_back(
          {key, "[[engine]] " + quote_word(engine.name) + ": [engine." + std::string{part.name} +
                    "] is for engines of kind " + std::string{part.users} + ", but kind = " +
                    toml_string(engine.kind) + "; remove the section or change the kind"});
    }
  }
  return unused;
}

caf::expected<node_config> config_loader::finish() {
  // A text that could not be read leaves everything missing; only the reason is worth saying.
  if (is_unread_) return to_error(problems_);
  config_.resolve();
  for (std::size_t i = 0; i < config_.engines.size(); ++i)
    config_.engines[i].has_sim = positions_.contains("engine." + std::to_string(i) + ".sim.");
  auto problems = problems_;
  auto found = config_.validate();
  for (auto& problem : find_unused()) found.push_back(std::move(problem));
  for (auto& problem : found) {
    if (problems.size() >= problems_max) break;
    auto is_known = std::any_of(problems_.begin(), problems_.end(), [&problem](const auto& known) {
      return !known.key.empty() && known.key == problem.key;
    });
    if (is_known) continue;
    // The key, else the section, else the item that it is missing from.
    auto position = positions_.find(problem.key);
    for (auto place = problem.key; position == positions_.end() && !place.empty();) {
      if (place.back() == '.') place.pop_back();
      place.erase(place.rfind('.') + 1);
      position = positions_.find(place);
    }
    if (position != positions_.end()) problem.text = position->second + problem.text;
    problems.push_back(std::move(problem));
  }
  if (auto err = to_error(problems)) return err;
  return config_;
}

caf::expected<node_config> load_config(const std::filesystem::path& file) {
  config_loader loader;
  loader.read_file(file);
  return loader.finish();
}

caf::expected<std::filesystem::path> find_default_config(const std::filesystem::path& executable) {
  if (const char* named = std::getenv("TANDEM_CONFIG"); named != nullptr && *named != '\0') {
    return std::filesystem::path{named};
  }
  std::error_code ignored;
  auto folder = std::filesystem::absolute(executable, ignored).parent_path();
  auto installed = (folder / "../share/tandem/config/embedded.toml").lexically_normal();
  auto in_source = (folder / "../../../config/embedded.toml").lexically_normal();
  for (const auto& file : {installed, in_source}) {
    if (std::filesystem::is_regular_file(file, ignored)) return file;
  }
  return make_error(errc::not_found,
                    "no config file: TANDEM_CONFIG is not set, and there is "
                    "neither '" +
                        installed.string() + "' nor '" + in_source.string() +
                        "'; name one with --config");
}

}  // namespace tandem
