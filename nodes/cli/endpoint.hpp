#pragma once

#include <filesystem>
#include <string>

#include <caf/expected.hpp>

#include "actors/client/client.hpp"
#include "config/node_config.hpp"
#include "nodes/cli/command_line.hpp"
#include "nodes/cli/console.hpp"

namespace tandem::cli {

/// Which node, and with which certificates.
struct endpoint {
  listen_address address;
  /// Where the address came from, in words.
  std::string source;
  std::filesystem::path tls_folder;
};

/// `--data`, else $TANDEM_DATA, else the node's own default; may be empty.
[[nodiscard]] std::filesystem::path find_data_folder(const invocation& from,
                                                     const environment& env);
/// `--tls`, else $TANDEM_TLS (unless --data was given), else `tls` in the data folder.
/// `invalid_argument` when none is known.
[[nodiscard]] caf::expected<std::filesystem::path> find_tls_folder(const invocation& from,
                                                                   const environment& env);
/// `--node`, else $TANDEM_NODE (unless --data was given), else what a running node wrote to
/// `node.address` in the data folder, else the default port on this machine. `invalid_argument`
/// says what is no address, and where it stands.
[[nodiscard]] caf::expected<endpoint> find_endpoint(const invocation& from, const environment& env);

/// The client's certificate in a TLS folder; where there is none the node's own, which opens
/// connections as well.
[[nodiscard]] tls_files connection_files(const std::filesystem::path& tls_folder);

/// Connects. On failure says so on `io`, and what to do next; then `code` is the program's exit
/// code.
struct connection {
  std::optional<client> node;
  exit_code code = exit_code::ok;
};
[[nodiscard]] connection connect(const invocation& from, console& io);

}  // namespace tandem::cli
