// Looking at jobs: jobs, job, result, follow.

#include "nodes/cli/job_commands.hpp"

#include <array>

#include "config/words.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/follow.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/job_export.hpp"
#include "nodes/cli/job_json.hpp"
#include "nodes/cli/job_text.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/plain_text.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

constexpr std::uint32_t jobs_default = 20;
constexpr std::int64_t jobs_limit_max = 10'000;
constexpr std::int64_t export_limit_max = 1'000'000'000;
/// Of one request; the node may answer with less.
constexpr std::uint32_t page_max = 500;

/// `--before`: a number, or job ids with commas between them, one of each journal.
caf::error read_before(const invocation& from, schema::JobQuery::Builder query) {
  auto before = from.value("before");
  if (!before) return {};
  std::vector<job_id> ids;
  for (std::size_t at = 0; at <= before->size();) {
    auto end = std::min(before->find(',', at), before->size());
    auto id = parse_job_id(std::string_view{*before}.substr(at, end - at));
    if (!id) break;
    ids.push_back(*id);
    at = end + 1;
    if (end != before->size()) continue;
    auto cursors = query.initCursors(static_cast<unsigned>(ids.size()));
    for (unsigned i = 0; i < cursors.size(); ++i) {
      cursors[i].setJournal(ids[i].journal.value);
      cursors[i].setBefore(ids[i].number);
    }
    return {};
  }
  auto number = integer_option(from, "before", 1, std::numeric_limits<std::int64_t>::max());
  if (!number) {
    return make_error(errc::invalid_argument,
                      "--before is " + quote_word(*before) +
                          ", but must be a number, or a job's id, or some with commas between");
  }
  query.setBefore(static_cast<std::uint64_t>(**number));
  return {};
}

caf::error read_filters(const invocation& from, schema::JobQuery::Builder query) {
  auto names = from.values("state");
  auto states = query.initStates(static_cast<unsigned>(names.size()));
  for (unsigned i = 0; i < states.size(); ++i) {
    auto state = parse_job_state(names[i]);
    if (!state) {
      return make_error(errc::invalid_argument,
                        "--state is " + quote_word(names[i]) +
                            ", but must be queued, running, paused, done, failed or cancelled");
    }
    states.set(i, *state);
  }
  for (const char* name : {"tenant", "tag", "text"}) {
    auto text = from.value(name);
    if (text && !is_valid_utf8(*text)) {
      return make_error(errc::invalid_argument, std::string{"--"} + name + " is not UTF-8 text");
    }
  }
  query.setTenant(from.value("tenant").value_or(""));
  query.setTag(from.value("tag").value_or(""));
  query.setText(from.value("text").value_or(""));
  return read_before(from, query);
}

/// What one command shows: some pages.
struct job_listing {
  std::vector<tmsg::jobsum> jobs;
  /// The last page: what is missing, and where the next one goes on.
  tmsg::joblist last;

  /// As --before takes it; empty: no more.
  [[nodiscard]] std::string next() const {
    auto reader = last.read();
    if (reader->getNext() != 0) return std::to_string(reader->getNext());
    std::string text;
    for (auto cursor : reader->getCursors()) {
      if (cursor.getBefore() == 0) continue;
      job_id id{journal_id{cursor.getJournal()}, cursor.getBefore()};
      text += (text.empty() ? "" : ",") + to_string(id);
    }
    return text;
  }
};

std::string list_json(const job_listing& listing) {
  json_writer json;
  json.object();
  json.array_field("jobs");
  for (const auto& job : listing.jobs) write_json(json, *job.read());
  json.end();
  auto reader = listing.last.read();
  auto next = listing.next();
  if (next.empty())
    json.null_field("next_before");
  else if (reader->getNext() != 0)
    json.field("next_before", reader->getNext());
  else
    json.field("next_before", next);
  json.array_field("missing");
  for (auto journal : reader->getMissing()) {
    json.object();
    json.field("journal", to_string(journal_id{journal.getJournal()}));
    json.field("node", view(journal.getNode()));
    json.field("address", view(journal.getAddress()));
    json.field("waiting", journal.getWaiting());
    json.end();
  }
  json.end();
  json.end();
  return json.text();
}

