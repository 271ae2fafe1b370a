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
  for (auto& model : config.models) {
    print_section(out, "[[model]]", model_doc, bind_model(model));
  }
  for (auto& engine : config.engines) {
    print_section(out, "[[engine]]", engine_doc, bind_engine(engine));
    if (engine.kind == "sim") print_section(out, "[engine.sim]", sim_doc, bind_sim(engine.sim));
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
  return print(std::move(config));
}

}  // namespace tandem
