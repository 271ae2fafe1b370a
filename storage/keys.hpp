#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem {
struct cache_key;
}

/// Every key that storage/ writes: a kind tag of one byte, then big-endian fields, so that the
/// order of the bytes is the order of the numbers. Keys of up to 15 bytes (all but client keys)
/// need no allocation.
namespace tandem::storage::keys {

/// What a key names. A retired tag stays here, marked so, and is never used again. Retired: none.
enum class tag : std::uint8_t {
  /// meta: value u32, the folder's format.
  format_version = 0x01,
  /// meta: value u64.
  journal_id = 0x02,
  /// meta: value u64.
  highest_purged_job = 0x03,
  /// meta: value u64, the job that was purged last and had files.
  purged_files = 0x04,
  /// meta: hour u64 (Unix time / 3,600,000 ms), tenant; value tokens u64, 1e-9 US dollars u64.
  spending = 0x05,
  /// meta: value epoch u64, sequence u64: where a replicated log ends; changed with every write.
  position = 0x06,
  /// open: job u64; no value.
  open_job = 0x10,
  /// records: job u64, number u32; value: see payload_store.hpp.
  record = 0x20,
  /// summaries: job u64; value: the caller's.
  summary = 0x30,
  /// client_keys: tenant length u16, tenant, key; value u64, the job.
  client_key = 0x40,
  /// client_keys: job u64, tenant length u16, tenant, key; no value. So that a purge finds the
  /// job's keys.
  job_client_key = 0x41,
  // A database of its own, route_store; each value but the order's is sealed, see route_record.hpp.
  /// statistics: origin u64, purpose u16, model.
  arm_statistics = 0x50,
  /// decisions: id u64; value: sequence u64, record.
  decision = 0x60,
  /// decisions: sequence u64; value u64, the id: decisions in the order of their arrival.
  decision_order = 0x61,
  /// default: value: the record.
  route_setting = 0x70,
  /// default: number u64 in the order of their arrival.
  route_change = 0x71,
  /// default: name; value: the caller's.
  route_state = 0x72,
  /// default: number u64; value: key length u32, key, value as they were found.
  route_aside = 0x73,
  // A database of its own, cache_store; each value is sealed, see route_record.hpp.
  /// a tier's family: 32 bytes, the answer's key; value: see cache_record.hpp.
  cached_answer = 0x80,
  /// default: a tier's name; value: the hottest keys, 32 bytes each, hottest first.
  hot_answers = 0x81,
  /// default: value: the purge rules.
  purge_rules = 0x82,
};

inline constexpr std::size_t tenant_bytes_max = 1024;
inline constexpr std::size_t client_key_bytes_max = 4096;

/// A key of the tag alone.
[[nodiscard]] std::string single(tag kind);
[[nodiscard]] std::string open_job(std::uint64_t job);
[[nodiscard]] std::string record(std::uint64_t job, std::uint32_t number);
/// Above every record of `job` and below the next job's.
[[nodiscard]] std::string record_end(std::uint64_t job);
[[nodiscard]] std::string summary(std::uint64_t job);
/// `tenant` has at most tenant_bytes_max bytes.
[[nodiscard]] std::string client_key(std::string_view tenant, std::string_view key);
[[nodiscard]] std::string job_client_key(std::uint64_t job, std::string_view tenant,
                                         std::string_view key);
[[nodiscard]] std::string job_client_key_begin(std::uint64_t job);
[[nodiscard]] std::string job_client_key_end(std::uint64_t job);

[[nodiscard]] std::string spending(std::uint64_t hour, std::string_view tenant);
/// `model` has at most tenant_bytes_max bytes.
[[nodiscard]] std::string arm_statistics(std::uint64_t origin, std::uint16_t purpose,
                                         std::string_view model);
/// Below every statistics key of `origin`, and above them.
[[nodiscard]] std::string arm_statistics_begin(std::uint64_t origin);
[[nodiscard]] std::string arm_statistics_end(std::uint64_t origin);
[[nodiscard]] std::string route_state(std::string_view name);
/// A key of `kind` (decision, decision_order, route_change, route_aside) and a number.
[[nodiscard]] std::string numbered(tag kind, std::uint64_t number);
/// The number of such a key; nothing when it is another kind or of another length.
[[nodiscard]] std::optional<std::uint64_t> number_of(tag kind, std::string_view key);
[[nodiscard]] std::string cached_answer(const cache_key& key);
[[nodiscard]] std::string hot_answers(std::string_view tier);
/// The first key above all keys of `kind`.
[[nodiscard]] std::string end_of(tag kind);

/// Below every spending key of `hour` and above all of the hours before.
[[nodiscard]] std::string spending_begin(std::uint64_t hour);

/// The job of a key of `kind` (open_job, record, summary or job_client_key); nothing when it is
/// another kind or too short.
[[nodiscard]] std::optional<std::uint64_t> job_of(tag kind, std::string_view key);
[[nodiscard]] std::optional<std::uint32_t> record_number_of(std::string_view key);
/// The client_key key that a job_client_key key belongs to.
[[nodiscard]] std::optional<std::string> client_key_of(std::string_view job_client_key);

/// Values that are one number, big-endian too; nothing when the length is wrong.
[[nodiscard]] std::string number_value(std::uint64_t value);
[[nodiscard]] std::optional<std::uint64_t> parse_number_value(std::string_view bytes);

void append_u64(std::string& to, std::uint64_t value);
void append_u32(std::string& to, std::uint32_t value);
/// `bytes` holds at least 8, or 4, bytes.
[[nodiscard]] std::uint64_t read_u64(std::string_view bytes);
[[nodiscard]] std::uint32_t read_u32(std::string_view bytes);

}  // namespace tandem::storage::keys
