#include "actors/archive/archive.hpp"

#include <algorithm>

#include "actors/archive/cost_scan.hpp"
#include "actors/job/job_view.hpp"
#include "actors/status.hpp"

namespace tandem {
namespace {

/// Summaries looked at for one page: a filter that matches nothing must end too. The next page goes
/// on from there.
constexpr std::uint32_t scan_max = 100'000;

caf::error unknown_job(job_id id) {
  return make_error(errc::not_found, "no job " + to_string(id) +
                                         " in this journal; 'tandem jobs' lists those it has");
}

}  // namespace

caf::expected<job_history> archive_state::load(std::uint64_t job) const {
  job_history history{.job = job};
  caf::error bad;
  auto err = store->read_records(job, 0, [&](storage::journal_record record) {
    auto parsed = job_record::parse(record.bytes, record_limits);
    if (!parsed) {
      bad =
          make_error(errc::corrupted, "record " + std::to_string(record.number) + " of job " +
                                          std::to_string(job) + ": " + message_of(parsed.error()));
      return false;
    }
    history.records.push_back(std::move(*parsed));
    return true;
  });
  if (err) return err;
  if (bad) return bad;
  return history;
}

caf::expected<std::unique_ptr<job_state>> archive_state::state_of(schema::JobId::Reader job) const {
  job_id id{journal_id{job.getJournal()}, job.getNumber()};
  if (id.journal != store->id()) return unknown_job(id);
  auto history = load(id.number);
  if (!history) return std::move(history.error());
  if (history->records.empty()) return unknown_job(id);
  auto state = std::make_unique<job_state>(id, limits);
  std::uint32_t number = 1;
  for (auto& record : history->records)
    if (auto err = state->apply(number++, std::move(record))) return err;
  return state;
}

caf::expected<tmsg::jobsum> archive_state::line(std::uint64_t job) const {
  auto bytes = store->read_summary(job);
  if (!bytes) return std::move(bytes.error());
  auto summary = tmsg::jobsum::parse(*bytes);
  if (!summary)
    return make_error(errc::corrupted, "the line of job " + std::to_string(job) + ": " +
                                           message_of(summary.error()));
  return summary;
}

caf::expected<tmsg::jobsum> archive_state::line_of_unreadable(schema::JobId::Reader job,
                                                              const caf::error& why) const {
  if (code_of(why) != errc::corrupted) return why;
  auto found = line(job.getNumber());
  // Of a job that has not ended its planner will say what becomes of it.
  if (!found || found->read()->getEndedAtMs() == 0) return why;
  return found;
}

caf::expected<tmsg::joblist> archive_state::list(schema::JobQuery::Reader query) const {
  auto limit = query.getLimit() == 0 ? page_default : std::min(query.getLimit(), page_max);
  std::vector<tmsg::jobsum> found;
  std::uint32_t looked = 0;
  std::uint64_t next = 0;
  caf::error bad;
  auto err = store->read_summaries(
      query.getBefore(), [&](std::uint64_t job, std::span<const std::byte> bytes) {
        if (found.size() == limit || looked++ == scan_max) {
          next = job + 1;
          return false;
        }
        auto summary = tmsg::jobsum::parse(bytes);
        if (!summary) {
          bad = make_error(errc::corrupted, "the line of job " + std::to_string(job) + ": " +
                                                message_of(summary.error()));
          return false;
        }
        if (matches(query, *summary->read())) found.push_back(std::move(*summary));
        return true;
      });
  if (err) return err;
  if (bad) return bad;
  message_builder<schema::JobList> out;
  auto jobs = out->initJobs(static_cast<unsigned>(found.size()));
  for (unsigned i = 0; i < jobs.size(); ++i) jobs.setWithCaveats(i, *found[i].read());
  out->setNext(next);
  return out.finish();
}

caf::expected<job_numbers> archive_state::expired(std::uint64_t before_ms,
                                                  std::uint32_t max) const {
  job_numbers result;
  std::uint32_t looked = 0;
  auto err = store->read_summaries_oldest_first(
      0, [&](std::uint64_t job, std::span<const std::byte> bytes) {
        if (result.numbers.size() == max || looked++ == scan_max) return false;
        auto summary = tmsg::jobsum::parse(bytes);
        if (!summary) return true;
        // Nothing that was submitted later can have ended before.
        if (summary->read()->getSubmittedAtMs() >= before_ms) return false;
        auto ended_at_ms = summary->read()->getEndedAtMs();
        if (ended_at_ms != 0 && ended_at_ms < before_ms) result.numbers.push_back(job);
        return true;
      });
  if (err) return err;
  return result;
}

archive_actor::behavior_type archive_behavior(archive_actor::stateful_pointer<archive_state> self,
                                              std::shared_ptr<const storage::journal> store,
                                              const plan::limits& limits) {
  self->state.store = std::move(store);
  self->state.limits = limits;
  // A reply from the job's records, or the error that keeps it from being read.
  auto from_job = [self](
                      schema::JobId::Reader job,
                      auto make) -> caf::result<decltype(make(std::declval<const job_state&>()))> {
    ++self->state.handled;
    auto state = self->state.state_of(job);
    if (!state) return std::move(state.error());
    return make(**state);
  };
  return {
      [self](load_atom, std::uint64_t job) -> caf::result<job_history> {
        ++self->state.handled;
        return self->state.load(job);
      },
      [self](open_atom) -> caf::result<job_numbers> {
        auto numbers = self->state.store->open_jobs();
        if (!numbers) return std::move(numbers.error());
        return job_numbers{std::move(*numbers)};
      },
      [self](find_atom) -> caf::result<std::uint64_t> {
        return self->state.store->next_job_number();
      },
      [self](find_atom, const std::string& tenant,
             const std::string& key) -> caf::result<std::uint64_t> {
        auto found = self->state.store->find_client_key(tenant, key);
        if (!found) return std::move(found.error());
        return found->value_or(0);
      },
      [self](expired_atom, std::uint64_t before_ms, std::uint32_t max) -> caf::result<job_numbers> {
        return self->state.expired(before_ms, max);
      },
      [self](list_atom, const tmsg::jobqry& query) -> caf::result<tmsg::joblist> {
        ++self->state.handled;
        return self->state.list(*query.read());
      },
      [self](cost_atom, const tmsg::costqry& query) -> caf::result<tmsg::costrep> {
        ++self->state.handled;
        return scan_costs(*self->state.store, *query.read());
      },
      [self](view_atom, const tmsg::jobref& request) -> caf::result<tmsg::jobview> {
        ++self->state.handled;
        auto reader = request.read();
        auto state = self->state.state_of(reader->getJob());
        if (state) return make_view(**state, reader->getTextBytesMax());
        auto line = self->state.line_of_unreadable(reader->getJob(), state.error());
        if (!line) return std::move(line.error());
        message_builder<schema::JobView> view;
        view->setSummary(*line->read());
        return view.finish();
      },
      [self](summary_atom, const tmsg::jobref& request) -> caf::result<tmsg::jobsum> {
        ++self->state.handled;
        auto job = request.read()->getJob();
        auto state = self->state.state_of(job);
        if (state) return make_summary(**state);
        auto line = self->state.line_of_unreadable(job, state.error());
        if (!line) return std::move(line.error());
        return std::move(*line);
      },
      [self](summary_atom, std::uint64_t job) -> caf::result<tmsg::jobsum> {
        auto line = self->state.line(job);
        if (!line) return std::move(line.error());
        return std::move(*line);
      },
      [from_job](follow_atom, const tmsg::follow& request) -> caf::result<tmsg::events> {
        auto reader = request.read();
        return from_job(reader->getJob(), [&](const job_state& state) {
          return make_events(state,
                             static_cast<std::uint32_t>(
                                 std::min<std::uint64_t>(reader->getAfter(), state.last_number())),
                             state.last_number());
        });
      },
      [from_job](result_atom, const tmsg::resqry& query) -> caf::result<tmsg::reschnk> {
        auto reader = query.read();
        return from_job(reader->getJob(), [&](const job_state& state) {
          return make_result(state, reader->getOffset());
        });
      },
      [self](status_atom) {
        return actor_status({.name = "archive",
                             .kind = "archive",
                             .parent = "supervisor",
                             .mailbox_depth = self->mailbox().size(),
                             .handled = self->state.handled,
                             .noun = "reads"});
      }};
}

}  // namespace tandem
