#include "actors/engine/prompt_profile.hpp"

#include "actors/job/plan/prompt_template.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t prompt_bytes_max = 1u << 20;

const std::string& system_of(const model_config& model, schema::Purpose purpose) {
  switch (purpose) {
    case schema::Purpose::PLAN:
      return model.plan_system;
    case schema::Purpose::ANSWER:
      return model.answer_system;
    case schema::Purpose::COMPOSE:
      return model.compose_system.empty() ? model.answer_system : model.compose_system;
    default:
      return model.step_system;
  }
}

std::string plan_prompt(const model_config& model, schema::Attempt::Reader attempt,
                        std::string_view goal) {
  const auto& form = attempt.hasPlanError() ? model.replan_prompt : model.plan_prompt;
  if (form == "{{goal}}") return std::string{goal};
  auto filled = plan::expand(form,
                             {{"goal", std::string{goal}},
                              {"error", std::string{view(attempt.getPlanError())}},
                              {"finished", std::string{view(attempt.getFinished())}},
                              {"steps_max", std::to_string(attempt.getStepsMax())}},
                             prompt_bytes_max);
  auto* text = std::get_if<std::string>(&filled);
  return text == nullptr ? std::string{goal} : std::move(*text);
}

}  // namespace

generation_request apply_profile(const model_config& model, schema::Attempt::Reader attempt) {
  generation_request request;
  request.purpose = attempt.getPurpose();
  request.max_tokens = attempt.getMaxTokens();
  request.temperature = attempt.getTemperature();
  request.top_k = attempt.getTopK();
  request.top_p = attempt.getTopP() > 0 ? attempt.getTopP() : 1.0f;
  request.seed = attempt.getSeed();
  const auto& system = system_of(model, request.purpose);
  auto messages = attempt.getMessages();
  request.messages.reserve(messages.size() + 1);
  if (!system.empty()) request.messages.push_back({schema::Role::SYSTEM, system});
  for (auto message : messages)
    request.messages.push_back({message.getRole(), std::string{view(message.getContent())}});
  if (request.purpose == schema::Purpose::PLAN && !request.messages.empty()) {
    auto& goal = request.messages.back();
    goal.content = plan_prompt(model, attempt, goal.content);
  }
  return request;
}

}  // namespace tandem
