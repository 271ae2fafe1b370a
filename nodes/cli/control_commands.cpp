// Acting on jobs: cancel, pause, resume, retry, feedback, purge.

#include <array>

#include <poll.h>
#include <unistd.h>

#include "nodes/cli/commands.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/job_commands.hpp"
#include "nodes/cli/job_json.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/plain_text.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

schema::JobAction action_of(std::string_view command) {
  if (command == "cancel") return schema::JobAction::CANCEL;
  if (command == "pause") return schema::JobAction::PAUSE;
  if (command == "resume") return schema::JobAction::RESUME;
  return schema::JobAction::RETRY;
}

/// What the job is after the action; a node may answer before a job has started again.
bool is_as_asked(schema::JobAction action, schema::JobState state) {
  switch (action) {
    case schema::JobAction::CANCEL:
      return state == schema::JobState::CANCELLED;
    case schema::JobAction::PAUSE:
      return state == schema::JobState::PAUSED;
    default:
      return state == schema::JobState::RUNNING || state == schema::JobState::QUEUED;
  }
}

exit_code run_action(const invocation& from, console& io) {
  auto job = job_argument(from, io);
  if (!job) return exit_code::usage;
  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto action = action_of(from.command->name);
  auto summary = node->command(*job, action, from.value("reason").value_or(""));
  if (!summary) return io.fail(summary.error());
  auto reader = summary->read();
  if (!is_as_asked(action, reader->getState())) {
    return io.fail(exit_code::refused,
                   "job " + to_string(*job) + " is " + std::string{name_of(reader->getState())} +
                       "; it cannot " + std::string{from.command->name} + " now",
                   "`tandem job " + to_string(*job) + "` shows what it does");
  }
  if (from.wants_json())
    io.line(to_json(*reader));
  else
    io.line("job " + to_string(*job) + " is " + std::string{name_of(reader->getState())});
  return exit_code::ok;
}

exit_code run_feedback(const invocation& from, console& io) {
  auto job = job_argument(from, io);
  if (!job) return exit_code::usage;
  auto score = number_option(from, "score", 0, 1);
  if (!score) return usage_error(io, from, score.error());
  if (!*score)
    return usage_error(io, from, "feedback needs --score, from 0 (useless) to 1 (perfect)");
  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto summary =
      node->feedback(*job, static_cast<float>(**score), from.value("comment").value_or(""));
  if (!summary) return io.fail(summary.error());
  if (from.wants_json())
    io.line(to_json(*summary->read()));
  else
    io.line("noted for job " + to_string(*job));
  return exit_code::ok;
}

/// Asks on stderr, reads stdin; only `y` and `yes` are a yes.
bool is_confirmed(console& io, const std::string& question) {
  io.note(question + " [y/N]");
  std::string answer;
  char c = 0;
  while (answer.size() < 16 && ::read(0, &c, 1) == 1 && c != '\n') answer += c;
  return answer == "y" || answer == "yes";
}

struct purge_sum {
  std::uint64_t jobs = 0;
  std::uint64_t bytes = 0;
};

void say_purged(const invocation& from, console& io, const purge_sum& sum) {
  if (from.wants_json()) {
    json_writer json;
    json.object();
    json.field("jobs", sum.jobs);
    json.field("bytes", sum.bytes);
    json.end();
    io.line(json.text());
    return;
  }
  io.line("purged " + human_count(sum.jobs) + (sum.jobs == 1 ? " job, " : " jobs, ") +
          human_bytes(sum.bytes));
}

exit_code purge_old(const invocation& from, console& io, std::chrono::milliseconds age) {
  if (!from.has("yes")) {
    if (::isatty(0) != 1) {
      return usage_error(io, from, "purging by age needs --yes where nobody can be asked");
    }
    if (!is_confirmed(io, "Remove every job that ended more than " + human_duration(age) +
                              " ago, with its answer, for good?")) {
      io.note("nothing was removed");
      return exit_code::ok;
    }
  }
  auto [node, code] = connect(from, io);
  if (!node) return code;
  purge_sum sum;
  while (true) {
    auto purged = node->purge_older_than(age);
    if (!purged) return io.fail(purged.error());
    auto reader = purged->read();
    if (reader->getJobs() == 0) break;
    sum.jobs += reader->getJobs();
    sum.bytes += reader->getBytes();
  }
  say_purged(from, io, sum);
  return exit_code::ok;
}

exit_code run_purge(const invocation& from, console& io) {
  auto age = duration_option(from, "older-than");
  if (!age) return usage_error(io, from, age.error());
  if (age->has_value() == !from.arguments.empty()) {
    return usage_error(io, from, "purge needs either a job's ID or --older-than");
  }
  if (*age) return purge_old(from, io, **age);
  auto job = job_argument(from, io);
  if (!job) return exit_code::usage;
  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto purged = node->purge(*job);
  if (!purged) return io.fail(purged.error());
  say_purged(from, io, {purged->read()->getJobs(), purged->read()->getBytes()});
  return exit_code::ok;
}

constexpr std::array reason_option{option_spec{"reason", "TEXT", "why; the job keeps it"}};
constexpr std::array feedback_options{
    option_spec{"score", "NUMBER", "how good the answer is, from 0 (useless) to 1 (perfect)"},
    option_spec{"comment", "TEXT", "what was good or bad"}};
constexpr std::array purge_options{
    option_spec{"older-than", "TIME", "every job that ended longer ago than this, such as 7d"},
    option_spec{"yes", "", "do not ask"}};

constexpr command_spec action_command(std::string_view name, std::string_view summary,
                                      std::string_view details, std::string_view example) {
  return {.name = name,
          .arguments = "ID",
          .summary = summary,
          .details = details,
          .example = example,
          .options = reason_option,
          .arguments_min = 1,
          .arguments_max = 1,
          .run = run_action};
}

}  // namespace

const command_spec cancel_command =
    action_command("cancel", "stop a job for good", "What has been computed stays to be looked at.",
                   "tandem cancel k3fwq2xm-42 --reason 'wrong goal'");
const command_spec pause_command = action_command(
    "pause", "start no more steps of a job",
    "Calls under way are finished and kept. Its deadline goes on.", "tandem pause k3fwq2xm-42");
const command_spec resume_command =
    action_command("resume", "let a paused job go on", "", "tandem resume k3fwq2xm-42");
const command_spec retry_command =
    action_command("retry", "let a failed or cancelled job go on",
                   "Finished steps stay; the rest starts again.", "tandem retry k3fwq2xm-42");

const command_spec feedback_command{
    .name = "feedback",
    .arguments = "ID",
    .summary = "say how good a job's answer was; routing learns from it",
    .details = "",
    .example = "tandem feedback k3fwq2xm-42 --score 0.8 --comment 'right, but long'",
    .options = feedback_options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_feedback};

const command_spec purge_command{
    .name = "purge",
    .arguments = "ID",
    .summary = "remove ended jobs for good, or one of them",
    .details = "A job that has not ended cannot be purged: cancel it first.",
    .example = "tandem purge k3fwq2xm-42\ntandem purge --older-than 7d --yes",
    .options = purge_options,
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run_purge};

}  // namespace tandem::cli
