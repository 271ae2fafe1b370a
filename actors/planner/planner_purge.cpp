// Removing what has ended: on request, and by retention.

#include <memory>

#include "actors/clock.hpp"
#include "actors/planner/planner.hpp"

namespace tandem {
namespace {

/// Jobs removed by one request or one round of retention; the next round goes on.
constexpr std::uint32_t purge_batch = 4096;

constexpr std::chrono::minutes purge_period{1};

/// Removes `numbers` one after the other, so that commits of running jobs come in between.
struct purge_round {
  planner_state::pointer self;
  std::vector<std::uint64_t> numbers;
  caf::typed_response_promise<tmsg::purged> promise;
  std::uint64_t jobs = 0;
  std::uint64_t bytes = 0;
};

void purge_next(const std::shared_ptr<purge_round>& round) {
  auto* self = round->self;
  if (round->numbers.empty()) {
    message_builder<schema::Purged> reply;
    reply->setJobs(round->jobs);
    reply->setBytes(round->bytes);
    round->promise.deliver(reply.finish());
    return;
  }
  auto number = round->numbers.back();
  round->numbers.pop_back();
  // Retried since it was listed: it is nobody's past.
  if (self->state.jobs.count(number) != 0) return purge_next(round);
  self->request(self->state.peers.journal, caf::infinite, purge_atom_v, number)
      .then(
          [round](std::uint64_t bytes) {
            ++round->jobs;
            round->bytes += bytes;
            purge_next(round);
          },
          [round](const caf::error& err) { round->promise.deliver(err); });
}

void purge_older(planner_state::pointer self, std::uint64_t before_ms,
                 caf::typed_response_promise<tmsg::purged> promise) {
  self->request(self->state.peers.archive, caf::infinite, expired_atom_v, before_ms, purge_batch)
      .then(
          [self, promise](const job_numbers& found) {
            purge_next(std::make_shared<purge_round>(purge_round{self, found.numbers, promise}));
          },
          [promise](const caf::error& err) mutable { promise.deliver(err); });
}

}  // namespace

caf::result<tmsg::purged> planner_state::purge(pointer self, const tmsg::purge& request) {
  auto reader = request.read();
  auto id = reader->getJob();
  // Before the promise is made: it would take the request, and the error would reach nobody.
  if (id.getNumber() != 0 && find_open(id) != nullptr)
    return make_error(errc::conflict, "the job has not ended; cancel it first");
  auto promise = self->make_response_promise<tmsg::purged>();
  if (id.getNumber() == 0) {
    auto now = unix_ms();
    auto age = reader->getOlderThanMs();
    purge_older(self, age < now ? now - age : 0, promise);
    return promise;
  }
  message_builder<schema::JobRef> ref;
  ref->setJob(id);
  // Asked first whether it is there, so that a wrong id is an error and not a purge of nothing.
  self->request(peers.archive, caf::infinite, summary_atom_v, ref.finish())
      .then(
          [self, promise, number = id.getNumber()](const tmsg::jobsum&) {
            purge_next(std::make_shared<purge_round>(purge_round{self, {number}, promise}));
          },
          [promise](const caf::error& err) mutable { promise.deliver(err); });
  return promise;
}

void planner_state::purge_expired(pointer self) {
  auto kept_ms = std::chrono::milliseconds{settings.limits.retention}.count();
  auto now = unix_ms();
  auto before = static_cast<std::uint64_t>(kept_ms);
  if (before < now) purge_older(self, now - before, {});
  self->delayed_send(self, purge_period, expired_atom_v);
}

}  // namespace tandem
