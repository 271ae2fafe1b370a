#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <caf/error.hpp>

namespace tandem {

/// How a call of etcd ended, in classes that callers act upon.
enum class etcd_failure {
  none,
  /// Nobody could be asked in time; nothing was done.
  unavailable,
  /// Sent, and no answer: it may have been done, or may be done later.
  unknown_fate,
  /// etcd says that the request is wrong, or that it has no room; nothing was done.
  refused,
  /// Wrong user, password or rights; nothing was done.
  not_authenticated,
  /// No such lease.
  not_found,
  /// The revision is no longer kept.
  compacted,
  /// Another cluster than before, or the same with a part of its history gone: decisions upon it
  /// would be unsafe. Every call ends so until etcd_client::acknowledge().
  other_history,
  /// The answer is nonsense.
  malformed,
};

[[nodiscard]] const char* to_string(etcd_failure failure) noexcept;

/// Of every answer.
struct etcd_header {
  std::uint64_t cluster_id = 0;
  std::uint64_t member_id = 0;
  std::int64_t revision = 0;
};

struct etcd_key_value {
  std::string key;
  std::string value;
  std::int64_t create_revision = 0;
  std::int64_t mod_revision = 0;
  std::int64_t lease = 0;

  bool operator==(const etcd_key_value&) const = default;
};

/// What lies in a range of keys, in their order.
struct etcd_range {
  std::vector<etcd_key_value> entries;
  /// There are more than was asked for.
  bool has_more = false;
};

struct etcd_range_query {
  std::string key;
  /// Empty: the key alone; etcd_prefix_end(key): all that begin with it.
  std::string range_end;
  std::uint32_t limit = 1000;
  /// From the member's own state, which may be old: never for decisions.
  bool serializable = false;
};

/// The first key after all that begin with `prefix`.
[[nodiscard]] std::string etcd_prefix_end(std::string prefix);

struct etcd_compare {
  enum class target { create_revision, mod_revision, value };
  std::string key;
  target what = target::mod_revision;
  /// Must be equal. A create_revision of 0: there is no such key.
  std::int64_t revision = 0;
  std::string value;
};

struct etcd_operation {
  enum class kind { put, range, erase };
  kind what = kind::range;
  std::string key;
  /// With `put`; `lease` 0: the key stays.
  std::string value;
  std::int64_t lease = 0;
};

/// If all compares hold, `success`, else `failure`, at once. It may be executed twice when a
/// connection breaks: write it so that its own effect fails its compares.
struct etcd_txn {
  std::vector<etcd_compare> compares;
  std::vector<etcd_operation> success;
  std::vector<etcd_operation> failure;
};

struct etcd_reply {
  etcd_header header;
  /// Of a txn: which branch.
  bool succeeded = false;
  /// One for each range operation, in their order.
  std::vector<etcd_range> ranges;
  /// Of a lease call; a ttl of 0: there is no such lease.
  std::int64_t lease = 0;
  std::chrono::seconds ttl{0};
  /// Of an authentication. Secret.
  std::string token;
  /// Of a status; 0: none.
  std::uint64_t leader = 0;
  std::string version;
};

struct etcd_result {
  etcd_failure failure = etcd_failure::none;
  /// What happened, where and how to mend it; without secrets.
  std::string text;
  etcd_reply reply;

  [[nodiscard]] bool ok() const { return failure == etcd_failure::none; }
  [[nodiscard]] caf::error error() const;
};

/// Called once, on the HTTP loop's thread; must not block.
using etcd_callback = std::function<void(etcd_result)>;

}  // namespace tandem
