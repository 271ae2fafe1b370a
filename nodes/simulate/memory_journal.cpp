#include "nodes/simulate/memory_journal.hpp"

#include <utility>

#include <caf/send.hpp>

#include "schema/errc.hpp"

namespace tandem::simulation {
namespace {

void begin_sync(memory_journal_state::pointer self) {
  auto& state = self->state;
  state.syncing = true;
  state.under_way = std::exchange(state.gathered, {});
  self->delayed_send(self, state.sync, commit_atom_v);
}

template <class Reply>
caf::result<Reply> nothing() {
  return make_error(errc::not_found, "a simulated node keeps no jobs");
}

}  // namespace

journal_actor::behavior_type memory_journal(memory_journal_state::pointer self,
                                            std::chrono::microseconds sync,
                                            memory_journal_state::watcher on_write) {
  self->state.sync = sync;
  self->state.on_write = std::move(on_write);
  return {[self](write_atom, const journal_write& write) {
            auto& state = self->state;
            if (state.on_write) state.on_write(write);
            auto promise = self->make_response_promise<caf::ok_atom>();
            state.gathered.push_back(promise);
            if (!state.syncing) begin_sync(self);
            return promise;
          },
          [self](commit_atom) {
            auto& state = self->state;
            for (auto& each : std::exchange(state.under_way, {})) each.deliver(caf::ok_atom_v);
            state.syncing = false;
            if (!state.gathered.empty()) begin_sync(self);
          },
          [](purge_atom, std::uint64_t) { return std::uint64_t{0}; },
          [](status_atom) { return tmsg::actstat{}; }};
}

archive_actor::behavior_type empty_archive() {
  return {[](load_atom, std::uint64_t job) { return job_history{.job = job, .records = {}}; },
          [](open_atom) { return job_numbers{}; },
          [](find_atom) { return std::uint64_t{1}; },
          [](find_atom, const std::string&, const std::string&) { return std::uint64_t{0}; },
          [](expired_atom, std::uint64_t, std::uint32_t) { return job_numbers{}; },
          [](list_atom, const tmsg::jobqry&) { return nothing<tmsg::joblist>(); },
          [](view_atom, const tmsg::jobref&) { return nothing<tmsg::jobview>(); },
          [](summary_atom, const tmsg::jobref&) { return nothing<tmsg::jobsum>(); },
          [](summary_atom, std::uint64_t) { return nothing<tmsg::jobsum>(); },
          [](follow_atom, const tmsg::follow&) { return nothing<tmsg::events>(); },
          [](result_atom, const tmsg::resqry&) { return nothing<tmsg::reschnk>(); },
          [](cost_atom, const tmsg::costqry&) { return nothing<tmsg::costrep>(); },
          [](status_atom) { return tmsg::actstat{}; }};
}

}  // namespace tandem::simulation
