#include "actors/job/job_rewards.hpp"

#include <array>
#include <map>
#include <string>
#include <utility>

#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::array<std::pair<schema::PlanMode, std::string_view>, ways_max> ways{
    {{schema::PlanMode::PLAN_ACT, "plan_act"},
     {schema::PlanMode::LARGE, "large"},
     {schema::PlanMode::SMALL, "small"}}};

/// Of the attempts of one job: newer ones first.
constexpr std::size_t rewards_max = 1024;

/// What the attempts since the present way was chosen have used, by model.
std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> used_on_way(const job_state& state) {
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> used;
  for (const auto& record : state.records()) {
    auto reader = record.read();
    if (reader->isWay()) used.clear();
    auto attempt = attempt_of(*reader);
    if (!attempt || attempt->getModel().size() == 0) continue;
    auto& sum = used[std::string{view(attempt->getModel())}];
    sum.first += attempt->getUsage().getPromptTokens();
    sum.second += attempt->getUsage().getCompletionTokens();
  }
  return used;
}

/// `goes_on`: the job is not over, only its present way.
tmsg::reward way_reward(const job_state& state, double quality, bool goes_on) {
  message_builder<schema::Reward> out;
  out->setSource(schema::RewardSource::JOB);
  out->setPurpose(schema::Purpose::WAY);
  out->setDecision(state.way_decision());
  out->setQuality(quality);
  out->setFailed(goes_on);
  out->setTenant(text(state.tenant()));
  out->setCostNanousd(state.usage().cost_nanousd);
  if (state.ended_at_ms() > state.submitted_at_ms())
    out->setLatencyUs((state.ended_at_ms() - state.submitted_at_ms()) * 1000);
  auto used = used_on_way(state);
  auto list = out->initTokens(static_cast<unsigned>(used.size()));
  unsigned place = 0;
  for (const auto& [model, tokens] : used) {
    list[place].setModel(model);
    list[place].setPrompt(tokens.first);
    list[place++].setCompletion(tokens.second);
  }
  return out.finish();
}

/// Decisions behind what the job's outcome was made from: the last plan, results, the answer.
template <class Handler>
void for_each_part(const job_state& state, Handler&& handle) {
  std::size_t count = 0;
  for (auto record = state.records().rbegin(); record != state.records().rend(); ++record) {
    auto reader = record->read();
    // What came before belongs to a plan or a way that was given up.
    if (reader->isEpochStarted() || reader->isWay()) return;
    auto attempt = attempt_of(*reader);
    if (!attempt || reader->isAttemptFailed() || attempt->getDecision() == 0) continue;
    if (++count > rewards_max) return;
    handle(*attempt);
  }
}

/// For the caches: how the job of the last plan has ended; and after a wrong answer what was
/// computed or served for it, so that it is not served again.
std::vector<tmsg::reward> words_to_caches(const job_state& state, double quality, bool failed) {
  std::vector<tmsg::reward> ends;
  for (auto record = state.records().rbegin(); record != state.records().rend(); ++record) {
    auto reader = record->read();
    if (reader->isEpochStarted() || reader->isWay()) break;
    auto attempt = attempt_of(*reader);
    if (!attempt || reader->isAttemptFailed() || attempt->getCache().getKey().size() == 0) continue;
    auto is_plan = attempt->getPurpose() == schema::Purpose::PLAN;
    if ((!is_plan && quality != 0) || ends.size() >= rewards_max) continue;
    message_builder<schema::Reward> out;
    out->setSource(schema::RewardSource::JOB);
    out->setPurpose(attempt->getPurpose());
    out->setTenant(text(state.tenant()));
    out->setQuality(quality);
    out->setFailed(failed);
    out->setCacheKey(attempt->getCache().getKey());
    out->setLabel(attempt->getCache().getLabel());
    ends.push_back(out.finish());
  }
  return ends;
}

}  // namespace

std::string_view name_of_way(schema::PlanMode mode) {
  for (const auto& [way, name] : ways)
    if (way == mode) return name;
  return "unknown";
}

schema::PlanMode way_named(std::string_view text) {
  for (const auto& [way, name] : ways)
    if (name == text) return way;
  return schema::PlanMode::UNKNOWN;
}

tmsg::reward make_reward(schema::RewardSource source, schema::Purpose purpose,
                         std::uint64_t decision, double quality, std::string_view tenant) {
  message_builder<schema::Reward> out;
  out->setSource(source);
  out->setPurpose(purpose);
  out->setDecision(decision);
  out->setQuality(quality);
  out->setTenant(text(tenant));
  return out.finish();
}

std::uint64_t plan_decision(const job_state& state) {
  std::uint64_t found = 0;
  for_each_part(state, [&found](schema::AttemptRecord::Reader attempt) {
    if (attempt.getPurpose() == schema::Purpose::PLAN) found = attempt.getDecision();
  });
  return found;
}

void add_rewards_at_end(const job_state& state, bool has_check, errc code,
                        std::vector<tmsg::reward>& out) {
  auto done = state.state() == schema::JobState::DONE;
  auto wrong = state.state() == schema::JobState::FAILED && code == errc::invalid_output;
  // An engine that was away, a deadline, a person who cancelled: no word on quality.
  auto quality = !has_check || !(done || wrong) ? -1.0 : done ? 1.0 : 0.0;
  // Without a decision it only tells a tenant's target that a job is over.
  if (state.way_decision() != 0 || !state.tenant().empty())
    out.push_back(way_reward(state, quality, false));
  for (auto& each : words_to_caches(state, quality, !done)) out.push_back(std::move(each));
  for_each_part(state, [&](schema::AttemptRecord::Reader attempt) {
    if (quality >= 0)
      out.push_back(make_reward(schema::RewardSource::JOB, attempt.getPurpose(),
                                attempt.getDecision(), quality, state.tenant()));
    else if (done && attempt.getPurpose() == schema::Purpose::PLAN)
      // It could be carried out.
      out.push_back(make_reward(schema::RewardSource::ESCALATION, attempt.getPurpose(),
                                attempt.getDecision(), 1, state.tenant()));
  });
}

void add_reward_of_way(const job_state& state, errc code, std::vector<tmsg::reward>& out) {
  out.push_back(way_reward(state, -1, true));
  if (code == errc::invalid_output && state.way_decision() != 0)
    out.push_back(make_reward(schema::RewardSource::ESCALATION, schema::Purpose::WAY,
                              state.way_decision(), 0, state.tenant()));
}

void add_rewards_of_user(const job_state& state, double score, std::vector<tmsg::reward>& out) {
  if (state.way_decision() != 0)
    out.push_back(make_reward(schema::RewardSource::USER, schema::Purpose::WAY,
                              state.way_decision(), score, state.tenant()));
  for_each_part(state, [&](schema::AttemptRecord::Reader attempt) {
    // The score is about the whole; a step may have been verified by itself.
    auto source = attempt.getPurpose() == schema::Purpose::STEP ? schema::RewardSource::JOB
                                                                : schema::RewardSource::USER;
    out.push_back(
        make_reward(source, attempt.getPurpose(), attempt.getDecision(), score, state.tenant()));
  });
}

}  // namespace tandem
