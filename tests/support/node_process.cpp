#include "tests/support/node_process.hpp"

#include <csignal>
#include <utility>

namespace tandem::test {
namespace {

/// The value of ` key=value` in the readiness line.
std::string field(std::string_view line, std::string_view key) {
  auto mark = ' ' + std::string{key} + '=';
  auto start = line.find(mark);
  if (start == std::string_view::npos) return {};
  line.remove_prefix(start + mark.size());
  return std::string{line.substr(0, line.find(' '))};
}

}  // namespace

std::string sim_config::text() const {
  std::string config = "[node]\nlisten = \"127.0.0.1:0\"\n";
  for (const char* model : {"large", "small"}) {
    auto price = std::string_view{model} == "large" ? "24.7" : "0.24";
    config += std::string{"\n[[model]]\nname = \""} + model + "\"\ntier = \"" + model +
              "\"\ninput_price = " + price + "\noutput_price = " + price + "\n";
  }
  unsigned seed = 0;
  for (const char* engine : {"large-0", "small-0", "small-1"}) {
    std::string_view name{engine};
    config += "\n[[engine]]\nname = \"" + std::string{name} + "\"\nkind = \"sim\"\nmodel = \"" +
              std::string{name.substr(0, 5)} + "\"\nconcurrency = 64\nqueue_max = 4096\n";
    config += "\n[engine.sim]\nseed = " + std::to_string(++seed) + "\nfirst_token = \"" +
              first_token + "\"\nper_token = \"" + per_token + "\"\n";
    if (name.starts_with("large"))
      config += "plan_steps = " + std::to_string(plan_steps) + "\n";
    else
      config += "error_rate = " + error_rate + "\n";
  }
  return config + "\n" + more;
}

node_process::~node_process() {
  if (process_) kill9();
}

void node_process::start(std::string_view config_text, std::vector<std::string> extra_arguments) {
  keep_log();
  process_.reset();
  auto config = folder_.path() / "node.toml";
  if (!config_text.empty()) write_text(config, config_text);
  std::vector<std::string> arguments{"--data", data_dir().string()};
  if (std::filesystem::exists(config)) {
    arguments.insert(arguments.begin(), {"--config", config.string()});
  }
  // Nodes of several tests run at once: none may have the port of the examples.
  auto has_fixed_door = !std::filesystem::exists(config) ||
                        read_text(config).find("127.0.0.1:8420") != std::string::npos;
  if (has_fixed_door) arguments.insert(arguments.end(), {"--http", "127.0.0.1:0"});
  arguments.insert(arguments.end(), extra_arguments.begin(), extra_arguments.end());
  process_ = std::make_unique<child_process>(child_options{
      .program = bin_ / program_, .arguments = std::move(arguments), .environment = environment_});
}

bool node_process::wait_ready(std::chrono::milliseconds limit) {
  auto line = process_->wait_line("tandem-node ready ", limit);
  if (!line) return false;
  name_ = field(*line, "name");
  address_ = field(*line, "address");
  journal_ = field(*line, "journal");
  http_ = field(*line, "http");
  return true;
}

void node_process::kill9() {
  if (!process_) return;
  process_->kill9();
  keep_log();
}

std::optional<exit_code> node_process::stop(std::chrono::milliseconds limit) {
  if (!process_) return std::nullopt;
  process_->signal(SIGTERM);
  auto code = process_->wait(limit);
  if (!code) process_->kill9();
  keep_log();
  return code;
}

std::string node_process::log() const {
  return old_log_ + (process_ ? process_->log() : "");
}

void node_process::keep_log() {
  if (!process_ || process_->is_running()) return;
  old_log_ += process_->log();
  process_.reset();
  write_text(folder_.path() / "node.log", old_log_);
}

}  // namespace tandem::test
