#include "nodes/cli/follow.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "nodes/cli/format.hpp"
#include "nodes/cli/job_json.hpp"
#include "nodes/cli/job_text.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/plain_text.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// One call waits this long at most, so that a lost answer is asked for again.
constexpr milliseconds patience{20'000};
constexpr milliseconds redraw_period{200};

std::string leaving_text(job_id job) {
  auto id = to_string(job);
  return "left; the job goes on: `tandem follow " + id + "` comes back to it, `tandem cancel " +
         id + "` stops it";
}

/// Redraws the picture whenever it changes and, since time passes in it, now and then.
class live_view {
 public:
  live_view(job_id job, console& io) : job_{job}, io_{io} {
    if (io_.is_terminal())
      ticker_ = std::jthread{[this](const std::stop_token& stop) { tick(stop); }};
  }
  ~live_view() {
    if (!ticker_.joinable()) return;
    ticker_.request_stop();
    ticker_.join();
    draw();
    io_.end_drawing();
  }
  live_view(const live_view&) = delete;
  live_view& operator=(const live_view&) = delete;

  void apply(schema::JobEvent::Reader event) {
    std::lock_guard lock{mutex_};
    if (!io_.is_terminal()) io_.write(event_text(event, picture_, io_.out_style()));
    picture_.apply(event);
  }
  void show() {
    if (!io_.is_terminal()) return;
    std::lock_guard lock{mutex_};
    draw();
  }

 private:
  void draw() { io_.redraw(live_lines(picture_, job_, io_.out_style(), io_.height(), now_ms())); }

  void tick(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
      if (!picture_.steps().empty() || picture_.submitted_at_ms() != 0) draw();
      wake_.wait_for(lock, stop, redraw_period, [] { return false; });
    }
  }

  job_id job_;
  console& io_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  job_picture picture_;
  std::jthread ticker_;
};

std::string ended_json(schema::JobSummary::Reader summary, const std::string* answer) {
  json_writer json;
  json.object();
  json.field("event", "ended");
  json.key("job");
  if (answer != nullptr)
    write_json(json, summary, *answer);
  else
    write_json(json, summary);
  json.end();
  return json.text();
}

/// `text_below`: below what was shown of the job's way.
enum class show_as : unsigned char { text, text_below, json, json_event };

/// Says how the job ended: its answer on stdout, the account of it on stderr.
exit_code show_ending(client& node, job_id job, show_as form, console& io) {
  auto summary = node.summary(job);
  if (!summary) return fail_waiting(io, summary.error(), job);
  auto reader = summary->read();
  auto state = reader->getState();
  std::string answer;
  if (state == schema::JobState::DONE) {
    auto text = node.result(job);
    if (!text) return fail_waiting(io, text.error(), job);
    answer = std::move(*text);
  }
  auto is_done = state == schema::JobState::DONE;
  if (form == show_as::json) {
    io.line(is_done ? to_json(*reader, std::string_view{answer}) : to_json(*reader));
  } else if (form == show_as::json_event) {
    io.line(ended_json(*reader, is_done ? &answer : nullptr));
  } else if (is_done) {
    if (form == show_as::text_below) io.write("\n");
    write_answer(io, answer);
    io.note(to_string(job) + ": " + ending_text(*reader));
  }
  if (is_done) return exit_code::ok;
  auto id = to_string(job);
  if (!has_ended(state)) {
    return io.fail(exit_code::refused,
                   "job " + id + " is " + std::string{name_of(state)} + " again",
                   "follow it with `tandem follow " + id + '`');
  }
  return fail_ended(io, *reader);
}

}  // namespace

void write_answer(console& io, const std::string& answer) {
  if (io.out_style().width == 0) {
    io.write(answer);
    if (!answer.ends_with('\n')) io.write("\n");
    return;
  }
  auto text = printable_text(answer);
  io.write(text.ends_with('\n') ? text : text + '\n');
}

