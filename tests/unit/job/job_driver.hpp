#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/job/job_machine.hpp"
#include "schema/text.hpp"

namespace tandem::testing {

/// What the fake pool answers to one attempt.
struct reply {
  std::string text;
  errc code = errc::unknown;
  std::string error;
  schema::Finish finish = schema::Finish::STOP;
  std::string engine = "small-1";
  std::string model = "small";
  std::string tier = "small";
  std::string weight_version = "1";
  /// Sent before the result; empty: nothing is streamed.
  std::vector<std::string> chunks;
  std::uint64_t prompt_tokens = 10;
  std::uint64_t completion_tokens = 0;
  std::int64_t cost_nanousd = 2;
  std::uint64_t retry_after_ms = 0;
  std::uint64_t decision = 0;
};

[[nodiscard]] inline reply failure(errc code, std::string why = "broken",
                                   std::string engine = "small-1") {
  reply result{.code = code,
               .error = std::move(why),
               .finish = schema::Finish::ERROR,
               .engine = std::move(engine)};
  // Who is refused has cost nothing.
  if (is_back_pressure(code)) result.prompt_tokens = 0;
  if (is_back_pressure(code)) result.cost_nanousd = 0;
  return result;
}

using attempt_reader = schema::Attempt::Reader;

[[nodiscard]] inline std::string prompt_of(attempt_reader attempt) {
  auto messages = attempt.getMessages();
  return std::string{view(messages[messages.size() - 1].getContent())};
}

/// Drives one job_machine as the job actor does, with a journal and a pool that the test holds in
/// its hands: writes become durable and attempts are answered when the test says so. Checks at
/// every send what must hold at all times.
class job_driver {
 public:
  using script = std::function<reply(attempt_reader)>;

  explicit job_driver(std::string plan_text, const job_settings& settings = {},
                      schema::PlanMode mode = schema::PlanMode::PLAN_ACT);
  /// A job that starts from the first `count` records of `journal`.
  job_driver(const std::vector<job_record>& journal, std::size_t count,
             const job_settings& settings = {});

  /// Plans answer with the driver's plan text, steps with `r(prompt)`, composed answers with
  /// `c(prompt)`, direct ones with `a(prompt)`.
  [[nodiscard]] reply default_reply(attempt_reader attempt) const;
  /// Empty: default_reply.
  script on_attempt;
  std::string plan_text;
  std::uint64_t now = 1'000;

  [[nodiscard]] job_machine& machine() { return *machine_; }
  [[nodiscard]] const job_state& state() const { return machine_->state(); }
  [[nodiscard]] const std::vector<job_record>& journal() const { return durable_; }
  /// Writes handed out and not durable.
  [[nodiscard]] const std::deque<std::vector<job_record>>& writes() const { return writes_; }
  /// Attempts sent and not answered, in order.
  [[nodiscard]] const std::deque<tmsg::attempt>& waiting() const { return waiting_; }
  /// Attempts that nobody waits for any more; their answers must do nothing.
  [[nodiscard]] const std::vector<tmsg::attempt>& stale() const { return stale_; }
  /// Every attempt that was ever sent.
  [[nodiscard]] const std::vector<tmsg::attempt>& sent() const { return sent_; }
  [[nodiscard]] const std::vector<tmsg::cancel>& cancels() const { return cancels_; }
  /// What the router was told.
  [[nodiscard]] const std::vector<tmsg::reward>& rewards() const { return rewards_; }
  [[nodiscard]] bool wants_wake() const { return wake_; }
  /// The least pause that the last wish to be woken named.
  [[nodiscard]] std::uint64_t wait_ms_min() const { return wait_ms_min_; }
  [[nodiscard]] std::size_t sent_for(std::uint32_t step) const;

  void pump();
  void carry_out(job_outbox out);
  void commit();
  void commit_all();
  /// The oldest attempt that is for `step` (0: plan, composed or direct).
  [[nodiscard]] tmsg::attempt take(std::uint32_t step);
  void answer(const tmsg::attempt& attempt, const reply& with);
  /// Answers the oldest attempt for `step` as the script says.
  void answer_step(std::uint32_t step);
  void answer_step(std::uint32_t step, const reply& with);
  void chunk(const tmsg::attempt& attempt, std::uint32_t number, std::string_view text);
  void command(schema::JobAction action, std::string_view reason = {});
  void wake();

  /// One thing that can happen next, chosen by `pick` among those there are. False: nothing can.
  bool step(const std::function<std::size_t(std::size_t)>& pick);
  /// Commits first, then answers in order, until nothing can happen any more.
  void run();

  /// The process dies: of what is being written, the first `writes_kept` writes survive.
  void crash(std::size_t writes_kept = 0);

 private:
  [[nodiscard]] reply ask(attempt_reader attempt) const;
  void restart();
  void check_send(const tmsg::attempt& attempt);
  void check_record(const job_record& record);
  void learn(const job_record& record);

  job_settings settings_;
  std::unique_ptr<job_machine> machine_;
  std::vector<job_record> durable_;
  std::deque<std::vector<job_record>> writes_;
  std::deque<tmsg::attempt> waiting_;
  std::vector<tmsg::attempt> stale_;
  std::vector<tmsg::attempt> sent_;
  std::vector<tmsg::cancel> cancels_;
  std::vector<tmsg::reward> rewards_;
  bool wake_ = false;
  std::uint64_t wait_ms_min_ = 0;
  /// From durable records alone.
  std::map<std::uint32_t, std::vector<std::uint32_t>> known_steps_;
  std::set<std::uint32_t> done_;
};

/// What a job is submitted with beside its goal.
struct terms {
  budget limit;
  std::string check_kind;
  std::string check_argument;
};
[[nodiscard]] job_record submitted_record(schema::PlanMode mode, std::string_view goal = "the goal",
                                          std::uint64_t deadline_at_ms = 0, const terms& with = {});

/// `{"steps":[...]}` from lines of id, prompt and dependencies.
struct plan_step {
  std::uint32_t id;
  std::string prompt;
  std::vector<std::uint32_t> depends_on;
  std::string more;
};
[[nodiscard]] std::string plan_of(const std::vector<plan_step>& steps,
                                  std::string_view answer = {});

[[nodiscard]] std::string kind_of(const job_record& record);
/// The kinds of `records`, separated by blanks.
[[nodiscard]] std::string kinds_of(const std::vector<job_record>& records);

}  // namespace tandem::testing
