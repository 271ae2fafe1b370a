#include "storage/batch_check.hpp"

#include <optional>
#include <span>

#include "schema/errc.hpp"
#include "storage/crc32c.hpp"
#include "storage/keys.hpp"

namespace tandem::storage {

namespace {

constexpr std::size_t job_key_bytes = 9;
constexpr std::size_t key_bytes_max = 8192;

bool is_meta_key(std::string_view key) {
  switch (static_cast<keys::tag>(key[0])) {
    case keys::tag::highest_purged_job:
    case keys::tag::purged_files:
    case keys::tag::position:
      return key.size() == 1;
    case keys::tag::spending:
      return key.size() >= job_key_bytes && key.size() <= job_key_bytes + keys::tenant_bytes_max;
    default:
      return false;
  }
}

/// The tags of RocksDB's batches that a journal writes (db/dbformat.h, db/write_batch.cc: a head of
/// sequence u64 and count u32, little-endian; then per change a tag, a varint family unless it is
/// the default one, the key and for a put the value, each after its varint length). RocksDB's own
/// reader is not for bytes from outside: it aborts the process at tags that are out of place.
enum class batch_tag : std::uint8_t {
  removal = 0x0,
  put = 0x1,
  removal_of_family = 0x4,
  put_of_family = 0x5,
  single_removal = 0x7,
  single_removal_of_family = 0x8,
};

constexpr std::size_t batch_head_bytes = 12;
constexpr std::size_t batch_count_offset = 8;

/// Takes numbers and texts off the front of a batch; nothing more once it is cut.
class batch_cursor {
 public:
  explicit batch_cursor(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::uint8_t byte() {
    const auto value = static_cast<std::uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return value;
  }
  [[nodiscard]] std::optional<std::uint32_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 35 && !rest_.empty(); shift += 7) {
      const auto digit = byte();
      value |= std::uint64_t{digit & 0x7Fu} << shift;
      if (digit < 0x80)
        return value <= ~std::uint32_t{0} ? std::optional(static_cast<std::uint32_t>(value))
                                          : std::nullopt;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::string_view> text() {
    const auto size = varint();
    if (!size || *size > rest_.size()) return std::nullopt;
    const auto result = rest_.substr(0, *size);
    rest_.remove_prefix(*size);
    return result;
  }

 private:
  std::string_view rest_;
};

/// Copies one batch into another, looking at each change. Answers why it is refused; null: it is
/// not.
class checker {
 public:
  checker(const replica_write& write, const std::vector<rocksdb::ColumnFamilyHandle*>& handles,
          rocksdb::WriteBatch& to, checked_write& found)
      : write_(write), handles_(handles), to_(to), found_(found) {}

  [[nodiscard]] const char* run() {
    const std::string_view bytes(write_.batch);
    if (bytes.size() < batch_head_bytes) return "it is cut";
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < sizeof(count); ++i)
      count |= std::uint32_t{static_cast<unsigned char>(bytes[batch_count_offset + i])} << 8 * i;
    batch_cursor rest(bytes.substr(batch_head_bytes));
    for (; !rest.at_end(); --count) {
      if (count == 0) return "it has more changes than it says";
      if (const auto* why = change(rest)) return why;
    }
    if (count != 0) return "it has fewer changes than it says";
    return has_position_ ? nullptr : "it does not say its position";
  }

 private:
  [[nodiscard]] const char* change(batch_cursor& rest) {
    const auto tag = static_cast<batch_tag>(rest.byte());
    std::optional<std::uint32_t> id = 0;
    if (tag == batch_tag::put_of_family || tag == batch_tag::removal_of_family ||
        tag == batch_tag::single_removal_of_family)
      id = rest.varint();
    if (!id || *id >= handles_.size()) return "a family is unknown";
    const auto which = static_cast<family>(*id);
    const auto key = rest.text();
    if (!key) return "it is cut";
    if (!is_log_key(which, *key)) return "a key is unknown";
    switch (tag) {
      case batch_tag::put:
      case batch_tag::put_of_family: {
        const auto value = rest.text();
        if (!value) return "it is cut";
        return put(which, *key, *value);
      }
      case batch_tag::removal_of_family:
        if (which == family::meta || which == family::open) break;
        return done(to_.Delete(handles_[*id], *key));
      case batch_tag::single_removal_of_family:
        if (which != family::open) break;
        return done(to_.SingleDelete(handles_[*id], *key));
      default:
        break;
    }
    return "a kind of change is out of place";
  }

