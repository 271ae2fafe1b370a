#include "config/flags.hpp"

#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/program_options.hpp>

#include "config/load.hpp"
#include "config/words.hpp"
#include "schema/errc.hpp"

#ifndef TANDEM_VERSION
#define TANDEM_VERSION "0.0.0"
#endif

namespace tandem {
namespace {

namespace po = boost::program_options;

/// Flags that stand for a key of the config file.
struct shorthand {
  const char* flag;
  const char* value;
  const char* key;
  const char* doc;
};

constexpr shorthand shorthands[] = {
    {"data", "DIR", "node.data", "the data folder: journal and TLS files"},
    {"listen", "ADDR", "node.listen", "where nodes and the command line connect, host:port"},
    {"http", "ADDR", "http.listen", "where clients and browsers connect, host:port"},
    {"join", "ADDR[,ADDR]", "cluster.join", "nodes of the cluster to join, host:port each"},
    {"advertise", "ADDR", "cluster.advertise", "where other nodes reach this one, host:port"},
    {"name", "NAME", "node.name", "how this node is called"},
    {"log-level", "LEVEL", "log.level", "trace, debug, info, warn, error or off"},
    {"durability", "MODE", "journal.durability", "sync (survives a power cut), os or none"},
};

po::options_description make_description() {
  po::options_description description{"Options"};
  auto add = description.add_options();
  add("config", po::value<std::string>()->value_name("FILE"),
      "the config file; without it $TANDEM_CONFIG, else the embedded models");
  for (const auto& entry : shorthands) {
    add(entry.flag, po::value<std::string>()->value_name(entry.value), entry.doc);
  }
  add("set", po::value<std::vector<std::string>>()->value_name("SECTION.KEY=VALUE")->composing(),
      "set any key of the config; may be repeated");
  add("check", "check the config and exit");
  add("print-config", "print the effective config with its comments and exit");
  add("version", "print the version and exit");
  add("help", "print this and exit");
  return description;
}

std::string make_help(const po::options_description& description) {
  std::ostringstream text;
  text << "Usage: tandem-node [options]\n\n"
          "Runs one node of a Tandem cluster until SIGINT or SIGTERM.\n\n"
       << description
       << "\nFlags override the config file. Examples:\n"
          "  tandem-node\n"
          "  tandem-node --config node.toml --data /var/lib/tandem --listen 0.0.0.0:7420\n"
          "  tandem-node --set jobs.timeout=5min --set engine.planner-embedded.concurrency=8 "
          "--check\n";
  return text.str();
}

caf::error wrong_flags(const std::string& text) {
  return make_error(errc::invalid_argument, text + "; see tandem-node --help");
}

caf::error unknown_flag(const po::unknown_option& err, const po::options_description& description) {
  auto name = err.get_option_name();
  name.erase(0, name.find_first_not_of('-'));
  std::vector<std::string_view> known;
  for (const auto& option : description.options()) known.push_back(option->long_name());
  auto text = "there is no flag " + quote_word("--" + name);
  auto nearest = nearest_word(name, known);
  if (!nearest.empty()) text += "; did you mean --" + std::string{nearest} + "?";
  return wrong_flags(text);
}

caf::expected<po::variables_map> parse(std::span<const char* const> arguments,
                                       const po::options_description& description) {
  namespace style = po::command_line_style;
  std::vector<std::string> words(arguments.begin(), arguments.end());
  try {
    po::positional_options_description no_positions;
    po::variables_map values;
    po::store(po::command_line_parser(words)
                  .options(description)
                  .positional(no_positions)
                  .style(style::allow_long | style::long_allow_adjacent | style::long_allow_next)
                  .run(),
              values);
    po::notify(values);
    return values;
  } catch (const po::unknown_option& err) {
    return unknown_flag(err, description);
  } catch (const po::too_many_positional_options_error&) {
    return wrong_flags("tandem-node takes flags only, each with two dashes");
  } catch (const std::exception& err) {
    return wrong_flags(err.what());
  }
}

}  // namespace

caf::expected<node_options> parse_flags(std::span<const char* const> arguments,
                                        const std::filesystem::path& executable) {
  auto description = make_description();
  auto values = parse(arguments, description);
  if (!values) return std::move(values.error());
  node_options options;
  if (values->count("help") > 0 || values->count("version") > 0) {
    options.action = node_action::print;
    options.text = values->count("help") > 0 ? make_help(description)
                                             : std::string{"tandem-node "} + TANDEM_VERSION + "\n";
    return options;
  }

  if (values->count("config") > 0) {
    options.config_file = (*values)["config"].as<std::string>();
  } else {
    auto found = find_default_config(executable);
    if (!found) return std::move(found.error());
    options.config_file = std::move(*found);
  }
  config_loader loader;
  loader.read_file(options.config_file);
  if (values->count("set") > 0) {
    for (const auto& assignment : (*values)["set"].as<std::vector<std::string>>()) {
      loader.set(assignment, "--set");
    }
  }
  for (const auto& entry : shorthands) {
    if (values->count(entry.flag) == 0) continue;
    loader.set(entry.key, (*values)[entry.flag].as<std::string>(), std::string{"--"} + entry.flag);
  }
  loader.read_engine_changes();
  auto config = loader.finish();
  if (!config) return std::move(config.error());
  options.config = std::move(*config);
  if (values->count("print-config") > 0) {
    options.action = node_action::print;
    options.text = print_config(options.config);
  } else if (values->count("check") > 0) {
    options.action = node_action::check;
  }
  return options;
}

std::filesystem::path current_executable() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored);
}

}  // namespace tandem
