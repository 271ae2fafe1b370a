#include "actors/weight_sync/roll_record.hpp"

#include <algorithm>

#include "schema/text.hpp"

namespace tandem {
namespace {

roll_engine read_engine(schema::RollEngine::Reader from) {
  return {.node = std::string{view(from.getNode())},
          .name = std::string{view(from.getName())},
          .version = std::string{view(from.getVersion())},
          .before = std::string{view(from.getBefore())},
          .error = std::string{view(from.getError())},
          .phase = from.getPhase(),
          .canary = from.getCanary(),
          .began_ms = from.getBeganAtMs(),
          .ended_ms = from.getEndedAtMs()};
}

void write_engine(const roll_engine& from, schema::RollEngine::Builder to) {
  to.setNode(from.node);
  to.setName(from.name);
  to.setVersion(from.version);
  to.setBefore(from.before);
  to.setError(from.error);
  to.setPhase(from.phase);
  to.setCanary(from.canary);
  to.setBeganAtMs(from.began_ms);
  to.setEndedAtMs(from.ended_ms);
}

}  // namespace

bool roll_record::is_over() const {
  return phase == schema::RollPhase::DONE || phase == schema::RollPhase::ROLLED_BACK ||
         phase == schema::RollPhase::GATED;
}

roll_options read_options(schema::RollOptions::Reader from) {
  roll_options out{.canaries = from.getCanaries(),
                   .pause = from.getPause(),
                   .force = from.getForce(),
                   .prompt = std::string{view(from.getPrompt())},
                   .expected = std::string{view(from.getExpected())}};
  if (from.getMaxUnavailable() != 0) out.max_unavailable = from.getMaxUnavailable();
  if (from.getJudgeMs() != 0) out.judge_ms = from.getJudgeMs();
  if (from.getJudgeRequests() != 0) out.judge_requests = from.getJudgeRequests();
  if (from.getDrainMs() != 0) out.drain_ms = from.getDrainMs();
  if (from.getLoadMs() != 0) out.load_ms = from.getLoadMs();
  return out;
}

void write(const roll_options& from, schema::RollOptions::Builder to) {
  to.setMaxUnavailable(from.max_unavailable);
  to.setCanaries(from.canaries);
  to.setJudgeMs(from.judge_ms);
  to.setJudgeRequests(from.judge_requests);
  to.setDrainMs(from.drain_ms);
  to.setLoadMs(from.load_ms);
  to.setPause(from.pause);
  to.setForce(from.force);
  to.setPrompt(from.prompt);
  to.setExpected(from.expected);
}

roll_record read_roll(schema::WeightRoll::Reader from) {
  roll_record out{.id = from.getId(),
                  .model = std::string{view(from.getModel())},
                  .version = std::string{view(from.getVersion())},
                  .before = std::string{view(from.getBefore())},
                  .epoch = from.getEpoch(),
                  .coordinator = std::string{view(from.getCoordinator())},
                  .incarnation = from.getIncarnation(),
                  .phase = from.getPhase(),
                  .reason = std::string{view(from.getReason())},
                  .verdict = std::string{view(from.getVerdict())},
                  .options = read_options(from.getOptions()),
                  .began_ms = from.getBeganAtMs(),
                  .ended_ms = from.getEndedAtMs(),
                  .judged_from_ms = from.getJudgedFromMs(),
                  .sequence = from.getSequence()};
  for (auto engine : from.getEngines()) out.engines.push_back(read_engine(engine));
  return out;
}

void write(const roll_record& from, schema::WeightRoll::Builder to) {
  to.setId(from.id);
  to.setModel(from.model);
  to.setVersion(from.version);
  to.setBefore(from.before);
  to.setEpoch(from.epoch);
  to.setCoordinator(from.coordinator);
  to.setIncarnation(from.incarnation);
  to.setPhase(from.phase);
  to.setReason(from.reason);
  to.setVerdict(from.verdict);
  write(from.options, to.initOptions());
  auto engines = to.initEngines(static_cast<unsigned>(from.engines.size()));
  for (unsigned i = 0; i < engines.size(); ++i) write_engine(from.engines[i], engines[i]);
  to.setBeganAtMs(from.began_ms);
  to.setEndedAtMs(from.ended_ms);
  to.setJudgedFromMs(from.judged_from_ms);
  to.setSequence(from.sequence);
}

const char* to_string(schema::RollPhase phase) {
  switch (phase) {
    case schema::RollPhase::FETCHING:
      return "fetching";
    case schema::RollPhase::CANARY:
      return "canary";
    case schema::RollPhase::JUDGING:
      return "judging";
    case schema::RollPhase::ROLLING:
      return "rolling";
    case schema::RollPhase::ROLLING_BACK:
      return "rolling back";
    case schema::RollPhase::DONE:
      return "done";
    case schema::RollPhase::ROLLED_BACK:
      return "rolled back";
    case schema::RollPhase::GATED:
      return "gated";
    case schema::RollPhase::UNKNOWN:
      break;
  }
  return "unknown";
}

const char* to_string(schema::EnginePhase phase) {
  switch (phase) {
    case schema::EnginePhase::WAITING:
      return "waiting";
    case schema::EnginePhase::DRAINING:
      return "draining";
    case schema::EnginePhase::LOADING:
      return "loading";
    case schema::EnginePhase::FLUSHING:
      return "flushing";
    case schema::EnginePhase::VERIFYING:
      return "verifying";
    case schema::EnginePhase::SERVING:
      return "serving";
    case schema::EnginePhase::FAILED:
      return "failed";
    case schema::EnginePhase::AWAY:
      return "away";
    case schema::EnginePhase::UNKNOWN:
      break;
  }
  return "unknown";
}

}  // namespace tandem
