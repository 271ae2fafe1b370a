#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "actors/alarm/alarm_config.hpp"
#include "actors/embedding/embedding_config.hpp"
#include "actors/engine/engine_config.hpp"
#include "actors/etcd/etcd_config.hpp"
#include "actors/executor_pool/executor_pool_config.hpp"
#include "actors/gateway/gateway_config.hpp"
#include "actors/journal/journal_config.hpp"
#include "actors/mesh/cluster_config.hpp"
#include "actors/planner/planner_config.hpp"
#include "actors/replication/replication_config.hpp"
#include "actors/router/router_config.hpp"
#include "actors/supervisor/supervisor_config.hpp"
#include "actors/trace/trace_config.hpp"
#include "actors/weight_sync/weight_config.hpp"

namespace tandem {

/// `host:port`, with brackets around an IPv6 address: `[::1]:7420`.
struct listen_address {
  std::string host = "127.0.0.1";
  /// 0: any free port.
  std::uint16_t port = 7420;

  bool operator==(const listen_address&) const = default;
};

/// `invalid_argument` says what is expected.
[[nodiscard]] caf::expected<listen_address> parse_address(std::string_view text);
[[nodiscard]] std::string to_string(const listen_address& address);
/// `localhost`, 127.0.0.0/8, `::1`.
[[nodiscard]] bool is_loopback(std::string_view host);

/// `[tls]` in the config file.
struct tls_config {
  /// Empty: `tls` in the data folder.
  std::filesystem::path folder;
  /// Of certificates that this node issues; renewed when a third of it is left.
  std::chrono::hours lifetime{std::chrono::hours{24 * 90}};
  /// Names and addresses, beside the node's name and localhost, that its certificate holds for.
  std::vector<std::string> hosts;
};

/// One thing that is wrong with a configuration.
struct config_problem {
  /// `jobs.timeout`, `engine.0.model` (the first [[engine]]).
  std::string key;
  /// The key as people write it, its value, what is allowed, how to mend it.
  std::string text;
};

/// What was done to the engines of a node while it ran; kept in `engines_file` in its data folder.
struct engine_changes {
  /// Beside those of the config file.
  std::vector<engine_config> added;
  /// Take no requests.
  std::vector<std::string> drained;
  /// Of the config file.
  std::vector<std::string> removed;

  [[nodiscard]] bool empty() const { return added.empty() && drained.empty() && removed.empty(); }
};

/// All that a node is told: the config file, overridden by flags.
struct node_config {
  /// `[node]`. Letters, digits, `.`, `_`, `-`; at most 63. Empty: the host's name.
  std::string name;
  /// Empty: `$XDG_STATE_HOME/tandem`, else `~/.local/state/tandem`.
  std::filesystem::path data;
  listen_address listen;
  /// 0: as many as cores.
  std::uint32_t threads = 0;
  std::vector<std::string> roles{"planner", "executor"};
  /// `[log]`
  std::string log_level = "info";
  /// `text` or `json`.
  std::string log_format = "text";

  cluster_config cluster;
  tls_config tls;
  planner_config jobs;
  journal_config journal;
  executor_pool_config executor;
  router_config routing;
  gateway_config http;
  alarm_config alarms;
  trace_config traces;
  embedding_config embeddings;
  etcd_config etcd;
  replication_config replication;
  supervisor_config supervisor;
  weight_config weights;
  std::vector<model_config> models;
  std::vector<engine_config> engines;
  /// Is in `engines` already.
  engine_changes at_run_time;

  [[nodiscard]] bool has_role(std::string_view role) const;

  /// Fills in what was left empty: name, data folder, TLS folder. What cannot be known stays empty,
  /// and `validate` says so.
  void resolve();

  /// All that is wrong, in the order of the config file; nothing when a node can start with it.
  /// Looks at the file system and the environment for what engines need only.
  [[nodiscard]] std::vector<config_problem> validate() const;
};

inline constexpr std::string_view default_http_listen = "127.0.0.1:8420";
inline constexpr std::size_t models_max = 256;
inline constexpr std::size_t engines_max = 1024;
inline constexpr std::size_t kinds_max = 1024;
inline constexpr std::size_t checks_max = 256;
inline constexpr std::size_t tenants_max = 10'000;

/// `invalid_argument` with all problems, one a line; nothing for none.
[[nodiscard]] caf::error to_error(const std::vector<config_problem>& problems);

/// The host's name as far as it can be a node's, else `node`.
[[nodiscard]] std::string default_node_name();

/// Empty when neither XDG_STATE_HOME nor a home folder is known.
[[nodiscard]] std::filesystem::path default_data_folder();

/// `~` and `~/x` replaced by the home folder; else as it is.
[[nodiscard]] std::filesystem::path expand_home(const std::filesystem::path& path);

}  // namespace tandem
