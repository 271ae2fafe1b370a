#include "actors/job/job_records.hpp"

#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t error_bytes_max = 2048;

}  // namespace

std::string bounded_reason(std::string_view text) {
  return valid_utf8(cut(text, error_bytes_max));
}

void write_error(schema::Error::Builder error, errc code, std::string_view message) {
  error.setCode(static_cast<schema::Errc>(code));
  if (!message.empty()) error.setMessage(bounded_reason(message));
}

void write_attempt(schema::AttemptRecord::Builder record, schema::AttemptResult::Reader result,
                   schema::Purpose purpose, errc code, std::string_view message,
                   std::string_view rung) {
  auto fence = result.getFence();
  record.setAttempt(fence.getAttempt());
  record.setStep(fence.getStep());
  record.setEpoch(fence.getEpoch());
  record.setPurpose(purpose);
  record.setEngine(result.getEngine());
  record.setModel(result.getModel());
  record.setTier(result.getTier());
  record.setWeightVersion(result.getWeightVersion());
  if (code != errc::unknown) write_error(record.initError(), code, message);
  if (!rung.empty()) record.setRung(text(rung));
  record.setUsage(result.getUsage());
  record.setQueueUs(result.getQueueUs());
  record.setFirstTokenUs(result.getFirstTokenUs());
  record.setTotalUs(result.getTotalUs());
  record.setDecision(result.getDecision());
  record.setSimulated(result.getSimulated());
  record.setHedged(result.getHedged());
  if (result.hasCache()) record.setCache(result.getCache());
}

void write_step(schema::StepRecord::Builder record, const plan::step& step, std::uint32_t epoch) {
  record.setStep(step.id);
  record.setEpoch(epoch);
  record.setKind(step.kind);
  record.setPrompt(step.prompt);
  auto deps = record.initDependsOn(static_cast<unsigned>(step.depends_on.size()));
  for (unsigned i = 0; i < deps.size(); ++i) deps.set(i, step.depends_on[i]);
  if (!step.check_json.empty()) record.setCheck(step.check_json);
}

}  // namespace tandem