exit_code fail_ended(console& io, schema::JobSummary::Reader summary) {
  auto id = to_string(id_of(summary.getJob()));
  auto has_failed = summary.getState() == schema::JobState::FAILED;
  auto text = "job " + id + (has_failed ? " failed" : " was cancelled");
  if (summary.getReason().size() > 0) text += ": " + printable_line(view(summary.getReason()));
  return io.fail(exit_code::failed, text,
                 "`tandem job " + id + "` shows what happened; `tandem retry " + id +
                     "` goes on from its finished steps");
}

exit_code fail_waiting(console& io, const caf::error& err, job_id job) {
  auto id = to_string(job);
  return io.fail(
      err,
      "job " + id + " goes on as soon as its node runs; come back with `tandem follow " + id + '`');
}

std::vector<std::string> live_lines(const job_picture& job, job_id id, const style& how,
                                    std::size_t height, std::uint64_t now) {
  std::vector<std::string> lines;
  auto end = job.ended_at_ms() != 0 ? job.ended_at_ms() : now;
  auto time = end > job.submitted_at_ms() ? end - job.submitted_at_ms() : 0;
  auto state = std::string{name_of(job.state())};
  auto head = to_string(id) + "  " + state + "  " +
              human_duration(milliseconds{static_cast<std::int64_t>(time)});
  if (!job.steps().empty()) {
    head += "  " + std::to_string(job.done_count()) + " of " + std::to_string(job.step_count()) +
            " steps";
    if (!job.plan_complete() && !has_ended(job.state())) head += ", still planning";
  } else if (!has_ended(job.state())) {
    head += "  waiting for the model";
  }
  if (job.epoch() > 1) head += "  plan " + std::to_string(job.epoch());
  if (job.failures() > 0) head += "  " + std::to_string(job.failures()) + " failed tries";
  lines.push_back(how.paint(tint::bold, fit(head, how.width)));
  lines.push_back(how.paint(tint::dim, fit(printable_line(job.goal()), how.width)));
  // The heading, the steps' heading, the line for those left out, and the cursor's own line.
  constexpr std::size_t other_lines = 6;
  auto rows = height > other_lines ? height - other_lines : 1;
  if (!job.steps().empty()) {
    for (auto& line : graph_lines(job, how, rows)) lines.push_back(std::move(line));
  }
  if (job.failures() > 0 && !has_ended(job.state())) {
    lines.push_back(
        how.paint(tint::red, fit("last: " + printable_line(job.last_failure()), how.width)));
  }
  return lines;
}

exit_code follow_job(client& node, job_id job, const follow_options& options, console& io) {
  interrupt_notice notice{leaving_text(job)};
  auto until = options.limit ? std::optional{clock::now() + *options.limit} : std::nullopt;
  auto after = options.after;
  {
    std::optional<live_view> view;
    if (!options.json) view.emplace(job, io);
    while (io.is_open()) {
      auto left = patience;
      if (until) left = std::min(left, std::chrono::ceil<milliseconds>(*until - clock::now()));
      if (left.count() <= 0) {
        view.reset();
        return io.fail(exit_code::timeout, "job " + to_string(job) + " has not ended in time",
                       "it goes on; come back with `tandem follow " + to_string(job) + '`');
      }
      auto events = node.next_events(job, after, false, left);
      if (!events && code_of(events.error()) == errc::deadline_exceeded) continue;
      if (!events) {
        view.reset();
        return code_of(events.error()) == errc::unavailable ? fail_waiting(io, events.error(), job)
                                                            : io.fail(events.error());
      }
      auto reader = events->read();
      for (auto event : reader->getEvents()) {
        if (view)
          view->apply(event);
        else
          io.line(to_json(event));
      }
      if (view) view->show();
      after = reader->getLast();
      if (reader->getEnded()) break;
    }
  }
  if (!io.is_open()) return exit_code::ok;
  return show_ending(node, job, options.json ? show_as::json_event : show_as::text_below, io);
}

exit_code wait_for_job(client& node, job_id job, bool json, console& io) {
  interrupt_notice notice{leaving_text(job)};
  while (true) {
    auto ended = node.wait(job, patience);
    if (ended) break;
    if (code_of(ended.error()) != errc::deadline_exceeded) {
      return fail_waiting(io, ended.error(), job);
    }
  }
  return show_ending(node, job, json ? show_as::json : show_as::text, io);
}

}  // namespace tandem::cli
