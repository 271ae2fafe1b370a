#include "storage/keys.hpp"

#include "schema/cache_item.hpp"

namespace tandem::storage::keys {

namespace {

constexpr std::size_t job_key_bytes = 9;
constexpr std::size_t record_key_bytes = 13;

template <class Value>
void append_big_endian(std::string& to, Value value) {
  for (int shift = (static_cast<int>(sizeof(Value)) - 1) * 8; shift >= 0; shift -= 8)
    to.push_back(static_cast<char>(static_cast<unsigned char>(value >> shift)));
}

template <class Value>
Value read_big_endian(std::string_view bytes) {
  Value value = 0;
  for (std::size_t i = 0; i < sizeof(Value); ++i)
    value = static_cast<Value>(value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::string job_key(tag kind, std::uint64_t job) {
  auto key = single(kind);
  append_u64(key, job);
  return key;
}

// The first key that no key of this job reaches, without overflow for the last job.
std::string job_end(tag kind, std::uint64_t job) {
  if (job != ~std::uint64_t{0}) return job_key(kind, job + 1);
  return std::string(1, static_cast<char>(static_cast<unsigned char>(kind) + 1));
}

void append_client_key(std::string& to, std::string_view tenant, std::string_view key) {
  // The length in front keeps ("ab", "c") and ("a", "bc") apart.
  append_big_endian(to, static_cast<std::uint16_t>(tenant.size()));
  to.append(tenant);
  to.append(key);
}

}  // namespace

void append_u64(std::string& to, std::uint64_t value) {
  append_big_endian(to, value);
}
void append_u32(std::string& to, std::uint32_t value) {
  append_big_endian(to, value);
}
std::uint64_t read_u64(std::string_view bytes) {
  return read_big_endian<std::uint64_t>(bytes);
}
std::uint32_t read_u32(std::string_view bytes) {
  return read_big_endian<std::uint32_t>(bytes);
}

std::string single(tag kind) {
  return std::string(1, static_cast<char>(kind));
}
std::string open_job(std::uint64_t job) {
  return job_key(tag::open_job, job);
}

std::string record(std::uint64_t job, std::uint32_t number) {
  auto key = job_key(tag::record, job);
  append_u32(key, number);
  return key;
}

std::string record_end(std::uint64_t job) {
  return job_end(tag::record, job);
}
std::string summary(std::uint64_t job) {
  return job_key(tag::summary, job);
}

std::string client_key(std::string_view tenant, std::string_view key) {
  auto bytes = single(tag::client_key);
  append_client_key(bytes, tenant, key);
  return bytes;
}

std::string job_client_key(std::uint64_t job, std::string_view tenant, std::string_view key) {
  auto bytes = job_key(tag::job_client_key, job);
  append_client_key(bytes, tenant, key);
  return bytes;
}

std::string job_client_key_begin(std::uint64_t job) {
  return job_key(tag::job_client_key, job);
}
std::string job_client_key_end(std::uint64_t job) {
  return job_end(tag::job_client_key, job);
}

std::optional<std::uint64_t> job_of(tag kind, std::string_view key) {
  if (key.size() < job_key_bytes || key[0] != static_cast<char>(kind)) return std::nullopt;
  return read_u64(key.substr(1));
}

std::optional<std::uint32_t> record_number_of(std::string_view key) {
  if (key.size() != record_key_bytes || key[0] != static_cast<char>(tag::record))
    return std::nullopt;
  return read_u32(key.substr(job_key_bytes));
}

std::optional<std::string> client_key_of(std::string_view job_client_key) {
  if (!job_of(tag::job_client_key, job_client_key)) return std::nullopt;
  auto key = single(tag::client_key);
  key.append(job_client_key.substr(job_key_bytes));
  return key;
}

std::string number_value(std::uint64_t value) {
  std::string bytes;
  append_u64(bytes, value);
  return bytes;
}

std::optional<std::uint64_t> parse_number_value(std::string_view bytes) {
  if (bytes.size() != sizeof(std::uint64_t)) return std::nullopt;
  return read_u64(bytes);
}

std::string spending_begin(std::uint64_t hour) {
  std::string key(1, static_cast<char>(tag::spending));
  append_u64(key, hour);
  return key;
}

std::string spending(std::uint64_t hour, std::string_view tenant) {
  return spending_begin(hour).append(tenant);
}

std::string arm_statistics_begin(std::uint64_t origin) {
  return job_key(tag::arm_statistics, origin);
}
std::string arm_statistics_end(std::uint64_t origin) {
  return job_end(tag::arm_statistics, origin);
}

std::string arm_statistics(std::uint64_t origin, std::uint16_t purpose, std::string_view model) {
  auto key = arm_statistics_begin(origin);
  append_big_endian(key, purpose);
  return key.append(model);
}

std::string route_state(std::string_view name) {
  return single(tag::route_state).append(name);
}

std::string numbered(tag kind, std::uint64_t number) {
  return job_key(kind, number);
}

std::optional<std::uint64_t> number_of(tag kind, std::string_view key) {
  if (key.size() != job_key_bytes) return std::nullopt;
  return job_of(kind, key);
}

std::string cached_answer(const cache_key& key) {
  std::string bytes;
  bytes.reserve(1 + key.bytes.size());
  bytes.push_back(static_cast<char>(tag::cached_answer));
  bytes.append(reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size());
  return bytes;
}
std::string hot_answers(std::string_view tier) {
  return single(tag::hot_answers).append(tier);
}
std::string end_of(tag kind) {
  return std::string(1, static_cast<char>(static_cast<unsigned char>(kind) + 1));
}

}  // namespace tandem::storage::keys
