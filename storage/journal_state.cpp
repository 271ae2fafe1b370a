#include "storage/journal_state.hpp"

#include <set>
#include <utility>

#include "schema/errc.hpp"
#include "storage/keys.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace {

using change = batch_changes::change;
using kind = batch_changes::kind;

constexpr std::uint64_t last_job = ~std::uint64_t{0};

caf::error refusal(const change& one, std::string_view why) {
  std::string text("job ");
  text.append(std::to_string(one.job)).append(": ").append(why);
  return make_error(errc::invalid_argument, std::move(text));
}

caf::error check_change(const change& one, std::size_t record_bytes_max) {
  if (one.what == kind::spending) {
    if (one.size_bytes > 2 * sizeof(std::uint64_t) + keys::tenant_bytes_max)
      return refusal(one, "a tenant's name has at most 1024 bytes");
    return {};
  }
  if (one.job == 0 || one.job == last_job)
    return refusal(one, "a job's number is from 1 to 2^64 - 2");
  if (one.what == kind::client_key) {
    if (one.number > keys::tenant_bytes_max)
      return refusal(one, "a tenant's name has at most 1024 bytes");
    if (one.size_bytes - one.number > keys::client_key_bytes_max)
      return refusal(one, "a client key has at most 4096 bytes");
    return {};
  }
  if (one.what == kind::record && one.number == 0)
    return refusal(one, "records are numbered from 1");
  if (one.size_bytes > record_bytes_max)
    return refusal(one, "a record of " + std::to_string(one.size_bytes) +
                            " bytes is above the limit of " + std::to_string(record_bytes_max) +
                            " (record_bytes_max): shorten it, or raise the limit");
  return {};
}

