#include <array>

#include "config/words.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/console.hpp"
#include "nodes/cli/help.hpp"
#include "nodes/cli/plain_text.hpp"
#include "schema/json_writer.hpp"

#ifndef TANDEM_VERSION
#define TANDEM_VERSION "0.0.0"
#endif

namespace tandem::cli {
namespace {

constexpr std::size_t page_width = 96;

/// `text` broken between words; every line but the first is indented.
std::string wrap(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    auto end = std::min(text.find(' '), text.size());
    auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (column > indent && column + 1 + word.size() > page_width) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string option_lines(std::span<const option_spec> options) {
  constexpr std::size_t doc_column = 22;
  std::string text;
  for (const auto& option : options) {
    std::string left = "  --";
    left += option.name;
    if (!option.value.empty()) left.append(1, ' ').append(option.value);
    if (left.size() + 2 > doc_column)
      left.append(1, '\n').append(doc_column, ' ');
    else
      left = pad_right(left, doc_column);
    text.append(left).append(wrap(option.doc, doc_column)).append(1, '\n');
  }
  return text;
}

std::string indented(std::string_view lines) {
  std::string text = "  ";
  for (char c : lines) {
    text += c;
    if (c == '\n') text += "  ";
  }
  return text + '\n';
}

exit_code run_help(const invocation& from, console& io) {
  if (from.arguments.empty()) {
    io.write(overview_text());
    return exit_code::ok;
  }
  const auto& name = from.arguments.front();
  if (const auto* command = find_command(name)) {
    io.write(command_help(*command));
    return exit_code::ok;
  }
  std::vector<std::string_view> names;
  for (const auto* command : all_commands()) names.push_back(command->name);
  auto nearest = nearest_word(name, names);
  auto text = "there is no command " + quote_word(name);
  if (!nearest.empty()) text += "; did you mean " + std::string{nearest} + "?";
  return io.fail(exit_code::usage, text, "see `tandem help`");
}

exit_code run_version(const invocation& from, console& io) {
  if (from.wants_json()) {
    json_writer json;
    json.object();
    json.field("name", "tandem");
    json.field("version", TANDEM_VERSION);
    json.end();
    io.line(json.text());
  } else {
    io.line("tandem " TANDEM_VERSION);
  }
  return exit_code::ok;
}

exit_code run_completion(const invocation& from, console& io) {
  if (from.arguments.front() != "bash") {
    return usage_error(
        io, from,
        "there is no completion for " + quote_word(from.arguments.front()) + ", but for bash");
  }
  io.write(bash_completion());
  return exit_code::ok;
}

}  // namespace

std::string overview_text() {
  std::string text =
      "Usage: tandem [options] COMMAND [arguments]\n\n"
      "Gives jobs to a Tandem node, watches them, and looks at the node.\n\nCommands:\n";
  constexpr std::size_t summary_column = 14;
  for (const auto* command : all_commands()) {
    text += "  " + pad_right(command->name, summary_column - 2) +
            wrap(command->summary, summary_column) + '\n';
  }
  text += "\nOptions of every command:\n" + option_lines(global_options());
  text +=
      "\nExit codes:\n"
      "  0  ok\n"
      "  1  the job failed or was cancelled (result, follow, submit with --wait or --follow), or "
      "a\n"
      "     check of `engine probe` failed, or figures given to `assess` contradict each other\n"
      "  2  the command line is wrong\n"
      "  3  no connection: nobody answers, the node went away, or the certificates will not do\n"
      "  4  the node refused; its reason is on stderr\n"
      "  5  a timeout passed first\n"
      "  6  a local file cannot be read, or the output not written\n"
      "  130  interrupted; a submitted job goes on\n"
      "\nAnswers go to stdout, everything else to stderr. `tandem help COMMAND` has options and "
      "examples.\n";
  return text;
}

std::string command_help(const command_spec& command) {
  auto text = "Usage: tandem " + std::string{command.name} + " [options]";
  if (!command.arguments.empty()) text += ' ' + std::string{command.arguments};
  text += "\n\n" + std::string{command.summary} + ".\n";
  // Summaries are written for the list of commands.
  auto first = text.find("\n\n") + 2;
  text[first] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[first])));
  if (!command.details.empty()) text += std::string{command.details} + '\n';
  if (!command.options.empty()) text += "\nOptions:\n" + option_lines(command.options);
  text += "\nExample:\n" + indented(command.example);
  return text + "\nOptions of every command, such as --node and --json: `tandem help`.\n";
}

const command_spec help_command{.name = "help",
                                .arguments = "COMMAND",
                                .summary = "print this, or the help of a command",
                                .details = "",
                                .example = "tandem help submit",
                                .options = {},
                                .arguments_min = 0,
                                .arguments_max = 1,
                                .run = run_help};

const command_spec version_command{.name = "version",
                                   .arguments = "",
                                   .summary = "print the version",
                                   .details = "",
                                   .example = "tandem version",
                                   .options = {},
                                   .run = run_version};

const command_spec completion_command{
    .name = "completion",
    .arguments = "bash",
    .summary = "print the script that completes commands and options in a shell",
    .details = "",
    .example = "tandem completion bash > ~/.local/share/bash-completion/completions/tandem",
    .options = {},
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_completion};

}  // namespace tandem::cli
