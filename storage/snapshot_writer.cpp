#include <filesystem>
#include <set>
#include <utility>

#include <rocksdb/file_system.h>

#include "schema/errc.hpp"
#include "storage/batch_check.hpp"
#include "storage/copy_folder.hpp"
#include "storage/journal_state.hpp"
#include "storage/keys.hpp"
#include "storage/snapshot.hpp"
#include "storage/snapshot_format.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace format = snapshot_format;

namespace {

constexpr std::size_t batch_bytes = std::size_t{1} << 20;

caf::error no_snapshot(const std::string& why) {
  return make_error(errc::malformed_message, "this is no snapshot of a journal: " + why);
}

bool is_identity(std::string_view key) {
  return key.size() == 1 && (key[0] == static_cast<char>(keys::tag::format_version) ||
                             key[0] == static_cast<char>(keys::tag::journal_id));
}

}  // namespace

struct snapshot_writer::sink {
  explicit sink(const journal_options& options)
      : record_bytes_max(options.record_bytes_max),
        state(std::make_unique<journal::state>(options)) {}

  std::size_t record_bytes_max;
  /// Of the folder beside.
  std::unique_ptr<journal::state> state;
  std::string folder;
  journal_id expected;
  std::uint64_t copy = 0;
  rocksdb::WriteBatch batch;
  std::uint64_t entries = 0;
  std::uint32_t sum = 0;
  bool ended = false;
  /// The file that parts are being added to.
  std::uint64_t job = 0;
  std::uint32_t number = 0;
  payload_ref ref;
  std::vector<std::byte> file;
  bool in_file = false;

  [[nodiscard]] caf::error write_batch() {
    if (batch.Count() == 0) return {};
    // Nothing of it counts before the flush at the end.
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    const auto status = state->db->Write(options, &batch);
    batch.Clear();
    return state->failure(status, "writing a snapshot");
  }

  [[nodiscard]] caf::error add_part(std::string_view key, std::string_view value) {
    if (!in_file || key.size() != format::part_key_bytes || keys::read_u64(key) != job ||
        keys::read_u32(key.substr(8)) != number || keys::read_u64(key.substr(12)) != file.size() ||
        value.size() > ref.size_bytes - file.size())
      return no_snapshot("a part of a file is out of place");
    const auto bytes = std::as_bytes(std::span(value));
    file.insert(file.end(), bytes.begin(), bytes.end());
    if (file.size() < ref.size_bytes) return {};
    in_file = false;
    if (crc32c_of(file) != ref.crc32c) return no_snapshot("a file differs from its checksum");
    auto err = state->payloads.write_named(job, number, ref.file, file, /*sync=*/true);
    file.clear();
    return err;
  }

  [[nodiscard]] caf::error add_row(family which, std::string_view key, std::string_view value) {
    if (!is_log_key(which, key) && !(which == family::meta && is_identity(key)))
      return no_snapshot("a key is unknown");
    // A file that was purged meanwhile comes with its record alone.
    in_file = false;
    file.clear();
    if (which == family::records) {
      if (value.empty()) return no_snapshot("a record is empty");
      if (const auto found = decode_payload_ref(value)) {
        if (found->size_bytes > record_bytes_max) return no_snapshot("a record is too large");
        job = *keys::job_of(keys::tag::record, key);
        number = *keys::record_number_of(key);
        ref = *found;
        in_file = true;
      } else if (value[0] != static_cast<char>(value_marker::bytes)) {
        return no_snapshot("a record is of no known kind");
      }
    }
    auto status =
        batch.Put(state->of(which), {key.data(), key.size()}, {value.data(), value.size()});
    if (!status.ok()) return state->failure(status, "writing a snapshot");
    return batch.GetDataSize() < batch_bytes ? caf::error() : write_batch();
  }

  [[nodiscard]] caf::error add_end(std::string_view value) {
    if (value.size() != format::end_value_bytes || keys::read_u64(value) != entries ||
        keys::read_u32(value.substr(8)) != sum)
      return no_snapshot("it is not what its last entry says");
    ended = true;
    return {};
  }
};

snapshot_writer::snapshot_writer(std::unique_ptr<sink> to) : to_(std::move(to)) {}

