// The part of job_machine that words attempts: which prompt, which tier, which limits.

#include <algorithm>

#include <simdjson.h>

#include "actors/job/job_machine.hpp"
#include "actors/job/job_rewards.hpp"
#include "actors/job/plan/plan_schema.hpp"
#include "actors/job/plan/prompt_template.hpp"
#include "actors/trace/trace_context.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Of one prompt with all results filled in: well within one message.
constexpr std::size_t prompt_bytes_max = 256 * 1024;

/// What the next planner is told of what is finished; longer results are cut.
constexpr std::size_t finished_line_max = 400;

void set_user_message(schema::Attempt::Builder attempt, const std::string& prompt) {
  auto message = attempt.initMessages(1)[0];
  message.setRole(schema::Role::USER);
  message.setContent(text(prompt));
}

caf::expected<std::string> fill(const job_state& state, std::string_view prompt,
                                std::span<const std::uint32_t> declared) {
  auto lookup = [&](std::uint32_t id) -> std::optional<std::string_view> {
    const auto* step = state.find_step(id);
    if (step == nullptr || !step->done) return std::nullopt;
    return step->result;
  };
  auto filled = plan::substitute(prompt, declared, lookup, prompt_bytes_max);
  if (auto* error = std::get_if<plan::plan_error>(&filled))
    return make_error(errc::invalid_argument, error->message);
  return std::move(std::get<std::string>(filled));
}

/// `{"kind":"number"}` or `{"kind":"regex","argument":"..."}` as a planner wrote it.
caf::error write_check(schema::Check::Builder check, std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  std::string_view kind;
  std::string_view argument;
  if (parser.parse(simdjson::padded_string{json}).get(object) || object["kind"].get(kind))
    return make_error(errc::invalid_argument,
                      "a check is an object with a `kind`, not " + std::string{cut(json, 80)});
  if (object["argument"].get(argument)) argument = {};
  check.setKind(std::string{kind});
  check.setArgument(std::string{argument});
  return caf::none;
}

}  // namespace

caf::expected<tmsg::attempt> job_machine::begin_attempt(message_builder<schema::Attempt>& builder,
                                                        flight what, std::uint64_t now_ms) {
  auto attempt = *builder;
  if (auto err = reserve(attempt, what)) return err;
  auto number = next_attempt_++;
  auto fence = attempt.initFence();
  fence.getJob().setJournal(state_.id().journal.value);
  fence.getJob().setNumber(state_.id().number);
  fence.setEpoch(what.epoch);
  fence.setStep(what.step);
  fence.setAttempt(number);
  attempt.setPurpose(what.purpose);
  attempt.setTenant(text(state_.tenant()));
  attempt.setPriority(state_.priority());
  const auto* kind = settings_.find_kind(view(attempt.asReader().getKind()));
  auto own = kind != nullptr && kind->attempt_timeout.count() > 0;
  auto timeout = static_cast<std::uint64_t>(
      (own ? kind->attempt_timeout : settings_.limits.attempt_timeout).count());
  if (auto deadline = state_.deadline_at_ms(); deadline > now_ms)
    timeout = std::min(timeout, deadline - now_ms);
  attempt.setTimeoutMs(timeout);
  attempt.setHedge(!limit_.limited() && (kind == nullptr || kind->hedge));
  const auto& failures = failures_of(what);
  auto record = state_.submitted();
  if (auto tags = record->getSubmitted().getTags(); tags.size() != 0) attempt.setTags(tags);
  attempt.setCache(record->getSubmitted().getCache());
  // What an earlier plan's steps said did not lead to a good answer.
  if (what.epoch > 1 && attempt.getCache() != schema::CacheUse::OFF)
    attempt.setCache(schema::CacheUse::REFRESH);
  if (auto session = record->getSubmitted().getSession(); session.size() != 0)
    attempt.setSession(session);
  // The span can be named again after a restart.
  if (record->getSubmitted().hasTrace()) {
    auto whole = job_span(state_.id().journal.value, state_.id().number);
    write_trace(
        attempt.initTrace(),
        read_trace(record->getSubmitted().getTrace()).with_span(derived_span(whole, number)));
  }
  // A plan is always known to be valid or not.
  attempt.setRewarded(has_check_ || what.purpose == schema::Purpose::PLAN);
  auto tries = what.purpose == schema::Purpose::WAY ? state_.ways_failed().size() : failures.total;
  attempt.setTries(static_cast<std::uint16_t>(std::min<std::size_t>(tries, UINT16_MAX)));
  auto engines = attempt.initExcludedEngines(static_cast<unsigned>(failures.engines.size()));
  for (unsigned i = 0; i < engines.size(); ++i) engines.set(i, failures.engines[i]);
  attempt.setMixWeights(state_.mixes_weights());
  auto pinned = attempt.initPinnedVersions(static_cast<unsigned>(versions_.size()));
  unsigned place = 0;
  for (const auto& [model, version] : versions_) {
    pinned[place].setModel(model);
    pinned[place++].setWeightVersion(version);
  }
  in_flight_.emplace(number, what);
  return builder.finish();
}