std::string list_text(const std::vector<tmsg::jobsum>& jobs, const style& how) {
  message_builder<schema::JobList> all;
  auto list = all->initJobs(static_cast<unsigned>(jobs.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.setWithCaveats(i, *jobs[i].read());
  return jobs_text(all->asReader(), how, now_ms());
}

/// Pages until `limit` jobs are there or the journals have no more.
caf::error fetch_jobs(client& node, message_builder<schema::JobQuery>& query, std::size_t limit,
                      job_listing& into) {
  while (true) {
    query->setLimit(
        static_cast<std::uint32_t>(std::min<std::size_t>(limit - into.jobs.size(), page_max)));
    auto before = into.last.empty() ? std::string{} : into.next();
    auto page = node.list(query.finish());
    if (!page) return std::move(page.error());
    into.last = std::move(*page);
    auto reader = into.last.read();
    for (auto job : reader->getJobs()) {
      message_builder<schema::JobSummary> copy;
      copy.copy(job);
      into.jobs.push_back(copy.finish());
    }
    auto next = into.next();
    if (next.empty() || next == before || into.jobs.size() >= limit) return {};
    query->setBefore(reader->getNext());
    query->setCursors(reader->getCursors());
  }
}

exit_code run_jobs(const invocation& from, console& io) {
  message_builder<schema::JobQuery> query;
  if (auto err = read_filters(from, *query)) return usage_error(io, from, err);
  auto exports = !from.arguments.empty();
  if (exports && from.arguments.front() != "export")
    return usage_error(
        io, from,
        "jobs cannot " + quote_word(from.arguments.front()) + ", but list jobs, or export them");
  auto limit = integer_option(from, "limit", 1, exports ? export_limit_max : jobs_limit_max);
  if (!limit) return usage_error(io, from, limit.error());
  auto [node, code] = connect(from, io);
  if (!node) return code;
  if (exports)
    return export_jobs(*node, query, static_cast<std::size_t>(limit->value_or(export_limit_max)),
                       io);
  job_listing listing;
  auto wanted = static_cast<std::size_t>(limit->value_or(jobs_default));
  if (auto err = fetch_jobs(*node, query, wanted, listing)) return io.fail(err);
  if (from.wants_json()) {
    io.line(list_json(listing));
    return exit_code::ok;
  }
  auto missing = missing_text(*listing.last.read(), io.out_style());
  if (listing.jobs.empty()) {
    io.write(missing);
    io.note("no such jobs; `tandem submit GOAL` makes one");
    return exit_code::ok;
  }
  io.write(list_text(listing.jobs, io.out_style()));
  io.write(missing);
  if (auto next = listing.next(); !next.empty() && io.has_reader()) {
    io.note("there are more: --before " + next + " goes on, --limit shows more");
  }
  return exit_code::ok;
}

exit_code run_job(const invocation& from, console& io) {
  auto job = job_argument(from, io);
  if (!job) return exit_code::usage;
  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto view = node->view(*job);
  if (!view) return io.fail(view.error());
  if (from.wants_json())
    io.line(to_json(*view->read()));
  else
    io.write(job_text(*view->read(), io.out_style(), now_ms()));
  return exit_code::ok;
}

/// Why a job has no answer: it has ended without one, or goes on.
exit_code fail_without_answer(client& node, job_id job, const caf::error& err, console& io) {
  auto id = to_string(job);
  if (code_of(err) != errc::conflict) return io.fail(err);
  auto summary = node.summary(job);
  if (!summary) return io.fail(summary.error());
  auto reader = summary->read();
  if (has_ended(reader->getState()) && reader->getState() != schema::JobState::DONE) {
    return fail_ended(io, *reader);
  }
  auto text = "job " + id + " is " + std::string{name_of(reader->getState())};
  auto reason = printable_line(view(reader->getReason()));
  if (!reason.empty()) text += ": " + reason;
  return io.fail(exit_code::refused, text, "wait for it with `tandem follow " + id + '`');
}

exit_code run_result(const invocation& from, console& io) {
  auto job = job_argument(from, io);
  if (!job) return exit_code::usage;
  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto answer = node->result(*job);
  if (!answer) return fail_without_answer(*node, *job, answer.error(), io);
  if (from.wants_json()) {
    json_writer json;
    json.object();
    json.field("job", to_string(*job));
    json.field("answer", *answer);
    json.end();
    io.line(json.text());
  } else if (io.out_style().width == 0) {
    io.write(*answer);
  } else {
    write_answer(io, *answer);
  }
  return exit_code::ok;
}

exit_code run_follow(const invocation& from, console& io) {
  auto job = job_argument(from, io);
  if (!job) return exit_code::usage;
  auto after = integer_option(from, "after", 0, std::numeric_limits<std::int64_t>::max());
  if (!after) return usage_error(io, from, after.error());
  auto limit = duration_option(from, "timeout");
  if (!limit) return usage_error(io, from, limit.error());
  auto [node, code] = connect(from, io);
  if (!node) return code;
  return follow_job(*node, *job,
                    {.json = from.wants_json(),
                     .after = static_cast<std::uint64_t>(after->value_or(0)),
                     .limit = *limit},
                    io);
}

constexpr std::array jobs_options{
    option_spec{"state", "STATE",
                "queued, running, paused, done, failed or cancelled; may be repeated", true},
    option_spec{"tenant", "NAME", "jobs of this tenant"},
    option_spec{"tag", "TAG", "jobs with this tag"},
    option_spec{"text", "TEXT", "jobs whose goal has this text"},
    option_spec{"limit", "NUMBER", "how many, the newest first; 20 by default; with export all"},
    option_spec{"before", "JOB",
                "older ones than this id or number; of several journals an id each, with commas"}};

constexpr std::array follow_options_list{
    option_spec{"after", "NUMBER", "only events after this one (their numbers are in --json)"},
    option_spec{"timeout", "TIME", "stop following after this; the job goes on"}};

}  // namespace

std::optional<job_id> job_argument(const invocation& from, console& io) {
  auto job = parse_job_id(from.arguments.front());
  if (!job) {
    (void)usage_error(io, from,
                      quote_word(from.arguments.front()) +
                          " is no job id; one looks like k3fwq2xm-42, and `tandem jobs` lists "
                          "them");
  }
  return job;
}

const command_spec jobs_command{.name = "jobs",
                                .arguments = "[export]",
                                .summary = "list jobs, the newest first, or export them",
                                .details =
                                    "SAVED compares the cost with that of the same tokens at the "
                                    "large model's prices. export\n"
                                    "writes each job as a line of JSON: when it came, its steps "
                                    "and what they depend on, every\n"
                                    "attempt with its model, tokens, cost and times. No text of "
                                    "a user or a model is in it.",
                                .example =
                                    "tandem jobs --state running --state queued\n"
                                    "tandem jobs --tag nightly --limit 100 --json\n"
                                    "tandem jobs export --state done > jobs.jsonl",
                                .options = jobs_options,
                                .arguments_max = 1,
                                .run = run_jobs};

const command_spec job_command{
    .name = "job",
    .arguments = "ID",
    .summary = "show one job: its plan, every call to a model, tokens, cost and reasons",
    .details =
        "In the plan, [x] is done, [>] runs, [ ] waits, [-] was given up; * marks the answer's "
        "step.",
    .example = "tandem job k3fwq2xm-42\ntandem job k3fwq2xm-42 --json",
    .options = {},
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_job};

const command_spec result_command{
    .name = "result",
    .arguments = "ID",
    .summary = "print a job's whole answer",
    .details =
        "To a pipe or file byte by byte as the model wrote it; on a terminal without control\n"
        "characters.",
    .example = "tandem result k3fwq2xm-42 > answer.txt",
    .options = {},
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_result};

const command_spec follow_command{
    .name = "follow",
    .arguments = "ID",
    .summary = "watch a job until it ends, then print its answer",
    .details =
        "On a terminal the plan is drawn anew as steps finish; elsewhere each event is a line. ^C "
        "leaves\n"
        "the job running.",
    .example = "tandem follow k3fwq2xm-42\ntandem follow k3fwq2xm-42 --json --timeout 5min",
    .options = follow_options_list,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_follow};

}  // namespace tandem::cli