  [[nodiscard]] const char* put(family which, std::string_view key, std::string_view value) {
    const char* why = nullptr;
    if (which == family::meta) why = look_at_meta(key, value);
    if (which == family::records) why = look_at_record(key, value);
    if (why) return why;
    return done(to_.Put(handles_[static_cast<std::size_t>(which)], key, value));
  }

  [[nodiscard]] static const char* done(const rocksdb::Status& status) {
    return status.ok() ? nullptr : "the database does not take it";
  }

  [[nodiscard]] const char* look_at_meta(std::string_view key, std::string_view value) {
    const auto kind = static_cast<keys::tag>(key[0]);
    if (kind == keys::tag::position) {
      has_position_ = parse_position_value(value) == write_.at;
      return has_position_ ? nullptr : "it says another position than its envelope";
    }
    if (kind == keys::tag::spending)
      return value.size() == 2 * sizeof(std::uint64_t) ? nullptr : "a sum has another length";
    const auto number = keys::parse_number_value(value);
    if (!number) return "a number has another length";
    if (kind == keys::tag::purged_files) found_.purged_files = *number;
    return nullptr;
  }

  [[nodiscard]] const char* look_at_record(std::string_view key, std::string_view value) {
    if (value.empty()) return "a record is empty";
    if (value[0] == static_cast<char>(value_marker::bytes)) return nullptr;
    const auto ref = decode_payload_ref(value);
    if (!ref) return "a record is of no known kind";
    found_.files.push_back(
        {*keys::job_of(keys::tag::record, key), *keys::record_number_of(key), *ref});
    return nullptr;
  }

  const replica_write& write_;
  const std::vector<rocksdb::ColumnFamilyHandle*>& handles_;
  rocksdb::WriteBatch& to_;
  checked_write& found_;
  bool has_position_ = false;
};

caf::error refused(const replica_write& write, std::string_view why) {
  std::string text("write ");
  text.append(std::to_string(write.at.sequence)).append(" of epoch ");
  text.append(std::to_string(write.at.epoch)).append(" is refused: ").append(why);
  return make_error(errc::malformed_message, std::move(text));
}

caf::error check_files(const replica_write& write, const checked_write& found) {
  if (write.files.size() != found.files.size())
    return refused(write, "its files are not those that its records name");
  for (std::size_t i = 0; i < write.files.size(); ++i) {
    const auto& has = write.files[i];
    const auto& named = found.files[i];
    if (has.job != named.job || has.number != named.number || has.file != named.ref.file ||
        has.bytes.size() != named.ref.size_bytes ||
        crc32c_of(std::as_bytes(std::span(has.bytes))) != named.ref.crc32c)
      return refused(write, "a file is not what its record says");
  }
  return {};
}

}  // namespace

bool is_log_key(family which, std::string_view key) {
  if (key.empty() || key.size() > key_bytes_max) return false;
  switch (which) {
    case family::meta:
      return is_meta_key(key);
    case family::open:
      return key.size() == job_key_bytes && keys::job_of(keys::tag::open_job, key).has_value();
    case family::records:
      return keys::record_number_of(key).has_value();
    case family::summaries:
      return key.size() == job_key_bytes && keys::job_of(keys::tag::summary, key).has_value();
    case family::client_keys:
      if (static_cast<keys::tag>(key[0]) == keys::tag::client_key) return key.size() >= 3;
      return keys::job_of(keys::tag::job_client_key, key).has_value() &&
             key.size() >= job_key_bytes + 2;
  }
  return false;
}

caf::error append_checked(const replica_write& write,
                          const std::vector<rocksdb::ColumnFamilyHandle*>& handles,
                          rocksdb::WriteBatch& to, checked_write& found) {
  if (const auto* why = checker(write, handles, to, found).run()) return refused(write, why);
  return check_files(write, found);
}

std::string position_value(log_position at) {
  std::string value;
  keys::append_u64(value, at.epoch);
  keys::append_u64(value, at.sequence);
  return value;
}

std::optional<log_position> parse_position_value(std::string_view bytes) {
  if (bytes.size() != 2 * sizeof(std::uint64_t)) return std::nullopt;
  return log_position{keys::read_u64(bytes), keys::read_u64(bytes.substr(sizeof(std::uint64_t)))};
}

}  // namespace tandem::storage