rocksdb::WriteOptions write_options(durability level) {
  rocksdb::WriteOptions result;
  result.sync = level == durability::sync;
  return result;
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

caf::error journal::state::failure(const rocksdb::Status& status,
                                   std::string_view operation) const {
  return to_error(status, operation, folder);
}

void journal::state::saw_job(std::uint64_t job) {
  if (job > highest_job.load(std::memory_order_relaxed))
    highest_job.store(job, std::memory_order_relaxed);
}

caf::error journal::state::check(std::span<const journal_batch* const> batches) const {
  for (const auto* batch : batches)
    for (const auto& one : batch->state_->changes)
      if (auto err = check_change(one, options.record_bytes_max)) return err;
  return {};
}

caf::error journal::state::apply(std::span<const journal_batch* const> batches, durability level) {
  std::size_t size_bytes = 0;
  for (const auto* batch : batches) size_bytes += batch->bytes();
  rocksdb::WriteBatch all(size_bytes);
  std::uint64_t records_added = 0;
  open_changes.clear();
  for (const auto* batch : batches) {
    for (const auto& one : batch->state_->changes) {
      if (auto err = add(all, *batch->state_, one, level)) return err;
      if (one.what == kind::record) ++records_added;
    }
  }
  if (all.Count() == 0) return {};
  // First, so that followers write while this disk does.
  if (sink)
    if (auto err = give_out(all)) return err;
  if (auto err = payloads.sync_folders()) return err;
  if (auto status = db->Write(write_options(level), &all); !status.ok())
    return failure(status, "a commit");
  adopt_open_changes();
  for (const auto* batch : batches)
    for (const auto& one : batch->state_->changes)
      if (one.what != kind::spending) saw_job(one.job);
  ++commits;
  records += records_added;
  bytes += all.GetDataSize();
  return {};
}

caf::error journal::state::add(rocksdb::WriteBatch& to, const batch_changes& batch,
                               const change& one, durability level) {
  switch (one.what) {
    case kind::record:
      return add_record(to, batch, one, level);
    case kind::summary:
      return failure(to.Put(of(family::summaries), keys::summary(one.job), batch.bytes_of(one)),
                     "a commit");
    case kind::open:
    case kind::close:
      set_open(to, one.job, one.what == kind::open);
      return {};
    case kind::spending:
      return add_spending(to, batch, one);
    case kind::client_key: {
      const auto tenant = batch.bytes_of(one).substr(0, one.number);
      const auto key = batch.bytes_of(one).substr(one.number);
      auto status = to.Put(of(family::client_keys), keys::client_key(tenant, key),
                           keys::number_value(one.job));
      if (status.ok())
        status = to.Put(of(family::client_keys), keys::job_client_key(one.job, tenant, key), "");
      return failure(status, "a commit");
    }
  }
  return {};
}

caf::error journal::state::add_spending(rocksdb::WriteBatch& to, const batch_changes& batch,
                                        const change& one) {
  const auto bytes = batch.bytes_of(one);
  const auto tenant = bytes.substr(2 * sizeof(std::uint64_t));
  auto& [tokens, cost] = spending[{one.job, std::string(tenant)}];
  tokens += keys::read_u64(bytes);
  cost += static_cast<std::int64_t>(keys::read_u64(bytes.substr(sizeof(std::uint64_t))));
  std::string value;
  keys::append_u64(value, tokens);
  keys::append_u64(value, static_cast<std::uint64_t>(cost));
  return failure(to.Put(of(family::meta), keys::spending(one.job, tenant), value), "a commit");
}

caf::error journal::state::add_record(rocksdb::WriteBatch& to, const batch_changes& batch,
                                      const change& one, durability level) {
  const auto key = keys::record(one.job, one.number);
  const auto record = batch.bytes_of(one);
  if (record.size() > options.inline_bytes_max) {
    auto ref = payloads.write(one.job, one.number, as_bytes(record), level == durability::sync);
    if (!ref) return std::move(ref.error());
    if (sink) outgoing_files.push_back({one.job, one.number, ref->file, std::string(record)});
    return failure(to.Put(of(family::records), key, encode_payload_ref(*ref)), "a commit");
  }
  const char marker = static_cast<char>(value_marker::bytes);
  const rocksdb::Slice key_part(key);
  const rocksdb::Slice value_parts[] = {{&marker, 1}, {record.data(), record.size()}};
  return failure(to.Put(of(family::records), rocksdb::SliceParts(&key_part, 1),
                        rocksdb::SliceParts(value_parts, 2)),
                 "a commit");
}

// A SingleDelete vanishes together with its Put at the next flush, where a Delete would pile up as
// a tombstone that recovery has to walk over. It is only right after exactly one Put: hence the
// look at what is open already.
void journal::state::set_open(rocksdb::WriteBatch& to, std::uint64_t job, bool is_open) {
  const auto changed = open_changes.find(job);
  bool was_open = false;
  if (changed != open_changes.end()) {
    was_open = changed->second;
  } else {
    const std::lock_guard lock(open_mutex);
    was_open = open.count(job) > 0;
  }
  if (was_open == is_open) return;
  open_changes[job] = is_open;
  const auto status = is_open ? to.Put(of(family::open), keys::open_job(job), "")
                              : to.SingleDelete(of(family::open), keys::open_job(job));
  status.PermitUncheckedError();
}

void journal::state::adopt_open_changes() {
  const std::lock_guard lock(open_mutex);
  for (const auto& [job, is_open] : open_changes) {
    if (is_open) {
      open.insert(job);
    } else {
      open.erase(job);
    }
  }
  open_changes.clear();
}

caf::expected<std::uint64_t> journal::state::purge(std::uint64_t job) {
  rocksdb::WriteBatch all;
  open_changes.clear();
  std::uint64_t record_bytes = 0;
  bool has_files = false;

  const auto end = keys::record_end(job);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read;
  read.fill_cache = false;
  read.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> records_of_job(
      db->NewIterator(read, of(family::records)));
  rocksdb::Status status;
  for (records_of_job->Seek(keys::record(job, 0)); status.ok() && records_of_job->Valid();
       records_of_job->Next()) {
    const auto value = records_of_job->value().ToStringView();
    if (const auto ref = decode_payload_ref(value)) {
      has_files = true;
      record_bytes += ref->size_bytes;
    } else {
      record_bytes += value.empty() ? 0 : value.size() - 1;
    }
    status = all.Delete(of(family::records), records_of_job->key());
  }
  if (status.ok()) status = records_of_job->status();
  if (!status.ok()) return failure(status, "a purge");
  if (auto err = add_purge_of_client_keys(all, job)) return err;
  set_open(all, job, false);
  std::string summary;
  status = db->Get(rocksdb::ReadOptions(), of(family::summaries), keys::summary(job), &summary);
  if (status.ok()) {
    status = all.Delete(of(family::summaries), keys::summary(job));
  } else if (status.IsNotFound()) {
    status = rocksdb::Status::OK();
  }
  if (!status.ok()) return failure(status, "a purge");
  if (all.Count() == 0) return 0;

  if (job > highest_purged)
    status = all.Put(of(family::meta), keys::single(keys::tag::highest_purged_job),
                     keys::number_value(job));
  if (status.ok() && has_files)
    status =
        all.Put(of(family::meta), keys::single(keys::tag::purged_files), keys::number_value(job));
  if (status.ok() && sink)
    if (auto err = give_out(all)) return err;
  // Files must not go before what refers to them has gone for good.
  if (status.ok())
    status = db->Write(write_options(has_files ? durability::sync : durability::os), &all);
  if (!status.ok()) return failure(status, "a purge");
  adopt_open_changes();
  highest_purged = std::max(highest_purged, job);
  if (has_files)
    if (auto err = payloads.remove_files(job, {})) return err;
  return record_bytes;
}

caf::error journal::state::add_purge_of_client_keys(rocksdb::WriteBatch& to, std::uint64_t job) {
  const auto end = keys::job_client_key_end(job);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> keys_of_job(
      db->NewIterator(read, of(family::client_keys)));
  for (keys_of_job->Seek(keys::job_client_key_begin(job)); keys_of_job->Valid();
       keys_of_job->Next()) {
    const auto client_key = keys::client_key_of(keys_of_job->key().ToStringView());
    if (!client_key) return corrupted_error("a client key is unreadable", folder);
    auto named = read_number(family::client_keys, *client_key);
    if (!named) return std::move(named.error());
    // It may name a later job by now.
    auto status = to.Delete(of(family::client_keys), keys_of_job->key());
    if (status.ok() && *named == job) status = to.Delete(of(family::client_keys), *client_key);
    if (!status.ok()) return failure(status, "a purge");
  }
  return failure(keys_of_job->status(), "a purge");
}

caf::expected<std::optional<std::uint64_t>> journal::state::read_number(
    family which, const std::string& key) const {
  std::string value;
  const auto status = db->Get(rocksdb::ReadOptions(), of(which), key, &value);
  if (status.IsNotFound()) return std::optional<std::uint64_t>();
  if (!status.ok()) return failure(status, "a read");
  auto number = keys::parse_number_value(value);
  if (!number) return corrupted_error("a number in the database has another length", folder);
  return number;
}

caf::expected<journal_record> journal::state::read_record(std::uint64_t job, std::uint32_t number,
                                                          std::string_view value) const {
  journal_record result;
  result.number = number;
  if (!value.empty() && value[0] == static_cast<char>(value_marker::bytes)) {
    const auto rest = as_bytes(value.substr(1));
    result.bytes.assign(rest.begin(), rest.end());
    return result;
  }
  const auto ref = decode_payload_ref(value);
  if (!ref)
    return corrupted_error("record " + std::to_string(number) + " of job " + std::to_string(job) +
                               " is of no known kind",
                           folder);
  auto bytes_read = payloads.read(job, number, *ref);
  if (!bytes_read) return std::move(bytes_read.error());
  result.bytes = std::move(*bytes_read);
  return result;
}

}  // namespace tandem::storage
