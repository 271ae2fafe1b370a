#include "actors/gateway/job_end.hpp"

#include <chrono>
#include <memory>

#include <caf/send.hpp>

#include "schema/errc.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Then it is asked again: a promise at the job's home does not outlive who waits for long.
constexpr std::chrono::minutes end_patience{5};
constexpr std::chrono::minutes return_patience{10};
constexpr std::chrono::seconds return_pause{2};

struct watch : std::enable_shared_from_this<watch> {
  using clock = std::chrono::steady_clock;

  tmsg::jobref job;
  std::function<void(const call_end&)> done;
  /// When the home was first not there; epoch: it is.
  clock::time_point lost;

  void ask(gateway_pointer self) {
    if (!self->state.front) return later(self);
    self->request(self->state.front, end_patience, wait_atom_v, job)
        .then(
            [self, one = shared_from_this()](const tmsg::jobsum& summary) {
              one->lost = {};
              auto reader = summary.read();
              auto state = reader->getState();
              if (state != schema::JobState::DONE && state != schema::JobState::FAILED &&
                  state != schema::JobState::CANCELLED)
                return one->later(self);
              one->done(read_job_end(*reader));
            },
            [self, one = shared_from_this()](const caf::error& err) { one->on_error(self, err); });
  }

  void on_error(gateway_pointer self, const caf::error& err) {
    if (err == caf::sec::request_timeout) return ask(self);
    auto now = clock::now();
    if (lost == clock::time_point{}) lost = now;
    if (code_of(err) != errc::unavailable || now - lost > return_patience) return;
    later(self);
  }

  void later(gateway_pointer self) {
    self->delayed_send(
        self, return_pause, call_atom_v,
        gateway_task{[one = shared_from_this()](gateway_pointer gateway) { one->ask(gateway); }});
  }
};

}  // namespace

job_id id_of(schema::JobId::Reader id) {
  return {journal_id{id.getJournal()}, id.getNumber()};
}

call_end read_job_end(schema::JobSummary::Reader summary) {
  auto usage = summary.getUsage();
  call_end out;
  out.prompt_tokens = usage.getPromptTokens();
  out.cached_prompt_tokens = usage.getCachedPromptTokens();
  out.completion_tokens = usage.getCompletionTokens();
  out.calls = usage.getCalls();
  out.cost_nanousd = usage.getCostNanousd();
  out.cost_all_large_nanousd = usage.getCostAllLargeNanousd();
  out.saved_nanousd = usage.getSavedNanousd();
  out.cache_hits = usage.getCacheHits();
  out.job = to_string(id_of(summary.getJob()));
  out.simulated = summary.getSimulated();
  out.total_us = summary.getEndedAtMs() > summary.getSubmittedAtMs()
                     ? (summary.getEndedAtMs() - summary.getSubmittedAtMs()) * 1000
                     : 0;
  return out;
}

void when_job_ends(gateway_pointer self, tmsg::jobref job,
                   std::function<void(const call_end&)> done) {
  auto one = std::make_shared<watch>();
  one->job = std::move(job);
  one->done = std::move(done);
  one->ask(self);
}

}  // namespace tandem
