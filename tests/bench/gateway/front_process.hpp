#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/temp_folder.hpp"
#include "tests/support/child_process.hpp"

namespace tandem::bench {

/// The gateway that is measured has a core of its own; whoever asks it and the stub share the
/// other. With one core there is nothing to choose.
enum class place { gateway_core, load_core, anywhere };

/// A command line that runs there.
[[nodiscard]] test::child_options placed(place where, std::string program,
                                         std::vector<std::string> arguments);

/// A program that answers HTTP on 127.0.0.1; killed with this object.
class front_process {
 public:
  /// Is up when something accepts at `port`; exits when nothing does.
  front_process(std::string name, std::uint16_t port, test::child_options options);
  /// Of a program that says where it listens.
  front_process(std::string name, std::unique_ptr<test::child_process> child, std::uint16_t port);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// User and system time so far.
  [[nodiscard]] double cpu_seconds() const;
  [[nodiscard]] double resident_mb() const;
  /// What requests to it need beside the usual ones, as lines of `Name: value`.
  std::vector<std::string> headers;

 private:
  std::string name_;
  std::unique_ptr<test::child_process> child_;
  std::uint16_t port_;
};

using front_ptr = std::unique_ptr<front_process>;

/// A stub engine; `arguments` as of tests/support/stub_engine_main.cpp.
[[nodiscard]] front_ptr start_stub(std::vector<std::string> arguments);

struct node_options {
  /// Of the engines of the large and of the small model.
  std::string large_url;
  std::string small_url;
  /// More TOML at the end.
  std::string more{};
  place where = place::gateway_core;
  /// 0: as many worker threads as there are cores.
  int threads = 1;
};

/// tandem-node with its HTTP door; its data is in `folder`.
[[nodiscard]] front_ptr start_node(const std::filesystem::path& folder,
                                   const node_options& options);

// The peers, each with one thread, connections to `upstream` kept. Null: it cannot be had, which is
// said.
[[nodiscard]] front_ptr start_nginx(const std::filesystem::path& folder,
                                    const front_process& upstream);
[[nodiscard]] front_ptr start_haproxy(const std::filesystem::path& folder,
                                      const front_process& upstream);
/// As `scripts/bench.sh gateway` installs it.
[[nodiscard]] front_ptr start_portkey(const front_process& upstream);

}  // namespace tandem::bench
