#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <caf/expected.hpp>

#include "actors/gateway/keys/key_holder.hpp"
#include "actors/gateway/keys/key_meter.hpp"
#include "actors/name_hash.hpp"
#include "schema/gateway.capnp.h"

namespace tandem {

/// Who is let in. Every function may be called from any thread; those that the HTTP server's
/// threads call for each request, authenticate() and admit(), take a microsecond and never wait for
/// a disk. Times are Unix milliseconds, and arguments.
class key_gate {
 public:
  key_gate();

  /// By the value of `Authorization` (`Bearer KEY`), or by a key alone (`x-api-key`).
  /// `not_authenticated`, whose text may be shown to the client: no key; not one of ours, without
  /// saying whether there is such an id; and to who has the whole key: expired, revoked.
  [[nodiscard]] caf::expected<std::shared_ptr<const key_holder>> authenticate(
      std::string_view authorization, std::uint64_t now_ms);

  /// Whether one more request may begin. Keep the permit until it has ended, then settle() it.
  /// `estimate`: what it may use; fields of 0 where that is not known.
  [[nodiscard]] key_admission admit(const key_holder& holder, std::uint64_t now_ms,
                                    const budget& estimate);
  void settle(key_permit permit, const budget& used) { permit.settle(used); }

  /// Of callers without a key, where none is needed: all models, no limits, `tenant` empty.
  [[nodiscard]] std::shared_ptr<const key_holder> open_holder() const { return open_; }

  /// An entry is new or has changed. `before`: its use as it was saved, for one that is new here.
  void set(schema::ApiKey::Reader entry, const key_use& before = {});
  void forget(std::string_view id);

  /// Of keys that were used since they were set; `id` by `id`.
  [[nodiscard]] std::map<std::string, key_use> uses(std::uint64_t now_ms) const;
  [[nodiscard]] key_use use(std::string_view id, std::uint64_t now_ms) const;
  /// Grows whenever a counter changes.
  [[nodiscard]] std::uint64_t changes() const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::vector<std::string> ids() const;

 private:
  using holder_ptr = std::shared_ptr<const key_holder>;

  [[nodiscard]] holder_ptr find(std::string_view id) const;

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, holder_ptr, name_hash, std::equal_to<>> holders_;
  holder_ptr open_;
};

}  // namespace tandem
