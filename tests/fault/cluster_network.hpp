#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace tandem::fault {

/// The network between the nodes of one cluster. As root each node has a network namespace of its
/// own, joined by a router that drops what one node sends to another, in one direction or both,
/// without a word to either. Without root all are on loopback and nothing can be cut.
///
/// The thread that makes it becomes the router: it, and threads that it makes from then on, reach
/// every node and nothing else. Used by that thread alone.
class cluster_network {
 public:
  /// Why nothing can be cut here; empty: everything can.
  [[nodiscard]] static const std::string& why_not();

  /// Throws what `ip` said.
  explicit cluster_network(std::size_t nodes);
  ~cluster_network();
  cluster_network(const cluster_network&) = delete;
  cluster_network& operator=(const cluster_network&) = delete;

  /// `which`: 0 or 1; each node has two. Loopback without namespaces.
  [[nodiscard]] std::string host(std::size_t node, unsigned which) const;
  /// Calls `what` in the node's namespace: processes that it starts are there.
  void inside(std::size_t node, const std::function<void()>& what);

  /// Drops what `from` sends to `to`; a second cut of the same adds nothing.
  void cut(std::size_t from, std::size_t to);
  void heal(std::size_t from, std::size_t to);
  void heal();

 private:
  void rule(const char* action, std::size_t from, std::size_t to);

  int router_ = -1;
  std::vector<int> spaces_;
  std::vector<bool> cut_;
};

}  // namespace tandem::fault
