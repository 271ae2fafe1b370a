#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::test {

/// A config with simulated engines only (`large-0`, `small-0`, `small-1`), on any free port; quick
/// unless told otherwise.
struct sim_config {
  std::string first_token = "1ms";
  std::string per_token = "10us";
  unsigned plan_steps = 4;
  std::string error_rate = "0.0";
  /// More TOML at the end.
  std::string more;

  [[nodiscard]] std::string text() const;
};

/// A real tandem-node with a data folder of its own, which outlives kills and restarts and goes
/// with this object.
///   node_process node{TANDEM_BIN_DIR};
///   node.start(sim_config{}.text());
///   ASSERT_TRUE(node.wait_ready()) << node.log();
///   node.kill9();  node.start();  // the same config and data
class node_process {
 public:
  /// `bin` has the program tandem-node, or the test's own node of another name.
  explicit node_process(std::filesystem::path bin, std::string program = "tandem-node")
      : bin_{std::move(bin)}, program_{std::move(program)} {}
  /// Kills it when it still runs.
  ~node_process();
  node_process(const node_process&) = delete;
  node_process& operator=(const node_process&) = delete;

  /// Starts it with `config_text` as its config file; an empty one: the config of the last start,
  /// and without any the node's own default. `extra_arguments` come after --config and --data.
  /// Precondition: it does not run.
  void start(std::string_view config_text = {}, std::vector<std::string> extra_arguments = {});

  /// The program of the next start.
  void use_program(std::string name) { program_ = std::move(name); }
  /// On top of the test's own environment, from the next start on.
  void use_environment(std::map<std::string, std::string> environment) {
    environment_ = std::move(environment);
  }

  /// Whether the line that says so came. False: it ended, or `limit` passed; log() tells why.
  [[nodiscard]] bool wait_ready(std::chrono::milliseconds limit = std::chrono::seconds{60});

  void kill9();
  /// SIGTERM; its exit code, or nothing when it had to be killed after `limit`.
  std::optional<exit_code> stop(std::chrono::milliseconds limit = std::chrono::seconds{30});

  /// From the readiness line; empty before it.
  [[nodiscard]] const std::string& name() const { return name_; }
  /// `host:port`
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] const std::string& journal() const { return journal_; }
  /// `http://host:port`; empty: it has no gateway.
  [[nodiscard]] const std::string& http() const { return http_; }

  [[nodiscard]] std::filesystem::path data_dir() const { return folder_.path() / "data"; }
  [[nodiscard]] std::filesystem::path tls_dir() const { return data_dir() / "tls"; }
  /// Where test files of this node may lie.
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
  /// stdout and stderr of every start so far; also in folder()/node.log after each end.
  [[nodiscard]] std::string log() const;
  /// Precondition: started.
  [[nodiscard]] child_process& process() { return *process_; }
  [[nodiscard]] bool is_running() { return process_ && process_->is_running(); }

 private:
  void keep_log();

  std::filesystem::path bin_;
  std::string program_;
  std::map<std::string, std::string> environment_;
  temp_folder folder_;
  std::string name_;
  std::string address_;
  std::string journal_;
  std::string http_;
  std::string old_log_;
  std::unique_ptr<child_process> process_;
};

}  // namespace tandem::test
