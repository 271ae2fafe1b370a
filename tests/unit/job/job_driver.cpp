#include "tests/unit/job/job_driver.hpp"

#include <algorithm>

namespace tandem::testing {
namespace {

constexpr job_id the_job{journal_id{77}, 5};

}  // namespace

job_record submitted_record(schema::PlanMode mode, std::string_view goal,
                            std::uint64_t deadline_at_ms, const terms& with) {
  message_builder<schema::JobRecord> record;
  record->setAtMs(500);
  auto submitted = record->initSubmitted();
  submitted.setTenant("tenant");
  submitted.setMode(mode);
  submitted.setPriority(3);
  submitted.setDeadlineAtMs(deadline_at_ms);
  submitted.initTags(1).set(0, "tag");
  auto messages = submitted.initMessages(2);
  messages[0].setRole(schema::Role::SYSTEM);
  messages[0].setContent("be brief");
  messages[1].setRole(schema::Role::USER);
  messages[1].setContent(std::string{goal});
  if (with.limit.limited()) {
    submitted.initBudget().setTokens(with.limit.tokens);
    submitted.getBudget().setCostNanousd(with.limit.cost_nanousd);
  }
  if (!with.check_kind.empty()) {
    submitted.initCheck().setKind(with.check_kind);
    submitted.getCheck().setArgument(with.check_argument);
  }
  return record.finish();
}

std::string plan_of(const std::vector<plan_step>& steps, std::string_view answer) {
  std::string text = "{\"steps\":[";
  for (const auto& step : steps) {
    if (&step != steps.data()) text += ',';
    text += "{\"id\":" + std::to_string(step.id) + ",\"kind\":\"k\",\"prompt\":\"" + step.prompt +
            "\",\"depends_on\":[";
    for (std::size_t i = 0; i < step.depends_on.size(); ++i)
      text += (i == 0 ? "" : ",") + std::to_string(step.depends_on[i]);
    text += "]" + (step.more.empty() ? std::string{} : "," + step.more) + "}";
  }
  return text + "]" + (answer.empty() ? std::string{} : ",\"answer\":" + std::string{answer}) + "}";
}

std::string kind_of(const job_record& record) {
  using which = schema::JobRecord::Which;
  switch (record.read()->which()) {
    case which::SUBMITTED:
      return "submitted";
    case which::STEPS_PLANNED:
      return "planned";
    case which::PLAN_COMPLETE:
      return "complete";
    case which::ATTEMPT_FAILED:
      return "failed";
    case which::STEP_DONE:
      return "done";
    case which::EPOCH_STARTED:
      return "epoch";
    case which::STATE_CHANGED:
      return "state";
    case which::ENDED:
      return "ended";
    case which::FEEDBACK:
      return "feedback";
    case which::WAY:
      return "way";
  }
  return "?";
}

std::string kinds_of(const std::vector<job_record>& records) {
  std::string kinds;
  for (const auto& record : records) kinds += (kinds.empty() ? "" : " ") + kind_of(record);
  return kinds;
}

job_driver::job_driver(std::string text, const job_settings& settings, schema::PlanMode mode)
    : plan_text{std::move(text)}, settings_{settings} {
  learn(submitted_record(mode));
  restart();
}

job_driver::job_driver(const std::vector<job_record>& journal, std::size_t count,
                       const job_settings& settings)
    : settings_{settings} {
  for (std::size_t i = 0; i < count; ++i) learn(journal[i]);
  restart();
}

reply job_driver::default_reply(attempt_reader attempt) const {
  switch (attempt.getPurpose()) {
    case schema::Purpose::PLAN:
      return {.text = plan_text, .engine = "large-1", .model = "large", .tier = "large"};
    case schema::Purpose::STEP:
      return {.text = "r(" + prompt_of(attempt) + ")"};
    case schema::Purpose::COMPOSE:
      return {.text = "c(" + prompt_of(attempt) + ")"};
    default:
      return {.text = "a(" + prompt_of(attempt) + ")"};
  }
}

reply job_driver::ask(attempt_reader attempt) const {
  return on_attempt ? on_attempt(attempt) : default_reply(attempt);
}

void job_driver::restart() {
  machine_ = std::make_unique<job_machine>(the_job, settings_);
  for (const auto& record : durable_) {
    auto err = machine_->replay(record);
    ASSERT_FALSE(err) << message_of(err);
  }
}

void job_driver::crash(std::size_t writes_kept) {
  for (std::size_t i = 0; i < std::min(writes_kept, writes_.size()); ++i)
    for (const auto& record : writes_[i]) learn(record);
  writes_.clear();
  waiting_.clear();
  stale_.clear();
  wake_ = false;
  restart();
}

void job_driver::learn(const job_record& record) {
  durable_.push_back(record);
  auto reader = record.read();
  if (reader->isStepsPlanned())
    for (auto planned : reader->getStepsPlanned()) {
      auto& depends_on = known_steps_[planned.getStep()];
      for (auto id : planned.getDependsOn()) depends_on.push_back(id);
    }
  if (reader->isStepDone()) {
    auto id = reader->getStepDone().getAttempt().getStep();
    EXPECT_TRUE(done_.insert(id).second) << "step " << id << " has a second result";
  }
}

void job_driver::check_record(const job_record& record) {
  // What is journaled must be readable for ever.
  auto again = job_record::parse(record.bytes(), record_limits);
  EXPECT_TRUE(again) << (again ? "" : message_of(again.error()));
}

void job_driver::check_send(const tmsg::attempt& attempt) {
  auto again = tmsg::attempt::parse(attempt.bytes());
  EXPECT_TRUE(again) << (again ? "" : message_of(again.error()));
  auto id = attempt.read()->getFence().getStep();
  EXPECT_EQ(attempt.read()->getTenant(), "tenant");
  EXPECT_EQ(attempt.read()->getPriority(), 3);
  for (const auto& other : waiting_)
    EXPECT_FALSE(other.read()->getFence().getStep() == id && id != 0)
        << "step " << id << " runs twice";
  if (id == 0) return;
  ASSERT_TRUE(known_steps_.contains(id))
      << "step " << id << " was sent before its record was durable";
  EXPECT_FALSE(done_.contains(id)) << "finished step " << id << " was sent again";
  for (auto needed : known_steps_.at(id))
    EXPECT_TRUE(done_.contains(needed))
        << "step " << id << " was sent before the result of " << needed << " was durable";
}

std::size_t job_driver::sent_for(std::uint32_t step) const {
  return static_cast<std::size_t>(std::count_if(
      sent_.begin(), sent_.end(),
      [&](const auto& attempt) { return attempt.read()->getFence().getStep() == step; }));
}

void job_driver::pump() {
  job_outbox out;
  for (auto& attempt : machine_->next_attempts(now, out)) {
    check_send(attempt);
    sent_.push_back(attempt);
    waiting_.push_back(std::move(attempt));
  }
  if (!out.records.empty() || !out.cancels.empty()) carry_out(std::move(out));
}

void job_driver::carry_out(job_outbox out) {
  rewards_.insert(rewards_.end(), out.rewards.begin(), out.rewards.end());
  for (auto& cancel : out.cancels) {
    auto number = cancel.read()->getFence().getAttempt();
    // The result of a plan that is stopped early is still waited for: it says what it cost.
    auto awaited = cancel.read()->getReason() == "the plan is not usable";
    std::erase_if(waiting_, [&](const tmsg::attempt& attempt) {
      if (awaited || attempt.read()->getFence().getAttempt() != number) return false;
      stale_.push_back(attempt);
      return true;
    });
    cancels_.push_back(std::move(cancel));
  }
  if (out.wait) wait_ms_min_ = out.wait_ms_min;
  wake_ = wake_ || out.wait;
  if (!out.records.empty()) {
    for (const auto& record : out.records) check_record(record);
    writes_.push_back(std::move(out.records));
  } else if (!wake_) {
    pump();
  }
}

void job_driver::commit() {
  ASSERT_FALSE(writes_.empty());
  auto write = std::move(writes_.front());
  writes_.pop_front();
  for (const auto& record : write) learn(record);
  auto err = machine_->committed(write.size());
  ASSERT_FALSE(err) << message_of(err);
  pump();
}

void job_driver::commit_all() {
  while (!writes_.empty() && !::testing::Test::HasFatalFailure()) commit();
}

tmsg::attempt job_driver::take(std::uint32_t step) {
  auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& attempt) {
    return attempt.read()->getFence().getStep() == step;
  });
  if (found == waiting_.end()) {
    ADD_FAILURE() << "no attempt of step " << step << " is under way";
    return {};
  }
  auto attempt = *found;
  waiting_.erase(found);
  return attempt;
}

