// The part of job_machine that keeps a job within its budget: what an attempt may cost is reserved
// before it is sent, so that attempts at once cannot overspend together.

#include <algorithm>

#include <fmt/format.h>

#include "actors/job/job_machine.hpp"
#include "actors/job/job_records.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// A judge reads the prompt and the output, and writes a verdict.
constexpr std::uint64_t judged_calls = 4;

std::uint64_t bytes_of(schema::Attempt::Reader attempt) {
  std::uint64_t bytes = attempt.getPlanError().size() + attempt.getFinished().size() +
                        attempt.getResponseSchema().size();
  for (auto message : attempt.getMessages()) bytes += message.getContent().size();
  return bytes;
}

}  // namespace

budget job_machine::left() const {
  auto minus = [](auto all, auto a, auto b) { return all > a + b ? all - a - b : 0; };
  return {limit_.tokens == 0 ? 0 : minus(limit_.tokens, spent_.tokens, reserved_.tokens),
          limit_.cost_nanousd == 0
              ? 0
              : minus(limit_.cost_nanousd, spent_.cost_nanousd, reserved_.cost_nanousd)};
}

caf::error job_machine::reserve(schema::Attempt::Builder attempt, flight& what) {
  if (!limit_.limited()) return caf::none;
  auto reader = attempt.asReader();
  auto prompt = prompt_tokens_bound(
      bytes_of(reader) * settings_.profile_times_max + settings_.profile_bytes_max,
      reader.getMessages().size() + 1);
  auto most = call_bound(prompt, reader.getMaxTokens(), settings_.input_price_nanousd_max,
                         settings_.output_price_nanousd_max);
  if (view(reader.getCheck().getKind()) == "judge") {
    most.tokens *= judged_calls;
    most.cost_nanousd *= static_cast<std::int64_t>(judged_calls);
  }
  auto rest = left();
  auto spent_up = (limit_.tokens != 0 && rest.tokens == 0) ||
                  (limit_.cost_nanousd != 0 && rest.cost_nanousd == 0);
  auto alone = reserved_ == budget{};
  auto ample = !spent_up && fits(most, rest);
  if (!alone && (one_at_a_time_ || !ample))
    return make_error(errc::overloaded, "the rest of the budget is reserved");
  if (spent_up)
    return make_error(
        errc::budget_exceeded,
        fmt::format("the job's budget is spent: {} of {} tokens, ${:.6f} of ${:.6f} (0: no limit); "
                    "submit again with more",
                    spent_.tokens, limit_.tokens, static_cast<double>(spent_.cost_nanousd) * 1e-9,
                    static_cast<double>(limit_.cost_nanousd) * 1e-9));
  // Alone, an attempt may have all that is left: its engine refuses it if that is too little.
  what.allowance = rest;
  if (!one_at_a_time_ && ample) {
    if (limit_.tokens != 0) what.allowance.tokens = most.tokens;
    // Where nothing has a price, nothing is spent either.
    if (limit_.cost_nanousd != 0)
      what.allowance.cost_nanousd = std::max<std::int64_t>(most.cost_nanousd, 1);
  }
  reserved_.tokens += what.allowance.tokens;
  reserved_.cost_nanousd += what.allowance.cost_nanousd;
  auto allowance = attempt.initAllowance();
  allowance.setTokens(what.allowance.tokens);
  allowance.setCostNanousd(what.allowance.cost_nanousd);
  return caf::none;
}

void job_machine::settle(const flight& what, schema::Usage::Reader usage) {
  reserved_.tokens -= std::min(reserved_.tokens, what.allowance.tokens);
  reserved_.cost_nanousd -= std::min(reserved_.cost_nanousd, what.allowance.cost_nanousd);
  spent_.tokens += usage.getPromptTokens() + usage.getCompletionTokens();
  spent_.cost_nanousd += usage.getCostNanousd();
}

void job_machine::on_stale(job_outbox& out, schema::AttemptResult::Reader result,
                           std::uint64_t now_ms) {
  auto found = cancelled_.find(result.getFence().getAttempt());
  if (found == cancelled_.end()) return;
  auto what = found->second;
  cancelled_.erase(found);
  auto usage = result.getUsage();
  settle(what, usage);
  if (usage.getPromptTokens() + usage.getCompletionTokens() == 0 && usage.getCostNanousd() == 0)
    return;
  message_builder<schema::JobRecord> record;
  write_attempt(record->initAttemptFailed(), result, what.purpose, errc::cancelled,
                "nobody waited for it any more", "cancelled");
  add(out, record, now_ms);
  if (ending_) apply_pending();
}

}  // namespace tandem
