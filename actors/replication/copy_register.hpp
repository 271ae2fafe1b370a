#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "actors/replication/replica_set.hpp"

namespace tandem {

/// A copy in the agreed record: a node's, named by its folder's random id.
struct agreed_copy {
  std::string node;
  std::uint64_t replica = 0;
};

/// What a primary asks of the agreed record of its journal. Every change is a compare-and-swap, and
/// fails as `fenced` in another epoch. Callbacks may come on any thread, once each.
class copy_register {
 public:
  using callback = std::function<void(replica_set::outcome)>;

  copy_register() = default;
  copy_register(const copy_register&) = delete;
  copy_register& operator=(const copy_register&) = delete;
  virtual ~copy_register() = default;

  virtual void add(std::uint64_t epoch, const agreed_copy& copy, callback done) = 0;
  /// Settled by a write even when the copy is in the set no more: an addition whose answer was lost
  /// must not come after it.
  virtual void remove(std::uint64_t epoch, const agreed_copy& copy, callback done) = 0;
};

}  // namespace tandem