void job_driver::chunk(const tmsg::attempt& attempt, std::uint32_t number, std::string_view text) {
  message_builder<schema::TextChunk> chunk;
  chunk->setFence(attempt.read()->getFence());
  chunk->setNumber(number);
  chunk->setText({reinterpret_cast<const kj::byte*>(text.data()), text.size()});
  auto out = machine_->on_chunk(chunk.finish(), now);
  if (!out.records.empty() || !out.cancels.empty()) carry_out(std::move(out));
}

void job_driver::answer(const tmsg::attempt& attempt, const reply& with) {
  std::uint32_t number = 0;
  for (const auto& piece : with.chunks) chunk(attempt, number++, piece);
  message_builder<schema::AttemptResult> result;
  result->setFence(attempt.read()->getFence());
  if (with.code != errc::unknown) {
    result->initError().setCode(static_cast<schema::Errc>(with.code));
    result->getError().setMessage(with.error);
  }
  result->setText(with.text);
  result->setFinish(with.finish);
  result->setEngine(with.engine);
  result->setModel(with.model);
  result->setTier(with.tier);
  result->setWeightVersion(with.weight_version);
  auto usage = result->initUsage();
  usage.setCalls(1);
  usage.setPromptTokens(with.prompt_tokens);
  usage.setCompletionTokens(with.completion_tokens);
  usage.setCostNanousd(with.cost_nanousd);
  result->setRetryAfterMs(with.retry_after_ms);
  result->setDecision(with.decision);
  carry_out(machine_->on_result(result.finish(), now));
}

