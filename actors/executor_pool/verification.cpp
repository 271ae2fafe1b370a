// From an answer to a verdict: by the text alone, by a judging model, or by a user's command.

#include "actors/executor_pool/executor_pool.hpp"
#include "actors/executor_pool/judge.hpp"
#include "actors/executor_pool/verifier.hpp"
#include "actors/job/job_records.hpp"
#include "actors/metrics/node_metrics.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Behind everything that somebody waits for.
constexpr std::int8_t judge_sample_priority = -100;

/// What the answer was asked for with: the last message, or the one before where the last is the
/// answer itself.
std::string_view prompt_of(schema::Attempt::Reader attempt) {
  auto messages = attempt.getMessages();
  auto count = messages.size();
  if (attempt.getPurpose() == schema::Purpose::VERIFY && count > 0) --count;
  return count == 0 ? std::string_view{} : view(messages[count - 1].getContent());
}

tmsg::attempt judge_attempt(schema::Attempt::Reader attempt, schema::Usage::Reader used,
                            std::string_view output, const verification_config& config) {
  message_builder<schema::Attempt> call;
  call->setFence(attempt.getFence());
  call->setPurpose(schema::Purpose::VERIFY);
  call->setKind(attempt.getKind());
  call->setTenant(attempt.getTenant());
  call->setPriority(attempt.getPriority());
  call->setTier(config.judge_tier);
  call->setMaxTokens(config.judge_tokens_max);
  call->setResponseSchema(judge_schema());
  if (attempt.getPinnedVersions().size() != 0) call->setPinnedVersions(attempt.getPinnedVersions());
  call->setMixWeights(attempt.getMixWeights());
  if (attempt.hasTrace()) call->setTrace(attempt.getTrace());
  auto words = judge_messages(view(attempt.getCheck().getArgument()), prompt_of(attempt), output);
  auto messages = call->initMessages(static_cast<unsigned>(words.size()));
  for (unsigned i = 0; i < messages.size(); ++i) {
    messages[i].setRole(words[i].role);
    messages[i].setContent(text(words[i].content));
  }
  if (auto allowed = read_budget(attempt.getAllowance()); allowed.limited()) {
    // What the answer has left; at least something, since 0 would be no limit.
    auto rest = call->initAllowance();
    auto tokens = used.getPromptTokens() + used.getCompletionTokens();
    if (allowed.tokens != 0) rest.setTokens(allowed.tokens > tokens ? allowed.tokens - tokens : 1);
    if (allowed.cost_nanousd != 0)
      rest.setCostNanousd(std::max<std::int64_t>(allowed.cost_nanousd - used.getCostNanousd(), 1));
  }
  return call.finish();
}

}  // namespace

void executor_pool_state::verify(pointer self, const fence_key& fence) {
  auto& of = attempts.at(fence);
  const auto& attempt = of.attempt.read();
  auto check = attempt->getCheck();
  auto answer = of.answer.read();
  auto sort = sort_of_check(view(check.getKind()));
  // What was cut at its limit fails for that reason, which its job tells better.
  if (answer->getFinish() == schema::Finish::LENGTH) return reply(self, fence, of.answer);
  if (sort == check_sort::none) {
    keep(self, of.cached[0], *attempt, *answer);
    sample_judge(self, *attempt, *answer);
    return reply(self, fence, of.answer);
  }
  auto output = view(answer->getText());
  if (sort == check_sort::judge || sort == check_sort::command)
    if (auto blank = blank_misfit(output); !blank.empty()) return on_checked(self, fence, blank);
  switch (sort) {
    case check_sort::judge:
      if (should_judge(config.verification.judge_share, std::hash<fence_key>{}(fence)))
        return ask_judge(self, fence);
      return reply(self, fence, of.answer);
    case check_sort::command:
      return run_command(self, fence);
    default:
      return on_checked(self, fence, misfit(check, output));
  }
}

void executor_pool_state::ask_judge(pointer self, const fence_key& fence) {
  auto& of = attempts.at(fence);
  auto answer = of.answer.read();
  of.at = stage::judging;
  of.won = false;
  of.avoided.clear();
  of.call = judge_attempt(*of.attempt.read(), answer->getUsage(), view(answer->getText()),
                          config.verification);
  route(self, fence, false);
}

void executor_pool_state::on_verdict(pointer self, const fence_key& fence) {
  auto& of = attempts.at(fence);
  auto judged = std::exchange(of.result, {});
  auto reader = judged.read();
  of.others.add(reader->getUsage());
  if (!of.won) {
    auto error = reader->getError();
    auto code = static_cast<errc>(error.getCode());
    // Counted as a failure: waiting for the judge would mean to pay for the answer again and again.
    if (code == errc::overloaded || code == errc::unavailable) code = errc::engine_failed;
    return on_checked(self, fence,
                      "the judge did not answer: " + std::string{view(error.getMessage())}, code);
  }
  auto said = read_verdict(view(reader->getText()));
  if (!said)
    return on_checked(self, fence, "there is no verdict: " + message_of(said.error()),
                      errc::engine_failed);
  keep(self, of.cached[1], *of.call.read(), *reader);
  on_checked(self, fence,
             said->pass ? std::string{} : "the judge finds that it does not fit: " + said->reason);
}

