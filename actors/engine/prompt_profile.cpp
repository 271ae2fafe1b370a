#include "actors/engine/prompt_profile.hpp"

#include <algorithm>

#include "actors/engine/client_body.hpp"
#include "actors/job/plan/prompt_template.hpp"
#include "actors/warm_up/warm_words.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t prompt_bytes_max = 1u << 20;

const std::string none;

const std::string& system_of(const model_config& model, schema::Purpose purpose) {
  switch (purpose) {
    case schema::Purpose::PLAN:
      return model.plan_system;
    case schema::Purpose::ANSWER:
      return model.answer_system;
    case schema::Purpose::COMPOSE:
      return model.compose_system.empty() ? model.answer_system : model.compose_system;
    case schema::Purpose::VERIFY:
      // A judge's words come with the attempt.
      return none;
    default:
      return model.step_system;
  }
}

bool has_own_system(schema::Attempt::Reader attempt) {
  if (!attempt.hasClient()) return false;
  if (attempt.getPurpose() == schema::Purpose::EMBED) return true;
  for (auto message : attempt.getMessages())
    if (message.getRole() == schema::Role::SYSTEM) return true;
  return false;
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

prompt_growth growth_of(const model_config& model) {
  prompt_growth growth;
  growth.bytes = std::max({model.plan_system.size(), model.step_system.size(),
                           model.answer_system.size(), model.compose_system.size()}) +
                 std::max(model.plan_prompt.size(), model.replan_prompt.size());
  for (const auto* form : {&model.plan_prompt, &model.replan_prompt}) {
    for (std::string_view name : {"{{goal}}", "{{error}}", "{{finished}}"}) {
      std::size_t named = 0;
      for (auto at = form->find(name); at != std::string::npos; at = form->find(name, at + 1))
        ++named;
      growth.times = std::max(growth.times, named);
    }
  }
  for (std::size_t i = 0; i < growth.heads.size(); ++i)
    growth.heads[i] = system_of(model, static_cast<schema::Purpose>(i)).size();
  auto goal = model.plan_prompt.find("{{goal}}");
  growth.heads[static_cast<std::size_t>(schema::Purpose::PLAN)] +=
      std::min(goal, model.plan_prompt.size());
  return growth;
}

std::uint64_t profile_number(const model_config& model) {
  // FNV-1a; a zero byte, which no template has, ends each.
  std::uint64_t hash = 14'695'981'039'346'656'037ull;
  auto add = [&hash](unsigned char byte) { hash = (hash ^ byte) * 1'099'511'628'211ull; };
  for (const auto* part : {&model.plan_system, &model.plan_prompt, &model.replan_prompt,
                           &model.step_system, &model.answer_system, &model.compose_system}) {
    for (unsigned char byte : *part) add(byte);
    add(0);
  }
  return hash == 0 ? 1 : hash;
}

generation_request apply_profile(const model_config& model, schema::Attempt::Reader attempt) {
  generation_request request;
  request.purpose = attempt.getPurpose();
  request.max_tokens = attempt.getMaxTokens();
  request.temperature = attempt.getTemperature();
  request.top_k = attempt.getTopK();
  request.top_p = attempt.getTopP() > 0 ? attempt.getTopP() : 1.0f;
  request.seed = attempt.getSeed();
  request.response_schema = view(attempt.getResponseSchema());
  auto body = attempt.getClient().getBody();
  request.client_body.assign(reinterpret_cast<const char*>(body.begin()), body.size());
  request.client_path = attempt.getClient().getPath();
  request.open_ended = attempt.getClient().getOpenEnded();
  request.completions = completions_of(attempt);
  auto words = worded_as(attempt);
  // A client's own words count, where it has some.
  const auto& system = has_own_system(attempt) ? none : system_of(model, words);
  auto messages = attempt.getMessages();
  request.messages.reserve(messages.size() + 1);
  if (!system.empty()) request.messages.push_back({schema::Role::SYSTEM, system});
  for (auto message : messages)
    request.messages.push_back({message.getRole(), std::string{view(message.getContent())}});
  if (words == schema::Purpose::PLAN && !request.messages.empty()) {
    auto& goal = request.messages.back();
    goal.content = plan_prompt(model, attempt, goal.content);
  }
  return request;
}

}  // namespace tandem
