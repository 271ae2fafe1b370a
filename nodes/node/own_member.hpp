#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "schema/types.hpp"

namespace tandem {

/// How this node looks to the others. Changes while it runs; any thread.
class own_member {
 public:
  struct facts {
    std::string name;
    std::uint64_t incarnation = 0;
    /// Empty until it listens.
    std::string address;
    std::string version;
    std::vector<std::string> roles;
    /// Journals that it is the home of, each with its birth (Unix ms).
    std::vector<std::pair<std::uint64_t, std::uint64_t>> journals;
    std::uint64_t started_at_ms = 0;
    std::uint64_t certificate_ends_at_ms = 0;
    bool draining = false;
  };

  explicit own_member(facts known) : facts_{std::move(known)} {}

  /// As it is after `change`.
  template <class Change>
  tmsg::member update(Change change) {
    std::lock_guard lock{mutex_};
    change(facts_);
    return write(facts_);
  }
  [[nodiscard]] tmsg::member message() const {
    std::lock_guard lock{mutex_};
    return write(facts_);
  }

 private:
  [[nodiscard]] static tmsg::member write(const facts& known);

  mutable std::mutex mutex_;
  facts facts_;
};

}  // namespace tandem