caf::expected<tmsg::attempt> job_machine::make_way_attempt(std::uint64_t now_ms) {
  message_builder<schema::Attempt> attempt;
  flight what{.epoch = state_.epoch(), .purpose = schema::Purpose::WAY};
  auto submitted = state_.submitted();
  attempt->setMessages(submitted->getSubmitted().getMessages());
  attempt->setMaxTokens(settings_.limits.step_tokens_max);
  const auto& failed = state_.ways_failed();
  auto ways = attempt->initWays(static_cast<unsigned>(failed.size()));
  for (unsigned i = 0; i < ways.size(); ++i) ways.set(i, std::string{name_of_way(failed[i])});
  return begin_attempt(attempt, what, now_ms);
}

caf::expected<tmsg::attempt> job_machine::make_plan_attempt(std::uint64_t now_ms) {
  message_builder<schema::Attempt> attempt;
  flight what{.epoch = state_.epoch(), .purpose = schema::Purpose::PLAN};
  attempt->setMessages(state_.submitted()->getSubmitted().getMessages());
  attempt->setMaxTokens(settings_.limits.plan_tokens_max);
  attempt->setStream(true);
  attempt->setStepsMax(settings_.limits.steps_max);
  attempt->setTier(settings_.plan_tier);
  if (!settings_.plan_schema.empty()) attempt->setResponseSchema(settings_.plan_schema);
  const auto& failures = state_.plan_failures();
  if (!failures.last_error.empty()) attempt->setPlanError(failures.last_error);
  if (failures.bad_outputs > 0 && state_.epoch_steps().empty()) {
    // The same words again would bring the same plan, which is what is wanted once steps of it are
    // journaled.
    attempt->setTemperature(0.7f);
    attempt->setSeed(failures.bad_outputs);
  }
  std::string finished;
  for (auto id : state_.finished_before()) {
    const auto& step = *state_.find_step(id);
    finished += std::to_string(id) + ". " + std::string{cut(step.prompt, finished_line_max)} +
                " -> " + std::string{cut(step.result, finished_line_max)} + '\n';
  }
  if (!finished.empty()) attempt->setFinished(finished);
  auto made = begin_attempt(attempt, what, now_ms);
  if (!made) return made;
  plan::id_scope scope{.last_id = state_.epoch_base(), .finished = state_.finished_before()};
  planning_.emplace(next_attempt_ - 1, plan_limits(settings_.limits), scope,
                    state_.epoch_steps().size());
  return made;
}

