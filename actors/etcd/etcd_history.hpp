#pragma once

#include <cstdint>
#include <string>

#include "actors/etcd/etcd_types.hpp"

namespace tandem {

/// What a client has seen of etcd's history. An etcd that was restored from an older snapshot, or
/// another one at the same address, has forgotten what was decided.
class etcd_history {
 public:
  /// As of when a request was sent: what its answer may not fall behind. Answers overtake each
  /// other, so an answer is compared with nothing newer.
  struct mark {
    std::uint64_t cluster_id = 0;
    std::int64_t revision = 0;
    std::uint64_t turn = 0;
  };

  etcd_history() = default;
  explicit etcd_history(std::uint64_t cluster_id, std::int64_t revision)
      : seen_{cluster_id, revision, 0} {}

  [[nodiscard]] mark now() const { return seen_; }
  /// Why the client trusts etcd no more; empty: it does.
  [[nodiscard]] const std::string& broken() const { return broken_; }

  /// Takes in the header of an answer to a request sent at `sent`. `is_current`: the answer comes
  /// from etcd's agreed state, not from one member's, which may lag. False: it is not to be used.
  [[nodiscard]] bool accept(const etcd_header& header, const mark& sent, bool is_current);

  /// Somebody has looked: what etcd says from now on counts.
  void acknowledge() {
    seen_ = {0, 0, seen_.turn + 1};
    broken_.clear();
  }

 private:
  mark seen_;
  std::string broken_;
};

}  // namespace tandem
