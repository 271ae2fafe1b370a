#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/node_client.hpp"
#include "tests/support/node_process.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/wait_until.hpp"

namespace tandem::test {

/// `[cluster]` for tests: a lost node is gone after `gone_after_ms`. A busy machine loses nodes
/// that are there if this is short.
[[nodiscard]] std::string quick_cluster_config(unsigned gone_after_ms);

/// Nodes `n0`, `n1`, … of one authority, each with its data folder. They find each other by --join.
class cluster_process {
 public:
  /// Makes the authority and each node's certificates; nothing runs yet. `bin` has the programs.
  cluster_process(const std::filesystem::path& bin, std::size_t nodes);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] node_process& operator[](std::size_t node) { return *nodes_[node]; }
  [[nodiscard]] static std::string name(std::size_t node) { return "n" + std::to_string(node); }
  /// The folder of the authority.
  [[nodiscard]] const std::filesystem::path& authority() const { return authority_.path(); }

  /// Starts a node that joins all others; an empty config: that of its last start. `address`: where
  /// it listens from now on.
  void start(std::size_t node, std::string_view config, std::string address);
  /// Where it listens; before its first start empty.
  [[nodiscard]] const std::string& address(std::size_t node) const { return addresses_[node]; }
  /// The authority's certificate for clients, and where this node listens.
  [[nodiscard]] client_options options(std::size_t node) const;
  [[nodiscard]] client connect(std::size_t node) const;

  /// The logs of all nodes.
  [[nodiscard]] std::string log() const;

 private:
  temp_folder authority_;
  std::vector<std::unique_ptr<node_process>> nodes_;
  std::vector<std::string> addresses_;
};

/// A node in one node's topology; empty state: it is not in it.
struct seen_node {
  std::string state;
  std::string address;
  bool answered = false;
};
[[nodiscard]] seen_node look_at(const tmsg::topo& topology, std::string_view node);

/// Whether each of `nodes` is alive in what the node of `of` says, and has answered it.
[[nodiscard]] bool sees_all(client& of, const std::vector<std::string>& nodes);

}  // namespace tandem::test
