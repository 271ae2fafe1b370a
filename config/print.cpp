#include <string>
#include <string_view>

#include "config/load.hpp"
#include "config/sections.hpp"

namespace tandem {
namespace {

void print_comment(std::string& out, std::string_view text) {
  while (!text.empty()) {
    auto end = text.find('\n');
    out += "# ";
    out += text.substr(0, end);
    out += '\n';
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
}

void print_section(std::string& out, const std::string& header, std::string_view doc,
                   const config_fields& fields) {
  if (!out.empty()) out += '\n';
  print_comment(out, doc);
  out += header + "\n";
  for (const auto& field : fields) {
    print_comment(out, field.doc);
    out += std::string{field.key} + " = " + field.print() + "\n";
  }
}

std::string print(node_config config) {
  std::string out;
  for (const auto& section : bind_sections(config)) {
    print_section(out, "[" + std::string{section.name} + "]", section.doc, section.fields);
  }
  for (const auto& list : bind_lists(config)) {
    std::string name{list.name};
    for (std::size_t i = 0; i < list.size(); ++i) {
      for (const auto& section : list.bind(i)) {
        if (!section.is_used) continue;
        auto header = section.name.empty() ? "[[" + name + "]]"
                                           : "[" + name + "." + std::string{section.name} + "]";
        print_section(out, header, section.doc, section.fields);
      }
    }
  }
  return out;
}

}  // namespace

std::string print_config(const node_config& config) {
  return print(config);
}

std::string print_config_reference() {
  node_config config;
  config.models.push_back({.name = "NAME", .tier = "large"});
  config.engines.push_back({.name = "NAME", .kind = "sim", .model = "NAME"});
  config.engines.push_back({.name = "NAME-2", .kind = "http", .model = "NAME"});
  config.engines.back().http.url = "http://127.0.0.1:8000";
  config.engines.push_back({.name = "NAME-3", .kind = "managed", .model = "NAME"});
  config.engines.back().process.command = {"llama-server", "--port", "{port}"};
  config.jobs.kinds.push_back({.name = "NAME"});
  config.executor.checks.push_back({.name = "NAME", .command = {"program"}});
  config.executor.tenants.push_back({.name = "NAME"});
  add_cache_tier(config, "large");
  auto text = print(config);
  // An engine of this kind is not valid without a file that is there.
  std::string section;
  engine_config engine{.name = "NAME", .kind = "replay"};
  for (const auto& part : bind_engine(engine)) {
    if (part.name == "replay") print_section(section, "[engine.replay]", part.doc, part.fields);
  }
  text += '\n';
  print_comment(text, section);
  return text;
}

}  // namespace tandem
