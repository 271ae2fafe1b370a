#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "storage/replica.hpp"
#include "storage/snapshot.hpp"
#include "tests/unit/storage/journal_fixture.hpp"

namespace tandem::storage {

/// A journal that keeps what it gives out, and the folder of a copy beside it.
class replica_fixture : public journal_fixture {
 protected:
  replica_fixture() {
    copy_options_ = options_;
    copy_options_.folder = root_ / "copy";
  }

  [[nodiscard]] std::unique_ptr<journal> primary(std::uint64_t epoch = 1) {
    auto opened = open();
    const auto err = opened->start_epoch(
        epoch, [this](replica_write write) { given_out_.push_back(std::move(write)); });
    if (err) throw std::runtime_error(message_of(err));
    return opened;
  }

  /// Carries a snapshot over in chunks of `chunk_bytes`.
  [[nodiscard]] caf::error copy_snapshot(journal& from, std::size_t chunk_bytes = 100) const {
    auto reader = from.snapshot();
    if (!reader) return std::move(reader.error());
    auto writer = snapshot_writer::begin(copy_options_, from.id(), 0);
    if (!writer) return std::move(writer.error());
    for (;;) {
      auto chunk = (*reader)->read((*writer)->offset(), chunk_bytes);
      if (!chunk) return std::move(chunk.error());
      if (chunk->empty()) break;
      if (auto err = (*writer)->add(*chunk)) return err;
    }
    return (*writer)->finish();
  }

  [[nodiscard]] std::unique_ptr<replica> follower(journal_id id) const {
    auto opened = replica::open(copy_options_, id);
    if (!opened) throw std::runtime_error(message_of(opened.error()));
    return std::move(*opened);
  }

  /// What was given out beyond `have`.
  [[nodiscard]] std::vector<replica_write> after(log_position have) const {
    std::vector<replica_write> result;
    for (const auto& write : given_out_)
      if (write.at.sequence > have.sequence) result.push_back(write);
    return result;
  }

  std::deque<replica_write> given_out_;
  journal_options copy_options_;
};

/// All that readers of a journal can see, as text.
inline std::string content_of(const journal& from) {
  std::string all;
  const auto err =
      from.read_summaries(0, [&](std::uint64_t job, std::span<const std::byte> summary) {
        all.append("job " + std::to_string(job) + " " + text_of(summary) + "\n");
        for (const auto& [number, record] : records_of(from, job))
          all.append(std::to_string(number) + ": " + record + "\n");
        return true;
      });
  EXPECT_FALSE(err) << words_of(err);
  const auto open = from.open_jobs();
  for (const auto job : *open) all.append("open " + std::to_string(job) + "\n");
  for (const auto& row : from.spending(0))
    all.append(row.tenant + " " + std::to_string(row.tokens) + "\n");
  if (const auto job = from.find_client_key("t", "k"); job && *job)
    all.append("key " + std::to_string(**job) + "\n");
  return all.append("next " + std::to_string(*from.next_job_number()) + "\n");
}

inline journal_batch some_job(std::uint64_t job, std::string_view text) {
  journal_batch batch;
  batch.put_record(job, 1, bytes_of(text));
  batch.put_record(job, 2, bytes_of(std::string(220, 'b').append(text)));
  batch.put_summary(job, bytes_of(text));
  batch.open_job(job);
  batch.put_client_key("t", "k", job);
  batch.add_spending("t", 4'000'000'000'000, job, 7);
  return batch;
}

}  // namespace tandem::storage