snapshot_writer::~snapshot_writer() {
  if (!to_) return;
  const auto beside = to_->state->folder;
  // What it wrote is thrown away.
  to_->state->failed = make_error(errc::cancelled);
  to_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(beside, ignored);
}

caf::expected<std::unique_ptr<snapshot_writer>> snapshot_writer::begin(
    const journal_options& options, journal_id expected, std::uint64_t copy) {
  auto beside = options;
  // Normalised as the journal's own.
  auto to = std::make_unique<sink>(options);
  to->folder = to->state->folder;
  if (to->folder.empty())
    return make_error(errc::invalid_argument, "the copy has no folder: name one");
  auto& files = *to->state->file_system;
  if (auto err = mend_copy_folder(files, to->folder)) return err;
  if (copy == 0 && files.FileExists(to->folder + "/copy", rocksdb::IOOptions(), nullptr).ok()) {
    auto named = copy_id(files, to->folder);
    if (!named) return std::move(named.error());
    copy = *named;
  }
  to->expected = expected;
  to->copy = copy;

  beside.folder = to->folder + ".new";
  std::error_code code;
  std::filesystem::remove_all(beside.folder, code);
  if (code) return to_error(code.value(), "removing a folder", beside.folder.string());
  to->state = std::make_unique<journal::state>(beside);
  if (auto err = to->state->make_folder()) return err;
  if (auto err = to->state->open_database()) return err;
  if (auto err = to->state->check_family_numbers()) return err;
  return std::unique_ptr<snapshot_writer>(new snapshot_writer(std::move(to)));
}

caf::error snapshot_writer::add(std::string_view bytes) {
  rest_.append(bytes);
  offset_ += bytes.size();
  std::string_view rest(rest_);
  while (rest.size() >= format::head_bytes) {
    const auto kind = static_cast<std::uint8_t>(rest[0]);
    const std::size_t key_bytes = keys::read_u32(rest.substr(1));
    const std::size_t value_bytes = keys::read_u32(rest.substr(5));
    if (key_bytes > format::key_bytes_max ||
        value_bytes > to_->record_bytes_max + format::value_slack_bytes)
      return no_snapshot("an entry is too large");
    const auto size = format::head_bytes + key_bytes + value_bytes;
    if (rest.size() < size) break;
    if (auto err = add_entry(kind, rest.substr(format::head_bytes, key_bytes),
                             rest.substr(format::head_bytes + key_bytes, value_bytes)))
      return err;
    to_->sum = format::extend(to_->sum, rest.substr(0, size));
    ++to_->entries;
    rest.remove_prefix(size);
  }
  rest_.erase(0, rest_.size() - rest.size());
  return {};
}

caf::error snapshot_writer::add_entry(std::uint8_t kind, std::string_view key,
                                      std::string_view value) {
  if (to_->ended) return no_snapshot("something follows its end");
  if (kind == format::end) return to_->add_end(value);
  if (kind == format::file_part) return to_->add_part(key, value);
  if (kind < family_count) return to_->add_row(static_cast<family>(kind), key, value);
  return no_snapshot("a kind of entry is unknown");
}

caf::error snapshot_writer::finish() {
  auto& state = *to_->state;
  if (!to_->ended || !rest_.empty()) return no_snapshot("it is cut");
  if (auto err = to_->write_batch()) return err;
  auto named = state.read_number(family::meta, keys::single(keys::tag::journal_id));
  if (!named) return std::move(named.error());
  if (*named != to_->expected.value) return no_snapshot("it is another journal's");
  if (auto err = state.payloads.sync_folders()) return err;
  rocksdb::FlushOptions flush;
  flush.allow_write_stall = true;
  if (auto err = state.failure(state.db->Flush(flush, state.handles), "writing a snapshot"))
    return err;
  if (auto err = state.check_identity()) return err;
  auto& files = *state.file_system;
  const auto beside = state.folder;
  if (to_->copy == 0) {
    auto copy = copy_id(files, beside);
    if (!copy) return std::move(copy.error());
  } else if (auto err = write_copy_id(files, beside, to_->copy)) {
    return err;
  }
  if (auto err = mark_copy(files, beside, true)) return err;
  auto kept = state.file_system;
  const auto folder = to_->folder;
  to_.reset();
  return replace_folder(*kept, folder);
}

}  // namespace tandem::storage
