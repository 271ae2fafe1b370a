#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "schema/gateway.capnp.h"
#include "schema/message.hpp"

namespace tandem {

using key_entry = message<schema::ApiKey>;

/// All API keys that a gateway knows of. Books that have seen the same entries, in whatever order
/// and how often, are the same: of an id the greatest entry counts, and a revoked one is greater
/// than one that holds, then the one changed later, then the one with the greater bytes. So a
/// revoked key never comes back. Not thread-safe; no clock inside.
class key_book {
 public:
  static constexpr std::size_t keys_max = 10'000;
  /// Of one entry, all texts together.
  static constexpr std::size_t texts_bytes_max = 3072;
  static constexpr std::size_t models_max = 64;

  /// Whether anything changed. `invalid_argument`: it is no entry that a gateway makes.
  /// `overloaded`: the book is full; of all entries those made first are kept.
  [[nodiscard]] caf::expected<bool> take(schema::ApiKey::Reader entry);
  /// Makes room: keys that have expired for longer than this are no keys, whoever brings them.
  /// Returns how many are gone. Revoked ones without an end stay for ever: forgotten, they could
  /// come back from a node that was away.
  std::size_t forget_expired(std::uint64_t before_unix_ms);

  [[nodiscard]] const key_entry* find(std::string_view id) const;
  [[nodiscard]] const std::map<std::string, key_entry, std::less<>>& entries() const {
    return entries_;
  }
  [[nodiscard]] bool is_full() const { return entries_.size() >= keys_max; }

 private:
  std::map<std::string, key_entry, std::less<>> entries_;
};

/// What is wrong with an entry, in words for who made it (`invalid_argument`): sizes, texts, id,
/// hash, numbers.
[[nodiscard]] caf::error check_key_entry(schema::ApiKey::Reader entry);
/// The same without id, hash and times.
[[nodiscard]] caf::error check_key_wish(schema::ApiKey::Reader wish);

}  // namespace tandem
