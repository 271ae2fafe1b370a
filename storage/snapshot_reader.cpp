#include <algorithm>
#include <utility>

#include "schema/errc.hpp"
#include "storage/journal_state.hpp"
#include "storage/keys.hpp"
#include "storage/snapshot.hpp"
#include "storage/snapshot_format.hpp"

namespace tandem::storage {

namespace format = snapshot_format;

/// Where the stream stands: within a family, within a file, or behind the end.
struct snapshot_reader::cursor {
  explicit cursor(journal::state& from) : db(*from.db), view(db.GetSnapshot()) {}
  ~cursor() {
    row.reset();
    db.ReleaseSnapshot(view);
  }
  cursor(const cursor&) = delete;
  cursor& operator=(const cursor&) = delete;

  void append(std::uint8_t kind, std::string_view key, std::string_view value) {
    const auto begin = pending.size();
    pending.push_back(static_cast<char>(kind));
    keys::append_u32(pending, static_cast<std::uint32_t>(key.size()));
    keys::append_u32(pending, static_cast<std::uint32_t>(value.size()));
    pending.append(key).append(value);
    ++entries;
    sum = format::extend(sum, std::string_view(pending).substr(begin));
  }

  void append_end() {
    std::string value;
    keys::append_u64(value, entries);
    keys::append_u32(value, sum);
    append(format::end, {}, value);
    ended = true;
  }

  void append_file_part() {
    const auto size = std::min(format::part_bytes, file.size() - file_done);
    std::string key;
    keys::append_u64(key, job);
    keys::append_u32(key, number);
    keys::append_u64(key, file_done);
    append(format::file_part, key, {reinterpret_cast<const char*>(file.data()) + file_done, size});
    file_done += size;
    if (file_done == file.size()) file = {};
  }

  rocksdb::DB& db;
  const rocksdb::Snapshot* view;
  std::unique_ptr<rocksdb::Iterator> row;
  std::size_t next_family = 0;
  /// The rest of the file that is being told.
  std::vector<std::byte> file;
  std::size_t file_done = 0;
  std::uint64_t job = 0;
  std::uint32_t number = 0;

  std::string pending;
  std::uint64_t entries = 0;
  std::uint32_t sum = 0;
  bool ended = false;

  /// Makes some more bytes pending.
  [[nodiscard]] caf::error advance(const journal::state& from);
  [[nodiscard]] caf::error begin_file(const journal::state& from, const rocksdb::Slice& key,
                                      const payload_ref& ref);
};

caf::error snapshot_reader::cursor::begin_file(const journal::state& from,
                                               const rocksdb::Slice& key, const payload_ref& ref) {
  job = keys::job_of(keys::tag::record, key.ToStringView()).value_or(0);
  number = keys::record_number_of(key.ToStringView()).value_or(0);
  file_done = 0;
  auto bytes = from.payloads.read(job, number, ref);
  if (bytes) {
    file = std::move(*bytes);
    return {};
  }
  std::string now;
  if (db.Get(rocksdb::ReadOptions(), from.of(family::records), key, &now).IsNotFound()) return {};
  return std::move(bytes.error());
}

caf::error snapshot_reader::cursor::advance(const journal::state& from) {
  if (!file.empty()) {
    append_file_part();
    return {};
  }
  if (!row) {
    if (next_family == family_count) {
      append_end();
      return {};
    }
    rocksdb::ReadOptions read;
    read.snapshot = view;
    read.fill_cache = false;
    row.reset(db.NewIterator(read, from.of(static_cast<family>(next_family))));
    row->SeekToFirst();
  }
  if (!row->Valid()) {
    if (auto err = from.failure(row->status(), "reading a snapshot")) return err;
    row.reset();
    ++next_family;
    return {};
  }
  append(static_cast<std::uint8_t>(next_family), row->key().ToStringView(),
         row->value().ToStringView());
  caf::error err;
  if (static_cast<family>(next_family) == family::records)
    if (const auto ref = decode_payload_ref(row->value().ToStringView()))
      err = begin_file(from, row->key(), *ref);
  row->Next();
  return err;
}

snapshot_reader::snapshot_reader(journal::state& from, log_position at)
    : from_(from), at_(at), cursor_(std::make_unique<cursor>(from)) {}
snapshot_reader::~snapshot_reader() = default;

caf::expected<std::string_view> snapshot_reader::read(std::uint64_t offset, std::size_t bytes_max) {
  if (started_ && offset == offset_) return std::string_view(chunk_);
  if (offset != offset_ + chunk_.size())
    return make_error(errc::invalid_argument, "a snapshot is read from its beginning, in order");
  auto& at = *cursor_;
  while (at.pending.size() < bytes_max && !at.ended)
    if (auto err = at.advance(from_)) return err;
  started_ = true;
  offset_ = offset;
  const auto size = std::min(bytes_max, at.pending.size());
  chunk_.assign(at.pending, 0, size);
  at.pending.erase(0, size);
  return std::string_view(chunk_);
}

}  // namespace tandem::storage
