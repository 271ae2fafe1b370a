#include "nodes/cli/command_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <boost/program_options.hpp>

#include "config/quantity.hpp"
#include "config/words.hpp"
#include "nodes/cli/console.hpp"
#include "schema/errc.hpp"

namespace tandem::cli {
namespace {

namespace po = boost::program_options;

constexpr std::array globals{
    option_spec{
        "node", "HOST:PORT",
        "the node to talk to; else $TANDEM_NODE, else the one whose data folder is DIR, else "
        "127.0.0.1:7420"},
    option_spec{"data", "DIR",
                "a local node's data folder; else $TANDEM_DATA, else the node's own default"},
    option_spec{"tls", "DIR", "the folder with the certificates; else $TANDEM_TLS, else DIR/tls"},
    option_spec{"json", "", "JSON on stdout, one object a line"},
    option_spec{"no-color", "", "plain text: no colours, no cursor movement (also $NO_COLOR)"},
    option_spec{"timeout", "TIME",
                "the longest that a call may take, such as 10s; 30s by default; the one after "
                "submit or follow is theirs"},
    option_spec{"help", "", "print the help of the command"}};

constexpr std::string_view duration_form = "write 250ms, 30s, 5min, 4h or 7d";

caf::error wrong(std::string text) {
  return make_error(errc::invalid_argument, std::move(text));
}

using option_list = std::vector<option_spec>;

/// What may follow the command: its own options, and the program's that it does not replace.
option_list known_options(const command_spec* command) {
  option_list known;
  if (command != nullptr) known.assign(command->options.begin(), command->options.end());
  for (const auto& option : globals) {
    auto same = [&option](const option_spec& other) { return other.name == option.name; };
    if (std::none_of(known.begin(), known.end(), same)) known.push_back(option);
  }
  return known;
}

caf::error unknown_option(std::string_view name, const option_list& known,
                          const command_spec* command) {
  std::vector<std::string_view> names;
  for (const auto& option : known) names.push_back(option.name);
  auto text = "there is no option " + quote_word("--" + std::string{name});
  if (command != nullptr) text += " of " + std::string{command->name};
  auto nearest = nearest_word(name, names);
  if (!nearest.empty()) text += "; did you mean --" + std::string{nearest} + "?";
  return wrong(std::move(text));
}

/// Parses `words` against `known`; arguments go to `arguments`, options to `found`.
caf::error parse_words(const std::vector<std::string>& words, const option_list& known,
                       const command_spec* command, po::variables_map& found,
                       std::vector<std::string>& arguments) {
  namespace style = po::command_line_style;
  po::options_description description;
  for (const auto& option : known) {
    std::string name{option.name};
    if (option.value.empty()) {
      description.add_options()(name.c_str(), po::bool_switch());
    } else {
      description.add_options()(name.c_str(), po::value<std::vector<std::string>>());
    }
  }
  // No option of a user can have this name.
  constexpr const char* rest = " arguments";
  description.add_options()(rest, po::value<std::vector<std::string>>());
  po::positional_options_description positions;
  positions.add(rest, -1);
  try {
    auto parsed =
        po::command_line_parser(words)
            .options(description)
            .positional(positions)
            .style(style::allow_long | style::long_allow_adjacent | style::long_allow_next)
            .run();
    po::store(parsed, found);
  } catch (const po::unknown_option& err) {
    auto name = err.get_option_name();
    name.erase(0, name.find_first_not_of('-'));
    return unknown_option(name, known, command);
  } catch (const po::invalid_command_line_syntax& err) {
    auto name = err.get_option_name();
    return wrong(name + (err.kind() == po::invalid_syntax::extra_parameter ? " takes no value"
                                                                           : " needs a value"));
  } catch (const po::error& err) {
    return wrong(err.what());
  }
  if (found.count(rest) > 0) arguments = found[rest].as<std::vector<std::string>>();
  return {};
}

/// `-x` is a mistyped option far more often than an argument.
caf::error check_dashes(const std::vector<std::string>& arguments) {
  for (const auto& word : arguments) {
    if (word.size() > 1 && word.front() == '-') {
      return wrong("there is no option " + quote_word(word) +
                   "; options have two dashes, and arguments that start with one come after --");
    }
  }
  return {};
}

caf::error take_options(const option_list& known, const command_spec* command,
                        const po::variables_map& found, invocation& into) {
  for (const auto& option : known) {
    std::string name{option.name};
    if (found.count(name) == 0) continue;
    std::vector<std::string> values;
    if (option.value.empty()) {
      if (!found[name].as<bool>()) continue;
    } else {
      values = found[name].as<std::vector<std::string>>();
      if (values.size() > 1 && !option.may_repeat) {
        return wrong("--" + name + " was given " + std::to_string(values.size()) + " times");
      }
    }
    auto is_own = command != nullptr &&
                  std::any_of(command->options.begin(), command->options.end(),
                              [&](const option_spec& own) { return own.name == option.name; });
    (is_own ? into.options : into.globals)[name] = std::move(values);
  }
  return {};
}

/// How many words stand before the command: options of the program and their values.
std::size_t find_command_word(const std::vector<std::string>& words) {
  std::size_t i = 0;
  while (i < words.size() && words[i].size() > 1 && words[i].front() == '-' && words[i] != "--") {
    auto takes_next = std::any_of(globals.begin(), globals.end(), [&](const option_spec& option) {
      return !option.value.empty() && words[i] == "--" + std::string{option.name};
    });
    i += takes_next ? 2 : 1;
  }
  return std::min(i, words.size());
}

std::string hint_for(const command_spec* command) {
  if (command == nullptr) return "see `tandem help`";
  return "see `tandem help " + std::string{command->name} + '`';
}

caf::error unknown_command(std::string_view word) {
  std::vector<std::string_view> names;
  for (const auto* command : all_commands()) names.push_back(command->name);
  auto text = "there is no command " + quote_word(word);
  auto nearest = nearest_word(word, names);
  if (!nearest.empty()) return wrong(text + "; did you mean " + std::string{nearest} + "?");
  return wrong(text + "; `tandem help` lists them");
}

caf::error check_count(const invocation& from) {
  const auto& command = *from.command;
  auto count = from.arguments.size();
  std::string name{command.name};
  if (count < command.arguments_min) {
    return wrong(name + " needs an argument: " + std::string{command.arguments});
  }
  if (count <= command.arguments_max) return {};
  auto extra = quote_word(from.arguments[command.arguments_max]);
  if (command.arguments_max == 0) return wrong(name + " takes no argument, but got " + extra);
  return wrong(name + " takes " + std::string{command.arguments} + " alone, but got also " + extra);
}

}  // namespace

std::span<const option_spec> global_options() {
  return globals;
}

std::optional<std::string> invocation::value(std::string_view name) const {
  auto found = options.find(name);
  if (found == options.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> invocation::values(std::string_view name) const {
  auto found = options.find(name);
  return found == options.end() ? std::vector<std::string>{} : found->second;
}

std::optional<std::string> invocation::global(std::string_view name) const {
  auto found = globals.find(name);
  if (found == globals.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

caf::expected<invocation> parse_command_line(std::span<const char* const> arguments) {
  std::vector<std::string> words(arguments.begin(), arguments.end());
  for (auto& word : words) {
    if (word == "--") break;
    if (word == "-h") word = "--help";
    if (word == "--version" && &word == &words.front()) word = "version";
  }
  auto place = find_command_word(words);
  invocation result;
  std::vector<std::string> before(words.begin(),
                                  words.begin() + static_cast<std::ptrdiff_t>(place));
  auto parse_part = [&result](const std::vector<std::string>& part, const command_spec* command) {
    auto known = known_options(command);
    po::variables_map found;
    if (auto err = parse_words(part, known, command, found, result.arguments)) return err;
    return take_options(known, command, found, result);
  };
  if (auto err = parse_part(before, nullptr)) return err;
  if (auto err = check_dashes(result.arguments)) return err;
  if (place < words.size()) {
    result.command = find_command(words[place]);
    if (result.command == nullptr) return unknown_command(words[place]);
    auto first = words.begin() + static_cast<std::ptrdiff_t>(place) + 1;
    auto dashes = std::find(first, words.end(), std::string{"--"});
    if (auto err = parse_part({first, dashes}, result.command)) return err;
    if (auto err = check_dashes(result.arguments)) return err;
    if (dashes != words.end()) {
      result.arguments.insert(result.arguments.end(), dashes + 1, words.end());
    }
  }
  result.wants_help = result.globals.contains("help");
  if (result.wants_help || result.command == nullptr) return result;
  if (auto err = check_count(result)) return err;
  return result;
}

std::string help_hint(std::span<const char* const> arguments) {
  std::vector<std::string> words(arguments.begin(), arguments.end());
  auto place = find_command_word(words);
  auto* command = place < words.size() ? find_command(words[place]) : nullptr;
  return hint_for(command);
}

caf::expected<std::optional<std::int64_t>> integer_option(const invocation& from,
                                                          std::string_view name, std::int64_t min,
                                                          std::int64_t max) {
  auto text = from.value(name);
  if (!text) return std::optional<std::int64_t>{};
  std::int64_t number = 0;
  auto end = text->data() + text->size();
  auto [stop, failure] = std::from_chars(text->data(), end, number);
  if (failure != std::errc{} || stop != end || number < min || number > max) {
    return wrong("--" + std::string{name} + " is " + quote_word(*text) +
                 ", but must be a number from " + std::to_string(min) + " to " +
                 std::to_string(max));
  }
  return std::optional{number};
}

caf::expected<std::optional<double>> number_option(const invocation& from, std::string_view name,
                                                   double min, double max) {
  auto text = from.value(name);
  if (!text) return std::optional<double>{};
  double number = 0;
  auto end = text->data() + text->size();
  auto [stop, failure] = std::from_chars(text->data(), end, number);
  if (failure != std::errc{} || stop != end || !(number >= min && number <= max)) {
    std::array<char, 64> range{};
    std::snprintf(range.data(), range.size(), "%g to %g", min, max);
    return wrong("--" + std::string{name} + " is " + quote_word(*text) +
                 ", but must be a number from " + range.data());
  }
  return std::optional{number};
}

namespace {

caf::expected<std::optional<std::chrono::milliseconds>> to_duration(
    std::string_view name, const std::optional<std::string>& text) {
  if (!text) return std::optional<std::chrono::milliseconds>{};
  auto duration = parse_duration(*text);
  if (!duration || *duration < std::chrono::milliseconds{1}) {
    return wrong("--" + std::string{name} + " is " + quote_word(*text) +
                 ", but must be a time of at least 1ms: " + std::string{duration_form});
  }
  return std::optional{std::chrono::floor<std::chrono::milliseconds>(*duration)};
}

}  // namespace

caf::expected<std::optional<std::chrono::milliseconds>> duration_option(const invocation& from,
                                                                        std::string_view name) {
  return to_duration(name, from.value(name));
}

caf::expected<std::optional<std::chrono::milliseconds>> call_timeout(const invocation& from) {
  return to_duration("timeout", from.global("timeout"));
}

exit_code usage_error(console& io, const invocation& from, std::string_view text) {
  return io.fail(exit_code::usage, text, hint_for(from.command));
}

exit_code usage_error(console& io, const invocation& from, const caf::error& err) {
  return usage_error(io, from, message_of(err));
}

}  // namespace tandem::cli