caf::expected<tmsg::attempt> job_machine::make_step_attempt(const job_step& step,
                                                            std::uint64_t now_ms) {
  auto prompt = fill(state_, step.prompt, step.depends_on);
  if (!prompt) return std::move(prompt.error());
  message_builder<schema::Attempt> attempt;
  flight what{.epoch = step.epoch, .step = step.id, .purpose = schema::Purpose::STEP};
  set_user_message(*attempt, *prompt);
  attempt->setKind(text(step.kind));
  attempt->setFanIn(
      static_cast<std::uint16_t>(std::min<std::size_t>(step.depends_on.size(), UINT16_MAX)));
  attempt->setMaxTokens(settings_.limits.step_tokens_max);
  const auto* kind = settings_.find_kind(step.kind);
  if (kind != nullptr && kind->tokens_max > 0)
    attempt->setMaxTokens(static_cast<std::uint32_t>(kind->tokens_max));
  if (!step.check.empty()) {
    if (auto err = write_check(attempt->initCheck(), step.check)) return err;
  } else if (kind != nullptr && !kind->check.empty()) {
    auto check = attempt->initCheck();
    check.setKind(kind->check);
    check.setArgument(kind->check_argument);
  }
  if (step.failures.large) {
    attempt->setTier(settings_.large_tier);
  } else if (step.failures.other_model) {
    attempt->setTier(settings_.small_tier);
    auto models = attempt->initExcludedModels(static_cast<unsigned>(step.failures.models.size()));
    for (unsigned i = 0; i < models.size(); ++i) models.set(i, step.failures.models[i]);
  }
  return begin_attempt(attempt, what, now_ms);
}

caf::expected<tmsg::attempt> job_machine::make_answer_attempt(schema::Purpose purpose,
                                                              std::uint64_t now_ms) {
  message_builder<schema::Attempt> attempt;
  flight what{.epoch = state_.epoch(), .purpose = purpose};
  const auto& failures = state_.answer_failures();
  auto submitted = state_.submitted();
  auto goal = submitted->getSubmitted().getMessages();
  if (purpose == schema::Purpose::COMPOSE) {
    auto declared = plan::references(state_.compose_prompt());
    std::erase_if(declared, [&](std::uint32_t id) { return state_.find_step(id) == nullptr; });
    auto prompt = fill(state_, state_.compose_prompt(), declared);
    if (!prompt) return std::move(prompt.error());
    set_user_message(*attempt, *prompt);
    if (failures.large) attempt->setTier(settings_.large_tier);
  } else if (purpose == schema::Purpose::VERIFY) {
    auto messages = attempt->initMessages(goal.size() + 1);
    for (unsigned i = 0; i < goal.size(); ++i) messages.setWithCaveats(i, goal[i]);
    messages[goal.size()].setRole(schema::Role::ASSISTANT);
    messages[goal.size()].setContent(text(state_.find_step(state_.answer_step())->result));
  } else {
    attempt->setMessages(goal);
    attempt->setTier(state_.mode() == schema::PlanMode::SMALL ? settings_.small_tier
                                                              : settings_.large_tier);
  }
  if (has_check_) attempt->setCheck(submitted->getSubmitted().getCheck());
  attempt->setMaxTokens(settings_.limits.step_tokens_max);
  return begin_attempt(attempt, what, now_ms);
}

std::string job_machine::problem_of_weights(schema::AttemptResult::Reader result) const {
  auto known = versions_.find(std::string{view(result.getModel())});
  auto used = view(result.getWeightVersion());
  if (known == versions_.end() || used.empty() || known->second == used || state_.mixes_weights())
    return {};
  return "engine '" + std::string{view(result.getEngine())} + "' answered with weights '" +
         std::string{used} + "', but the job began with '" + known->second + "'";
}

std::string job_machine::plan_check_problem(const plan::step& step) const {
  if (step.check_json.empty()) return {};
  message_builder<schema::Check> check;
  if (auto err = write_check(*check, step.check_json)) return message_of(err);
  auto reader = check->asReader();
  return settings_.problem_of_check(view(reader.getKind()), view(reader.getArgument()));
}

}  // namespace tandem
