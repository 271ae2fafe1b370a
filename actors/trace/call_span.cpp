#include "actors/trace/call_span.hpp"

#include "schema/errc.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

std::string_view name_of_finish(schema::Finish finish) {
  switch (finish) {
    case schema::Finish::STOP:
      return "stop";
    case schema::Finish::LENGTH:
      return "length";
    case schema::Finish::CANCELLED:
      return "cancelled";
    case schema::Finish::ERROR:
      return "error";
    default:
      return {};
  }
}

}  // namespace

std::string_view name_of_purpose(schema::Purpose purpose) {
  switch (purpose) {
    case schema::Purpose::PLAN:
      return "plan";
    case schema::Purpose::STEP:
      return "step";
    case schema::Purpose::COMPOSE:
      return "compose";
    case schema::Purpose::VERIFY:
      return "verify";
    case schema::Purpose::ANSWER:
      return "answer";
    case schema::Purpose::WAY:
      return "way";
    case schema::Purpose::WARM:
      return "warm";
    case schema::Purpose::EMBED:
      return "embed";
    default:
      return "call";
  }
}

void add_call(span& to, schema::Attempt::Reader attempt) {
  auto fence = attempt.getFence();
  auto job = fence.getJob();
  // A client's own call is no job's.
  if (!attempt.hasClient() && job.getNumber() != 0)
    to.add("tandem.job", to_string(job_id{journal_id{job.getJournal()}, job.getNumber()}));
  if (fence.getStep() != 0) to.add("tandem.step", std::uint64_t{fence.getStep()});
  if (fence.getEpoch() > 1) to.add("tandem.epoch", std::uint64_t{fence.getEpoch()});
  to.add("tandem.attempt", std::uint64_t{fence.getAttempt()});
  to.add("tandem.kind", view(attempt.getKind()));
  to.add("tandem.tenant", view(attempt.getTenant()));
}

void add_usage(span& to, schema::Usage::Reader usage) {
  to.add("gen_ai.usage.input_tokens", usage.getPromptTokens());
  to.add("gen_ai.usage.output_tokens", usage.getCompletionTokens());
  if (usage.getCachedPromptTokens() != 0)
    to.add("tandem.cached_input_tokens", usage.getCachedPromptTokens());
  to.add("tandem.cost_usd", static_cast<double>(usage.getCostNanousd()) * 1e-9);
}

void add_result(span& to, schema::AttemptResult::Reader result) {
  to.add("gen_ai.request.model", view(result.getModel()));
  to.add("gen_ai.response.finish_reason", name_of_finish(result.getFinish()));
  add_usage(to, result.getUsage());
  to.add("tandem.tier", view(result.getTier()));
  to.add("tandem.engine", view(result.getEngine()));
  to.add("tandem.weights", view(result.getWeightVersion()));
  if (result.getDecision() != 0) to.add("tandem.decision", result.getDecision());
  if (result.getHedged()) to.add("tandem.hedged", true);
  if (result.getRefusals().size() != 0)
    to.add("tandem.refusals", std::uint64_t{result.getRefusals().size()});
  if (auto level = result.getCache().getLevel(); level != 0)
    to.add("tandem.cache_level", std::uint64_t{level});
  auto error = result.getError();
  if (error.getCode() == schema::Errc::UNKNOWN) return;
  auto code = to_string(static_cast<errc>(error.getCode()));
  to.add("error.type", code);
  to.error =
      error.getMessage().size() == 0 ? std::string{code} : std::string{view(error.getMessage())};
}

}  // namespace tandem
