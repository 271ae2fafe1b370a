#include "storage/route_store_state.hpp"

#include <algorithm>
#include <iterator>

#include "schema/errc.hpp"
#include "schema/text.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace {

using rocksdb::Status;
using rocksdb::WriteBatch;

/// Beyond the new ones, so that a lower decisions_kept is reached in bounded steps.
constexpr std::uint64_t dropped_extra_max = 1024;
/// Changes that a batch is compared with.
constexpr std::uint64_t changes_compared = 16;

std::string_view chars_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Status put(WriteBatch& to, rocksdb::ColumnFamilyHandle* in, const std::string& key,
           std::string_view content) {
  return to.Put(in, key, seal_record(key, content));
}

}  // namespace

caf::error route_store::state::mend() {
  if (db && !broken) return {};
  // Not DB::Resume(): with nothing to flush it keeps the log whose append failed, and RocksDB 7.8
  // aborts at the next one.
  close();
  if (auto err = open_database()) {
    close();
    return err;
  }
  broken = false;
  return load_numbers();
}

caf::error route_store::state::write(const route_batch& batch) {
  if (auto err = batch.check()) return err;
  if (auto err = mend()) return err;
  if (batch.empty()) return {};
  WriteBatch writes;
  numbers at{first_sequence, next_sequence, next_change};
  auto status = add_small(writes, batch);
  if (status.ok()) status = add_decisions(writes, batch, at);
  if (status.ok()) status = drop_oldest(writes, batch.decisions.size(), at);
  if (status.ok()) status = add_changes(writes, batch, at);
  // Not synced: what a power cut takes is learned again.
  if (status.ok()) status = db->Write(rocksdb::WriteOptions(), &writes);
  if (!status.ok()) {
    broken = true;
    return failure(status, "writing what the router learned");
  }
  first_sequence = at.first_sequence;
  next_sequence = at.next_sequence;
  next_change = at.next_change;
  return {};
}

Status route_store::state::add_small(WriteBatch& to, const route_batch& batch) const {
  Status status;
  auto* const statistics = of(route_family::statistics);
  for (const auto origin : batch.forgotten_origins) {
    if (!status.ok()) return status;
    status = to.DeleteRange(statistics, keys::arm_statistics_begin(origin),
                            keys::arm_statistics_end(origin));
  }
  for (const auto& one : batch.statistics) {
    if (!status.ok()) return status;
    auto reader = one.read();
    status = put(
        to, statistics,
        keys::arm_statistics(reader->getOrigin(), static_cast<std::uint16_t>(reader->getPurpose()),
                             view(reader->getModel())),
        chars_of(one.bytes()));
  }
  auto* const meta = of(route_family::meta);
  if (status.ok() && !batch.setting.empty())
    status = put(to, meta, keys::single(keys::tag::route_setting), chars_of(batch.setting.bytes()));
  for (const auto& [name, bytes] : batch.states) {
    if (!status.ok()) return status;
    const auto key = keys::route_state(name);
    status = bytes.empty() ? to.Delete(meta, key) : put(to, meta, key, bytes);
  }
  return status;
}

Status route_store::state::add_decisions(WriteBatch& to, const route_batch& batch,
                                         numbers& at) const {
  auto* const in = of(route_family::decisions);
  Status status;
  std::unordered_map<std::uint64_t, std::uint64_t> new_ones;
  for (const auto id : batch.forgotten_decisions) {
    if (!status.ok()) return status;
    // Its place in the order stays, and leaves with its age.
    status = to.Delete(in, keys::numbered(keys::tag::decision, id));
  }
  for (const auto& one : batch.decisions) {
    if (!status.ok()) return status;
    const auto id = one.read()->getId();
    const auto key = keys::numbered(keys::tag::decision, id);
    std::uint64_t sequence = 0;
    if (const auto known = new_ones.find(id); known != new_ones.end()) {
      sequence = known->second;
    } else if (const auto kept = sequence_of(id); kept && *kept >= first_sequence) {
      sequence = *kept;
    } else {
      sequence = at.next_sequence++;
      new_ones.emplace(id, sequence);
      status =
          to.Put(in, keys::numbered(keys::tag::decision_order, sequence), keys::number_value(id));
    }
    if (!status.ok()) return status;
    std::string content;
    keys::append_u64(content, sequence);
    content.append(chars_of(one.bytes()));
    status = put(to, in, key, content);
  }
  return status;
}

Status route_store::state::drop_oldest(WriteBatch& to, std::size_t new_ones, numbers& at) const {
  const auto kept = at.next_sequence - at.first_sequence;
  const auto kept_max = std::max<std::uint64_t>(options.decisions_kept, 1);
  if (kept <= kept_max) return {};
  auto* const in = of(route_family::decisions);
  const auto count = std::min<std::uint64_t>(kept - kept_max, new_ones + dropped_extra_max);
  // Ones of this very batch are not read yet: they are dropped by the next.
  const auto end = std::min(at.first_sequence + count, next_sequence);
  for (; at.first_sequence < end; ++at.first_sequence) {
    const auto key = keys::numbered(keys::tag::decision_order, at.first_sequence);
    std::string value;
    auto status = db->Get(rocksdb::ReadOptions(), in, key, &value);
    if (status.IsNotFound()) continue;
    if (!status.ok()) return status;
    const auto id = keys::parse_number_value(value);
    // Rewritten under a later place: that one goes when it is due.
    const auto place = id ? sequence_of(*id) : std::nullopt;
    if (id && (!place || *place == at.first_sequence))
      status = to.Delete(in, keys::numbered(keys::tag::decision, *id));
    if (status.ok()) status = to.Delete(in, key);
    if (!status.ok()) return status;
  }
  return {};
}

Status route_store::state::add_changes(WriteBatch& to, const route_batch& batch,
                                       numbers& at) const {
  if (batch.changes.empty()) return {};
  // A write that failed half may have reached the log, and is tried again.
  std::vector<std::string> newest;
  read_kind(route_family::meta, keys::tag::route_change, true,
            [&newest](std::string_view, std::string_view content) {
              newest.emplace_back(content);
              return newest.size() < changes_compared;
            });
  Status status;
  for (const auto& one : batch.changes) {
    const auto content = chars_of(one.bytes());
    if (std::find(newest.begin(), newest.end(), content) != newest.end()) continue;
    newest.emplace_back(content);
    status = put(to, of(route_family::meta),
                 keys::numbered(keys::tag::route_change, at.next_change++), content);
    if (!status.ok()) return status;
  }
  return status;
}

}  // namespace tandem::storage
