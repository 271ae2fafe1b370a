#include "tests/support/node_client.hpp"

#include <cstdio>
#include <stdexcept>

#include "schema/text.hpp"

namespace tandem::test {
namespace {

template <class T>
T value_of(caf::expected<T> result, const char* what) {
  if (!result)
    throw std::runtime_error(std::string{what} + ": " + to_string(code_of(result.error())) + ": " +
                             message_of(result.error()));
  return std::move(*result);
}

const char* name_of(schema::JobState state) {
  switch (state) {
    case schema::JobState::QUEUED:
      return "queued";
    case schema::JobState::RUNNING:
      return "running";
    case schema::JobState::PAUSED:
      return "paused";
    case schema::JobState::DONE:
      return "done";
    case schema::JobState::FAILED:
      return "failed";
    case schema::JobState::CANCELLED:
      return "cancelled";
    default:
      return "unknown";
  }
}

}  // namespace

client_options options_of(const node_process& node) {
  auto colon = node.address().rfind(':');
  client_options options;
  options.host = node.address().substr(0, colon);
  options.port = static_cast<std::uint16_t>(std::stoul(node.address().substr(colon + 1)));
  options.tls = {.certificate = node.tls_dir() / "client.pem",
                 .key = node.tls_dir() / "client.key",
                 .ca = node.tls_dir() / "ca.pem"};
  return options;
}

client connect(const node_process& node) {
  return value_of(client::connect(options_of(node)), "connect");
}

std::string json_string(std::string_view text) {
  std::string out{"\""};
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string goal_with_plan(std::string_view plan) {
  return "a scripted goal @sim {\"reply\":" + json_string(plan) + "}";
}

std::string goal_with_steps(const std::vector<scripted_step>& steps) {
  std::string plan = "{\"steps\":[";
  for (const auto& step : steps) {
    if (plan.back() != '[') plan += ',';
    plan += "{\"id\":" + std::to_string(step.id) +
            ",\"kind\":\"test\",\"prompt\":" + json_string(step.prompt) + ",\"depends_on\":[";
    for (auto id : step.depends_on) {
      if (plan.back() != '[') plan += ',';
      plan += std::to_string(id);
    }
    plan += "]}";
  }
  return goal_with_plan(plan + "]}");
}

job_id submit(client& to, std::string_view goal) {
  return value_of(to.submit({.goal = std::string{goal}}), "submit");
}

outcome outcome_of(schema::JobSummary::Reader summary) {
  auto usage = summary.getUsage();
  return {.state = name_of(summary.getState()),
          .reason = std::string{view(summary.getReason())},
          .answer = std::string{view(summary.getAnswer())},
          .epoch = summary.getEpoch(),
          .steps_done = summary.getStepsDone(),
          .steps_total = summary.getStepsTotal(),
          .calls = usage.getCalls(),
          .cost = usage.getCostNanousd(),
          .cost_all_large = usage.getCostAllLargeNanousd()};
}

outcome wait_end(client& of, job_id job, std::chrono::milliseconds limit) {
  return outcome_of(*value_of(of.wait(job, limit), "wait").read());
}

outcome look(client& of, job_id job) {
  return outcome_of(*value_of(of.summary(job), "summary").read());
}

std::string result_of(client& of, job_id job) {
  return value_of(of.result(job), "result");
}

bool wait_event(client& of, job_id job, const std::function<bool(schema::JobEvent::Reader)>& seen) {
  bool found = false;
  auto err = of.follow(job, 0, [&](schema::JobEvent::Reader event) {
    found = seen(event);
    return !found;
  });
  if (err) throw std::runtime_error("follow: " + message_of(err));
  return found;
}

}  // namespace tandem::test
