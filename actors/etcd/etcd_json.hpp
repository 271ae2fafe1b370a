#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/etcd/etcd_types.hpp"

namespace tandem {

// What etcd's gateway is told and what it says. Keys and values are base64; 64-bit numbers come as
// strings. All that comes is hostile until it was read here.

inline constexpr std::size_t etcd_entries_max = 4096;
inline constexpr std::size_t etcd_events_max = 4096;

[[nodiscard]] std::string to_base64(std::string_view bytes);
/// Nothing: it is none (RFC 4648, padded).
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

[[nodiscard]] std::string range_json(const etcd_range_query& query);
[[nodiscard]] std::string put_json(std::string_view key, std::string_view value,
                                   std::int64_t lease);
[[nodiscard]] std::string erase_json(std::string_view key);
[[nodiscard]] std::string txn_json(const etcd_txn& txn);
[[nodiscard]] std::string grant_json(std::chrono::seconds ttl);
[[nodiscard]] std::string lease_json(std::int64_t id);
[[nodiscard]] std::string login_json(std::string_view user, std::string_view password);
[[nodiscard]] std::string watch_json(std::string_view key, std::string_view range_end,
                                     std::int64_t from_revision);

/// An answer of status 200 to any call; a lone `{"result":…}` is looked into. Nothing: nonsense, or
/// too much.
[[nodiscard]] std::optional<etcd_reply> read_reply(std::string_view json);

struct etcd_refusal {
  /// gRPC's status code.
  int code = 2;
  /// Printable, one line, at most 300 bytes.
  std::string message;
};

/// An answer of another status, or an error within a stream.
[[nodiscard]] std::optional<etcd_refusal> read_refusal(std::string_view json);

struct etcd_event {
  bool is_erased = false;
  /// Of an erased key: key and mod_revision only.
  etcd_key_value entry;
};

/// One message of a watch.
struct etcd_watch_message {
  etcd_header header;
  bool is_created = false;
  bool is_cancelled = false;
  /// Not 0: what was asked for is compacted up to here.
  std::int64_t compact_revision = 0;
  std::vector<etcd_event> events;
};

[[nodiscard]] std::optional<etcd_watch_message> read_watch_message(std::string_view json);

}  // namespace tandem
