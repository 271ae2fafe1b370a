#include "actors/journal/journal.hpp"

#include <chrono>

#include "actors/metrics/node_metrics.hpp"
#include "actors/status.hpp"

namespace tandem {

journal_state::~journal_state() {
  for (auto& promise : waiting)
    promise.deliver(make_error(errc::unavailable, "the journal has stopped"));
}

void add_write(storage::journal_batch& batch, const journal_write& write) {
  auto number = write.first;
  for (const auto& record : write.records) batch.put_record(write.job, number++, record.bytes());
  if (!write.summary.empty()) batch.put_summary(write.job, write.summary.bytes());
  if (write.mark == journal_write::mark::open) batch.open_job(write.job);
  if (write.mark == journal_write::mark::close) batch.close_job(write.job);
  if (!write.client_key.empty()) batch.put_client_key(write.tenant, write.client_key, write.job);
  if (write.spent_at_ms != 0)
    batch.add_spending(write.tenant, write.spent_at_ms, write.spent_tokens, write.spent_nanousd);
}

void count_write(node_metrics& to, const journal_write& write) {
  for (const auto& record : write.records) to.on_record(*record.read());
  if (write.mark == journal_write::mark::close && !write.summary.empty())
    to.on_job_end(*write.summary.read());
}

void journal_state::add(const journal_write& write) {
  add_write(batch, write);
  if (metrics) count_write(*metrics, write);
  handled += write.records.size();
  batch_records += write.records.size();
}

void journal_state::commit() {
  if (waiting.empty()) return;
  if (!failed) {
    const storage::journal_batch* batches[] = {&batch};
    auto began = std::chrono::steady_clock::now();
    failed = store->commit(batches, config.durability);
    if (metrics)
      metrics->on_commit(
          batch_records,
          std::chrono::duration<double>{std::chrono::steady_clock::now() - began}.count());
  }
  for (auto& promise : waiting) {
    if (failed)
      promise.deliver(failed);
    else
      promise.deliver(caf::ok_atom_v);
  }
  waiting.clear();
  batch.clear();
  batch_records = 0;
}

journal_actor::behavior_type counted_journal_behavior(
    journal_actor::stateful_pointer<journal_state> self, std::shared_ptr<storage::journal> store,
    const journal_config& config, std::shared_ptr<node_metrics> metrics) {
  self->state.metrics = std::move(metrics);
  return journal_behavior(self, std::move(store), config);
}

journal_actor::behavior_type journal_behavior(journal_actor::stateful_pointer<journal_state> self,
                                              std::shared_ptr<storage::journal> store,
                                              const journal_config& config) {
  self->state.store = std::move(store);
  self->state.config = config;
  return {[self](write_atom, const journal_write& write) {
            auto& state = self->state;
            auto promise = self->make_response_promise<caf::ok_atom>();
            state.add(write);
            state.waiting.push_back(promise);
            // Whatever is in the mailbox by now comes before this message and joins the batch.
            if (state.waiting.size() == 1) self->send(self, commit_atom_v);
            if (state.waiting.size() >= state.config.batch_records_max) state.commit();
            return promise;
          },
          [self](commit_atom) {
            self->state.commit();
            // Its supervisor ends the node: nothing can be promised any more.
            if (self->state.failed) self->quit(self->state.failed);
          },
          [self](purge_atom, std::uint64_t job) -> caf::result<std::uint64_t> {
            self->state.commit();
            auto bytes = self->state.store->purge(job);
            if (!bytes) return std::move(bytes.error());
            return *bytes;
          },
          [self](status_atom) {
            return actor_status({.name = "journal",
                                 .kind = "journal",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .queued = self->state.waiting.size(),
                                 .handled = self->state.handled,
                                 .noun = "records"});
          }};
}

}  // namespace tandem
