#include "storage/journal.hpp"

#include <algorithm>
#include <utility>

#include "schema/errc.hpp"
#include "storage/journal_state.hpp"
#include "storage/keys.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace {

using summary_visitor = std::function<bool(std::uint64_t, std::span<const std::byte>)>;

std::span<const std::byte> as_bytes(const rocksdb::Slice& slice) {
  return std::as_bytes(std::span(slice.data(), slice.size()));
}

}  // namespace

journal::journal(std::unique_ptr<state> state) : state_(std::move(state)) {}
journal::~journal() = default;

caf::expected<std::unique_ptr<journal>> journal::open(const journal_options& options) {
  auto opened = std::make_unique<state>(options);
  if (auto err = opened->check_is_no_copy()) return err;
  if (auto err = opened->make_folder()) return err;
  if (auto err = opened->open_database()) return err;
  if (auto err = opened->check_identity()) return err;
  if (auto err = opened->load_position()) return err;
  if (auto err = opened->load()) return err;
  if (auto err = opened->remove_orphans()) return err;
  opened->write_pid_file();
  return std::unique_ptr<journal>(new journal(std::move(opened)));
}

journal_id journal::id() const {
  return state_->id;
}

caf::error journal::commit(std::span<const journal_batch* const> batches, durability level) {
  const std::lock_guard lock(state_->write_mutex);
  if (state_->failed) return state_->failed;
  if (auto err = state_->check(batches)) return err;
  // Whether a failed write reached the disk is unknown, so nothing may follow it.
  if (auto err = state_->apply(batches, level)) state_->failed = std::move(err);
  return state_->failed;
}

caf::expected<std::uint64_t> journal::purge(std::uint64_t job) {
  const std::lock_guard lock(state_->write_mutex);
  if (state_->failed) return state_->failed;
  auto purged = state_->purge(job);
  if (!purged) state_->failed = purged.error();
  return purged;
}

caf::expected<std::uint64_t> journal::next_job_number() const {
  return state_->highest_job.load(std::memory_order_relaxed) + 1;
}

caf::expected<std::vector<std::uint64_t>> journal::open_jobs() const {
  std::vector<std::uint64_t> jobs;
  {
    const std::lock_guard lock(state_->open_mutex);
    jobs.assign(state_->open.begin(), state_->open.end());
  }
  std::sort(jobs.begin(), jobs.end());
  return jobs;
}

caf::error journal::read_records(std::uint64_t job, std::uint32_t after,
                                 const std::function<bool(journal_record)>& visit) const {
  if (after == ~std::uint32_t{0}) return {};
  const auto end = keys::record_end(job);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> found(
      state_->db->NewIterator(read, state_->of(family::records)));
  for (found->Seek(keys::record(job, after + 1)); found->Valid(); found->Next()) {
    const auto number = keys::record_number_of(found->key().ToStringView());
    if (!number) return corrupted_error("a record's key is unreadable", state_->folder);
    auto record = state_->read_record(job, *number, found->value().ToStringView());
    if (!record) return std::move(record.error());
    if (!visit(std::move(*record))) return {};
  }
  return state_->failure(found->status(), "reading records");
}

caf::expected<std::vector<std::byte>> journal::read_summary(std::uint64_t job) const {
  rocksdb::PinnableSlice value;
  const auto status = state_->db->Get(rocksdb::ReadOptions(), state_->of(family::summaries),
                                      keys::summary(job), &value);
  if (status.IsNotFound())
    return make_error(errc::not_found, "no job " + std::to_string(job) + " in " + state_->folder);
  if (!status.ok()) return state_->failure(status, "reading a summary");
  const auto bytes = as_bytes(value);
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

caf::error journal::read_summaries(std::uint64_t before, const summary_visitor& visit) const {
  const std::unique_ptr<rocksdb::Iterator> found(
      state_->db->NewIterator(rocksdb::ReadOptions(), state_->of(family::summaries)));
  if (before == 0) {
    found->SeekToLast();
  } else {
    found->SeekForPrev(keys::summary(before - 1));
  }
  for (; found->Valid(); found->Prev()) {
    const auto job = keys::job_of(keys::tag::summary, found->key().ToStringView());
    if (!job) return corrupted_error("a summary's key is unreadable", state_->folder);
    if (!visit(*job, as_bytes(found->value()))) return {};
  }
  return state_->failure(found->status(), "reading summaries");
}

caf::error journal::read_summaries_oldest_first(std::uint64_t from,
                                                const summary_visitor& visit) const {
  const std::unique_ptr<rocksdb::Iterator> found(
      state_->db->NewIterator(rocksdb::ReadOptions(), state_->of(family::summaries)));
  for (found->Seek(keys::summary(from)); found->Valid(); found->Next()) {
    const auto job = keys::job_of(keys::tag::summary, found->key().ToStringView());
    if (!job) return corrupted_error("a summary's key is unreadable", state_->folder);
    if (!visit(*job, as_bytes(found->value()))) return {};
  }
  return state_->failure(found->status(), "reading summaries");
}

caf::expected<std::optional<std::uint64_t>> journal::find_client_key(std::string_view tenant,
                                                                     std::string_view key) const {
  if (tenant.size() > keys::tenant_bytes_max || key.size() > keys::client_key_bytes_max)
    return std::optional<std::uint64_t>();
  return state_->read_number(family::client_keys, keys::client_key(tenant, key));
}

std::vector<tenant_spending> journal::spending(std::uint64_t from_ms) const {
  const std::lock_guard lock(state_->write_mutex);
  std::vector<tenant_spending> rows;
  for (auto row = state_->spending.lower_bound({from_ms / ms_per_hour, std::string()});
       row != state_->spending.end(); ++row)
    rows.push_back({.tenant = row->first.second,
                    .hour_ms = row->first.first * ms_per_hour,
                    .tokens = row->second.first,
                    .cost_nanousd = row->second.second});
  return rows;
}

journal_figures journal::figures() const {
  journal_figures result;
  result.commits = state_->commits.load(std::memory_order_relaxed);
  result.records = state_->records.load(std::memory_order_relaxed);
  result.bytes = state_->bytes.load(std::memory_order_relaxed);
  result.memory_bytes = state_->write_buffers->memory_usage() + state_->cache->GetUsage();
  return result;
}

}  // namespace tandem::storage
