#include "tests/bench/load.hpp"

#include <chrono>
#include <future>
#include <memory>

#include <caf/event_based_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace tandem::bench {
namespace {

using clock = std::chrono::steady_clock;

struct load_state {
  planner_actor planner;
  std::vector<tmsg::submit> goals;
  std::uint64_t jobs = 0;
  std::uint64_t started = 0;
  load_result result;
  clock::time_point begin = clock::now();
  std::promise<load_result> finished;
};

using load_ptr = std::shared_ptr<load_state>;

void next_job(caf::event_based_actor* self, const load_ptr& load);

void ended(caf::event_based_actor* self, const load_ptr& load, clock::time_point start, bool done) {
  auto& result = load->result;
  ++(done ? result.done : result.failed);
  result.latencies.push_back(std::chrono::duration<double>(clock::now() - start).count());
  if (result.done + result.failed == load->jobs) {
    result.seconds = std::chrono::duration<double>(clock::now() - load->begin).count();
    load->finished.set_value(std::move(result));
    self->quit();
    return;
  }
  next_job(self, load);
}

void next_job(caf::event_based_actor* self, const load_ptr& load) {
  if (load->started == load->jobs) return;
  auto start = clock::now();
  const auto& goal = load->goals[load->started++ % load->goals.size()];
  self->request(load->planner, caf::infinite, submit_atom_v, goal)
      .then(
          [=](const tmsg::submitd& reply) {
            message_builder<schema::JobRef> ref;
            ref->setJob(reply.read()->getJob());
            self->request(load->planner, caf::infinite, wait_atom_v, ref.finish())
                .then(
                    [=](const tmsg::jobsum& summary) {
                      ended(self, load, start,
                            summary.read()->getState() == schema::JobState::DONE);
                    },
                    [=](const caf::error&) { ended(self, load, start, false); });
          },
          [=](const caf::error&) { ended(self, load, start, false); });
}

}  // namespace

load_result run_load(caf::actor_system& system, const planner_actor& planner,
                     const std::vector<tmsg::submit>& goals, std::uint64_t jobs,
                     std::uint32_t in_flight) {
  auto load = std::make_shared<load_state>();
  load->planner = planner;
  load->goals = goals;
  load->jobs = jobs;
  auto finished = load->finished.get_future();
  system.spawn([load, in_flight](caf::event_based_actor* self) -> caf::behavior {
    for (std::uint32_t i = 0; i < in_flight; ++i) next_job(self, load);
    return {[](caf::unit_t) {}};
  });
  return finished.get();
}

}  // namespace tandem::bench
