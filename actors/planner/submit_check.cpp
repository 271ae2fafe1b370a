#include "actors/planner/submit_check.hpp"

#include <algorithm>
#include <string>

#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t name_bytes_max = 256;
constexpr std::uint32_t tags_max = 32;
constexpr int priority_max = 100;

caf::error wrong(std::string what) {
  return make_error(errc::invalid_argument, std::move(what));
}

bool blank(std::string_view s) {
  return s.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

caf::error check_messages(schema::Submit::Reader submit, const planner_config& config) {
  auto messages = submit.getMessages();
  if (messages.size() == 0) return wrong("the goal is empty; say what is to be done");
  if (messages.size() > config.messages_max)
    return wrong("the goal has " + std::to_string(messages.size()) +
                 " messages; jobs.messages_max allows " + std::to_string(config.messages_max));
  std::size_t bytes = 0;
  for (auto message : messages) {
    if (message.getRole() == schema::Role::UNKNOWN)
      return wrong("a message has no role; it is one of system, user, assistant");
    bytes += message.getContent().size();
  }
  if (bytes > config.goal_bytes_max)
    return wrong("the goal has " + std::to_string(bytes) + " bytes; jobs.goal_bytes_max allows " +
                 std::to_string(config.goal_bytes_max));
  auto last = messages[messages.size() - 1];
  if (last.getRole() != schema::Role::USER || blank(view(last.getContent())))
    return wrong(
        "the goal is empty; the last message must be the user's and say what is to be done");
  return caf::none;
}

}  // namespace

caf::error check_submit(schema::Submit::Reader submit, const planner_config& config) {
  if (auto err = check_messages(submit, config)) return err;
  if (submit.getMode() == schema::PlanMode::UNKNOWN)
    return wrong("the plan mode is missing; it is one of plan_act, large, small, auto");
  if (submit.getWeights() > schema::WeightPolicy::MIX)
    return wrong("the policy on weights is neither fail nor mix");
  if (submit.getPriority() < -priority_max || submit.getPriority() > priority_max)
    return wrong("the priority is outside -100 to 100");
  if (submit.getClientKey().size() > name_bytes_max || submit.getTenant().size() > name_bytes_max)
    return wrong("the client key or the tenant is longer than 256 bytes");
  if (submit.getSession().size() > name_bytes_max)
    return wrong("the session is longer than 256 bytes");
  if (submit.getTags().size() > tags_max) return wrong("more than 32 tags");
  for (auto tag : submit.getTags())
    if (tag.size() > name_bytes_max) return wrong("a tag is longer than 256 bytes");
  auto timeout_max = static_cast<std::uint64_t>(config.timeout_max.count());
  if (submit.getTimeoutMs() > timeout_max)
    return wrong("the timeout is above jobs.timeout_max (" + std::to_string(timeout_max) + " ms)");
  if (submit.getBudget().getCostNanousd() < 0)
    return wrong("the budget is below $0; leave it out for none");
  return caf::none;
}

bool same_goal(schema::Submit::Reader a, schema::Submit::Reader b) {
  auto x = a.getMessages();
  auto y = b.getMessages();
  if (a.getMode() != b.getMode() || x.size() != y.size()) return false;
  for (unsigned i = 0; i < x.size(); ++i)
    if (x[i].getRole() != y[i].getRole() || x[i].getContent() != y[i].getContent()) return false;
  return true;
}

}  // namespace tandem
