#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/budget.hpp"
#include "actors/gateway/keys/key_text.hpp"
#include "schema/gateway.capnp.h"

namespace tandem {

class key_meter;

/// Who calls: what its key says. Immutable; shared by all requests of the key.
struct key_holder {
  /// Empty: nobody's key, on loopback; see key_gate::open_holder().
  std::string id;
  std::string name;
  /// Of everything it does; a request cannot name another.
  std::string tenant;
  std::vector<std::string> models;
  bool is_admin = false;
  std::int32_t priority_max = 0;
  /// Unix time; 0: never.
  std::uint64_t expires_at_ms = 0;
  std::uint64_t revoked_at_ms = 0;
  key_hash_bytes hash{};
  /// Its rates, budget and counters; goes on when the entry changes.
  std::shared_ptr<key_meter> meter;

  /// `name` is allowed: no list allows all; `qwen*` all that begin so.
  [[nodiscard]] bool may_use(std::string_view model) const;
  /// The priority that its jobs get when they ask for `wish`.
  [[nodiscard]] std::int32_t priority(std::int32_t wish) const;
};

/// Without its meter.
[[nodiscard]] key_holder read_holder(schema::ApiKey::Reader entry);

}  // namespace tandem