void job_driver::answer_step(std::uint32_t step) {
  auto attempt = take(step);
  if (!attempt.empty()) answer(attempt, ask(*attempt.read()));
}

void job_driver::answer_step(std::uint32_t step, const reply& with) {
  auto attempt = take(step);
  if (!attempt.empty()) answer(attempt, with);
}

void job_driver::command(schema::JobAction action, std::string_view reason) {
  auto out = machine_->on_command(action, reason, now);
  ASSERT_TRUE(out) << message_of(out.error());
  carry_out(std::move(*out));
}

void job_driver::wake() {
  wake_ = false;
  machine_->wake();
  pump();
}

bool job_driver::step(const std::function<std::size_t(std::size_t)>& pick) {
  auto options = (writes_.empty() ? 0u : 1u) + waiting_.size() + (wake_ ? 1u : 0u);
  if (options == 0) return false;
  auto choice = pick(options);
  if (!writes_.empty() && choice-- == 0) {
    commit();
  } else if (choice < waiting_.size()) {
    auto attempt = waiting_[choice];
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(choice));
    answer(attempt, ask(*attempt.read()));
  } else {
    wake();
  }
  return true;
}

void job_driver::run() {
  pump();
  for (int i = 0; i < 100'000 && !::testing::Test::HasFatalFailure(); ++i)
    if (!step([](std::size_t) { return std::size_t{0}; })) return;
  FAIL() << "the job does not come to rest";
}

}  // namespace tandem::testing