void executor_pool_state::run_command(pointer self, const fence_key& fence) {
  auto& of = attempts.at(fence);
  of.at = stage::checking;
  const auto& attempt = of.attempt.read();
  auto name = view(attempt->getCheck().getArgument());
  const check_command_config* command = nullptr;
  for (const auto& each : config.checks)
    if (each.name == name) command = &each;
  if (command == nullptr)
    return on_checked(self, fence, "there is no [[check]] '" + std::string{cut(name, 64)} + "'",
                      errc::invalid_argument);
  if (!commands) commands = std::make_unique<command_runner>(config.verification.commands_max);
  auto id = next_check++;
  checks.emplace(id, fence);
  auto me = caf::actor_cast<caf::actor_addr>(self);
  auto answer = of.answer.read();
  auto err = commands->run(*command, view(attempt->getKind()), prompt_of(*attempt),
                           view(answer->getText()), [me, id](command_verdict verdict) {
                             if (auto pool = caf::actor_cast<executor_pool_inside>(me))
                               caf::anon_send(pool, done_atom_v, id, std::move(verdict));
                           });
  if (!err) return;
  checks.erase(id);
  on_checked(self, fence, message_of(err), code_of(err));
}

void executor_pool_state::sample_judge(pointer self, schema::Attempt::Reader attempt,
                                       schema::AttemptResult::Reader answer) {
  fence_key fence{attempt.getFence()};
  // What it costs is nobody's budget.
  if (answer.getDecision() == 0 || read_budget(attempt.getAllowance()).limited() ||
      attempt.getPurpose() == schema::Purpose::VERIFY ||
      attempt.getPurpose() == schema::Purpose::PLAN ||
      attempt.getPurpose() == schema::Purpose::EMBED ||
      // Calls of tools, and whatever else a client may have asked a server for: no judge reads it.
      (answer.getText().size() == 0 && attempt.getClient().getBody().size() != 0) ||
      !should_judge(config.verification.judge_sample, std::hash<fence_key>{}(fence)))
    return;
  message_builder<schema::Attempt> reading;
  reading->setFence(attempt.getFence());
  // Apart from all attempts that a job makes.
  reading->getFence().setAttempt(attempt.getFence().getAttempt() | judge_sample_bit);
  reading->setPurpose(schema::Purpose::VERIFY);
  reading->setKind(attempt.getKind());
  reading->setTenant(attempt.getTenant());
  reading->setPriority(judge_sample_priority);
  reading->setTimeoutMs(attempt.getTimeoutMs());
  reading->setJudged(answer.getDecision());
  auto messages = reading->initMessages(2);
  messages[0].setRole(schema::Role::USER);
  messages[0].setContent(std::string{prompt_of(attempt)});
  messages[1].setRole(schema::Role::ASSISTANT);
  messages[1].setContent(answer.getText());
  reading->initCheck().setKind("judge");
  self->request(caf::actor_cast<executor_pool_actor>(self), caf::infinite, attempt_atom_v,
                reading.finish(), chunk_sink{})
      .then([](const tmsg::attres&) {}, [](const caf::error&) {});
}

void executor_pool_state::on_checked(pointer self, const fence_key& fence, std::string_view misfit,
                                     errc code) {
  auto found = attempts.find(fence);
  if (found == attempts.end()) return;
  auto answer = found->second.answer;
  auto reader = answer.read();
  auto verdict = misfit.empty() || code == errc::invalid_output;
  if (services.metrics)
    services.metrics->on_check(found->second.attempt.read()->getPurpose(),
                               misfit.empty() ? node_metrics::check_outcome::passed
                               : verdict      ? node_metrics::check_outcome::failed
                                              : node_metrics::check_outcome::broken);
  if (verdict && reader->getDecision() != 0) {
    message_builder<schema::Reward> reward;
    reward->setDecision(reader->getDecision());
    reward->setEngine(reader->getEngine());
    const auto& attempt = found->second.attempt.read();
    auto by_judge = sort_of_check(view(attempt->getCheck().getKind())) == check_sort::judge;
    reward->setSource(by_judge ? schema::RewardSource::JUDGE : schema::RewardSource::VERIFICATION);
    reward->setQuality(misfit.empty() ? 1 : 0);
    reward->setPurpose(attempt->getPurpose());
    reward->setTenant(attempt->getTenant());
    self->send(router, reward_atom_v, reward.finish());
    if (!by_judge) sample_judge(self, *attempt, *reader);
  }
  if (misfit.empty()) {
    auto& of = found->second;
    keep(self, of.cached[0], *of.attempt.read(), *reader);
    return reply(self, fence, answer);
  }
  message_builder<schema::AttemptResult> refused;
  refused.copy(*reader);
  write_error(refused->initError(), code, misfit);
  reply(self, fence, refused.finish());
}

}  // namespace tandem
