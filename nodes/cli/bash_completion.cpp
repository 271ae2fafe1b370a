#include "nodes/cli/help.hpp"

#include <set>
#include <string>

namespace tandem::cli {
namespace {

/// ` --a --b`, of those options that `choose` wants.
template <class Choose>
std::string option_names(std::span<const option_spec> options, Choose choose) {
  std::string text;
  for (const auto& option : options) {
    if (choose(option)) text += (text.empty() ? "--" : " --") + std::string{option.name};
  }
  return text;
}

/// What may follow a command or an option, where that is known.
constexpr std::string_view value_cases = R"bash(
  case "$prev" in
    --mode) words="plan_act large small" ;;
    --state) words="queued running paused done failed cancelled" ;;
    --kind) words="client node" ;;
    --check) words="number exact= contains= regex= json_schema= judge= command=" ;;
    probe | explain | drain | undrain | remove) [[ "$command" == engine ]] && words="$(_tandem_engines)" ;;
    --purpose) words="plan step compose verify answer way" ;;
    eval) [[ "$command" == route ]] && { COMPREPLY=($(compgen -f -- "$cur")); return; } ;;
    --file | --check-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --data | --tls | --out) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    --*) [[ " $valued " == *" $prev "* ]] && return ;;
  esac
)bash";

bool is_any(const option_spec&) {
  return true;
}
bool has_value(const option_spec& option) {
  return !option.value.empty();
}

std::string command_names() {
  std::string text;
  for (const auto* command : all_commands()) {
    if (!text.empty()) text += ' ';
    text += command->name;
  }
  return text;
}

/// Options that take a value, of any command.
std::string valued_names() {
  auto text = option_names(global_options(), has_value);
  std::set<std::string_view> seen;
  for (const auto& option : global_options()) seen.insert(option.name);
  for (const auto* command : all_commands()) {
    for (const auto& option : command->options) {
      if (has_value(option) && seen.insert(option.name).second)
        text.append(" --").append(option.name);
    }
  }
  return text;
}

/// What may follow a command at first.
std::string words_after(const command_spec& command) {
  if (command.name == "completion") return "bash ";
  if (command.name == "help") return "$commands ";
  std::string words;
  if (command.name == "certs") words = "show check issue init renew ";
  if (command.name == "engine") words = "list probe explain add drain undrain remove ";
  if (command.name == "keys") words = "create list revoke ";
  if (command.name == "route") words = "status explain try promote rollback export eval ";
  words += option_names(command.options, is_any);
  return words.empty() ? words : words + ' ';
}

/// One branch per command.
std::string command_cases() {
  std::string text;
  for (const auto* command : all_commands()) {
    text.append("    ").append(command->name).append(") words=\"");
    text.append(words_after(*command)).append("$globals\" ;;\n");
  }
  return text;
}

constexpr std::string_view find_command_loop = R"(  local command="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ "${COMP_WORDS[i]}" == --* ]]; then
      [[ " $valued " == *" ${COMP_WORDS[i]} "* ]] && ((i++))
    else
      command="${COMP_WORDS[i]}"
      break
    fi
  done
  case "$command" in
    "") words="$commands $globals" ;;
)";

}  // namespace

std::string bash_completion() {
  std::string text =
      "# bash completion of tandem; written by `tandem completion bash`, not by hand.\n"
      "# Names of engines; what a shell could take for more than a name is left out.\n"
      "_tandem_engines() {\n"
      "  tandem --timeout 2s engine list 2>/dev/null |\n"
      "    awk 'NR > 1 && $1 ~ /^[A-Za-z0-9._-]+$/ { print $1 }'\n"
      "}\n"
      "_tandem() {\n"
      "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n";
  auto local = [&text](const char* name, const std::string& value) {
    text.append("  local ").append(name).append("=\"").append(value).append("\"\n");
  };
  local("commands", command_names());
  local("globals", option_names(global_options(), is_any));
  local("valued", valued_names());
  text.append(find_command_loop).append(command_cases()).append("  esac").append(value_cases);
  text +=
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "}\n"
      "complete -F _tandem tandem\n";
  return text;
}

}  // namespace tandem::cli
