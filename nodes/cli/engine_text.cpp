#include "nodes/cli/engine_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "nodes/cli/fact_list.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/table.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

using engine_reader = schema::EngineStatus::Reader;

std::string line(capnp::Text::Reader text) {
  return printable_line(view(text));
}

std::string_view breaker_name(engine_reader engine) {
  return engine.getBreaker() == schema::Breaker::UNKNOWN ? std::string_view{}
                                                         : name_of(engine.getBreaker());
}

tint tint_of(schema::Breaker breaker) {
  if (breaker == schema::Breaker::OPEN) return tint::red;
  return breaker == schema::Breaker::HALF_OPEN ? tint::yellow : tint::none;
}

/// `12 running, 3 waiting, cache 45%`; empty where the server never said it.
std::string load_text(engine_reader engine) {
  if (engine.getLoadAtMs() == 0) return {};
  auto text = human_count(engine.getServerRunning()) + " running, " +
              human_count(engine.getServerWaiting()) + " waiting";
  auto share = static_cast<double>(engine.getCacheUsageShare());
  if (!std::isfinite(share) || share < 0) return text;
  std::array<char, 16> percent{};
  std::snprintf(percent.data(), percent.size(), "%.0f%%", std::min(share, 1.0) * 100);
  return text + ", cache " + percent.data();
}

/// `in 3 s`, or `now` where the time has passed.
std::string when(std::uint64_t unix_ms, std::uint64_t now) {
  return unix_ms <= now ? "now" : human_age(unix_ms, now);
}

std::string counted(std::uint64_t number, const char* one, const char* many) {
  return human_count(number) + ' ' + (number == 1 ? one : many);
}

/// The last reason that it gave, else its last error.
std::string reason_of(engine_reader engine) {
  auto changes = engine.getChanges();
  if (changes.size() > 0) {
    auto latest = changes[changes.size() - 1];
    if (latest.getHealth() == engine.getHealth() && latest.getReason().size() > 0)
      return line(latest.getReason());
  }
  return line(engine.getLastError());
}

std::string mend_text(engine_reader engine) {
  auto name = line(engine.getName());
  auto probe = "`tandem engine probe " + name + "` tries everything at it now";
  auto kind = view(engine.getKind());
  if (kind == "managed") {
    return "look at what the server wrote: its log is logs/" + name +
           ".log in the node's data folder, unless [engine.process] names another; " + probe;
  }
  if (kind == "http") {
    auto where = engine.getUrl().size() == 0 ? "its url" : line(engine.getUrl());
    return "see that a server answers at " + where + ", from the node's machine; " + probe;
  }
  return probe;
}

std::string busy_text(engine_reader engine, std::uint64_t now) {
  return engine.getBusyUntilMs() == 0
             ? std::string{}
             : human_time(engine.getBusyUntilMs()) + ", " + when(engine.getBusyUntilMs(), now);
}

engine_verdict judge_breaker(engine_reader engine, std::uint64_t now) {
  using state = engine_verdict::state;
  if (engine.getBreaker() == schema::Breaker::HALF_OPEN) {
    return {state::limited,
            "it failed too often; one request at a time tries whether it works again",
            mend_text(engine)};
  }
  auto why = "its breaker is open, since it failed too often; one request tries it again " +
             when(engine.getBusyUntilMs(), now);
  auto error = line(engine.getLastError());
  if (!error.empty()) why += "; the last failure: " + error;
  return {state::unused, why, mend_text(engine)};
}

engine_verdict judge_room(engine_reader engine) {
  using state = engine_verdict::state;
  if (engine.getInFlight() < places_of(engine)) {
    return {state::used, "it is healthy and has room", {}};
  }
  if (places_of(engine) < engine.getConcurrency()) {
    return {state::used,
            "it is healthy, but at work on as many as measured latency allows now, " +
                human_count(places_of(engine)) + " of " + human_count(engine.getConcurrency()) +
                "; more requests wait in its queue",
            "add an engine; or `adaptive = false` where the measurement is wrong"};
  }
  return {state::used,
          "it is healthy, but all " + human_count(engine.getConcurrency()) +
              " places are taken; more requests wait in its queue",
          "raise its concurrency where the server can do more at once, or add an engine"};
}

}  // namespace

std::uint32_t places_of(engine_reader engine) {
  return engine.getLimit() == 0 ? engine.getConcurrency()
                                : std::min(engine.getLimit(), engine.getConcurrency());
}

std::string places_text(engine_reader engine) {
  auto now = places_of(engine);
  auto text = human_count(now);
  if (now < engine.getConcurrency()) text += " of " + human_count(engine.getConcurrency());
  return text;
}

tint tint_of_state(std::string_view state) {
  if (state == "ok" || state == "healthy" || state == "alive") return tint::green;
  for (auto passing :
       {"restarting", "starting", "draining", "busy", "updating", "suspect", "left"}) {
    if (state == passing) return tint::yellow;
  }
  return tint::red;
}

engine_verdict judge_engine(engine_reader engine, std::uint64_t now) {
  using state = engine_verdict::state;
  auto reason = reason_of(engine);
  auto because = reason.empty() ? std::string{} : ": " + reason;
  switch (engine.getHealth()) {
    case schema::Health::STARTING:
      return {state::unused, "it is starting" + because, {}};
    case schema::Health::DRAINING:
      return {state::unused, "it finishes what it has and takes nothing new" + because, {}};
    case schema::Health::BUSY:
      return {state::unused,
              "its server asked to be left alone; it is used again " +
                  when(engine.getBusyUntilMs(), now) + because,
              "lower its concurrency where this happens often, or add an engine"};
    case schema::Health::UPDATING:
      if (engine.getHeld())
        return {state::limited,
                "it takes only calls of jobs that hold its present weights, since they are to be "
                "changed" +
                    because,
                "`tandem weights status` shows the update"};
      return {state::unused, "its weights are being changed" + because,
              "`tandem weights status` shows the update"};
    case schema::Health::UNHEALTHY:
      return {state::unused, "it is unhealthy" + because, mend_text(engine)};
    case schema::Health::HEALTHY:
      break;
    default:
      return {state::unused, "its health is not known" + because, mend_text(engine)};
  }
  if (engine.getBreaker() == schema::Breaker::OPEN ||
      engine.getBreaker() == schema::Breaker::HALF_OPEN) {
    return judge_breaker(engine, now);
  }
  return judge_room(engine);
}

std::string engines_text(schema::Topology::Reader topology, const style& how, std::uint64_t now) {
  using align = table::align;
  table out{{{"ENGINE"},
             {"NODE"},
             {"KIND"},
             {"MODEL"},
             {"TIER"},
             {"HEALTH"},
             {"BREAKER"},
             {"IN FLIGHT", align::right},
             {"QUEUED", align::right},
             {"REQUESTS", align::right},
             {"FAILED", align::right},
             {"REFUSED", align::right},
             {"LOAD"},
             {"SERVER"},
             {"WEIGHTS"},
             {"URL"}}};
  auto has_nodes = topology.getNodes().size() > 1;
  for (auto node : topology.getNodes()) {
    for (auto engine : node.getEngines()) {
      std::string health{name_of(engine.getHealth())};
      auto colour = tint_of_state(health);
      if (engine.getHealth() == schema::Health::BUSY && engine.getBusyUntilMs() > now)
        health += ' ' + human_age(engine.getBusyUntilMs(), now);
      out.add(
          {std::string{view(engine.getName())},
           has_nodes ? std::string{view(node.getName())} : std::string{},
           std::string{view(engine.getKind())},
           std::string{view(engine.getModel())},
           std::string{view(engine.getTier())},
           {health, colour},
           {std::string{breaker_name(engine)}, tint_of(engine.getBreaker())},
           human_count(engine.getInFlight()) + '/' + places_text(engine),
           human_count(engine.getQueued()),
           human_count(engine.getRequests()),
           {human_count(engine.getFailures()), engine.getFailures() > 0 ? tint::red : tint::none},
           human_count(engine.getRefusals()),
           load_text(engine),
           std::string{view(engine.getServer())},
           std::string{view(engine.getWeightVersion())},
           std::string{view(engine.getUrl())}});
    }
  }
  out.drop_empty();
  return out.render(how);
}

namespace {

std::string used_text(const engine_verdict& verdict, const style& how) {
  using state = engine_verdict::state;
  if (verdict.is == state::used) return how.paint(tint::green, "yes") + ": " + verdict.why;
  if (verdict.is == state::limited) return how.paint(tint::yellow, "hardly") + ": " + verdict.why;
  return how.paint(tint::red, "no") + ": " + verdict.why;
}

std::string server_text(engine_reader engine) {
  auto text = line(engine.getServer());
  auto url = line(engine.getUrl());
  if (url.empty()) return text;
  return (text.empty() ? "not recognised yet" : text) + ", at " + url;
}

std::string breaker_text(engine_reader engine, std::uint64_t now) {
  std::string text{breaker_name(engine)};
  if (engine.getBreaker() == schema::Breaker::OPEN) {
    text += ", tries again " + when(engine.getBusyUntilMs(), now);
  }
  if (engine.getOpensInARow() > 0) {
    text += ", opened " + counted(engine.getOpensInARow(), "time", "times") + " in a row";
  }
  return text;
}

std::string counts_text(engine_reader engine) {
  auto text = counted(engine.getRequests(), "request", "requests") + ", " +
              human_count(engine.getFailures()) + " failed, " + human_count(engine.getRefusals()) +
              " refused; " + human_count(engine.getPromptTokens()) + " tokens in";
  if (engine.getCachedPromptTokens() > 0) {
    text += " (" + human_count(engine.getCachedPromptTokens()) + " cached)";
  }
  return text + ", " + human_count(engine.getCompletionTokens()) + " out";
}

std::string limits_text(engine_reader engine) {
  auto text = human_count(engine.getInFlight()) + " of " + human_count(engine.getConcurrency()) +
              " places taken, " + human_count(engine.getQueued()) + " queued";
  if (places_of(engine) != engine.getConcurrency())
    text += "; measured latency allows " + human_count(places_of(engine)) + " now";
  if (engine.getContextTokens() == 0) return text;
  return text + "; prompt and answer up to " + human_count(engine.getContextTokens()) + " tokens";
}

std::string process_text(engine_reader engine) {
  if (engine.getProcessId() == 0 && engine.getProcessRestarts() == 0) return {};
  auto text = engine.getProcessId() == 0 ? std::string{"does not run"}
                                         : "process " + std::to_string(engine.getProcessId());
  return text + ", started again " + counted(engine.getProcessRestarts(), "time", "times");
}

std::string changes_text(engine_reader engine, const style& how, std::uint64_t now) {
  if (engine.getChanges().size() == 0) return {};
  table out{{{"WHEN", table::align::right}, {"HEALTH"}, {"REASON"}}};
  for (auto change : engine.getChanges()) {
    std::string health{name_of(change.getHealth())};
    out.add({human_age(change.getAtMs(), now),
             {health, tint_of_state(health)},
             std::string{view(change.getReason())}});
  }
  return '\n' + out.render(how);
}

}  // namespace

std::string explain_text(engine_reader engine, std::string_view node, const style& how,
                         std::uint64_t now) {
  auto verdict = judge_engine(engine, now);
  auto health = name_of(engine.getHealth());
  fact_list list{how};
  list.add("engine", how.paint(tint::bold, line(engine.getName())) + "  " +
                         how.paint(tint_of_state(health), health) + ", kind " +
                         line(engine.getKind()) + ", on node " + printable_line(node));
  list.add("used", used_text(verdict, how));
  list.add("mend", verdict.mend);
  list.add("model", line(engine.getModel()) + ", tier " + line(engine.getTier()) + ", weights " +
                        (engine.getWeightVersion().size() == 0 ? "not known"
                                                               : line(engine.getWeightVersion())));
  if (engine.getWeightsFixed().size() != 0)
    list.add("fixed",
             "its weights cannot be changed while it runs: " + line(engine.getWeightsFixed()));
  list.add("server", server_text(engine));
  list.add("process", process_text(engine));
  list.add("breaker", breaker_text(engine, now));
  if (engine.getHealth() == schema::Health::BUSY)
    list.add("busy", "until " + busy_text(engine, now));
  list.add("room", limits_text(engine));
  auto load = load_text(engine);
  if (!load.empty()) list.add("load", load + ", said " + human_age(engine.getLoadAtMs(), now));
  list.add("counts", counts_text(engine) + (engine.getSimulated() ? " (simulated)" : ""));
  list.add("error", line(engine.getLastError()));
  return list.text() + changes_text(engine, how, now);
}

bool is_all_ok(schema::EngineReport::Reader report) {
  for (auto check : report.getChecks()) {
    if (!check.getOk()) return false;
  }
  return report.getChecks().size() > 0 || report.getStatus().getHealth() == schema::Health::HEALTHY;
}

std::string probe_text(schema::EngineReport::Reader report, const style& how, std::uint64_t now) {
  if (report.getChecks().size() == 0) {
    auto engine = report.getStatus();
    return "nothing to ask: " + line(engine.getName()) + " (kind " + line(engine.getKind()) +
           ") has no server; " + judge_engine(engine, now).why + '\n';
  }
  table out{{{"RESULT"}, {"CHECK"}, {"TIME", table::align::right}, {"DETAIL"}}};
  for (auto check : report.getChecks()) {
    auto took = std::min<std::uint64_t>(check.getTookUs(), std::uint64_t{1} << 52);
    out.add({check.getOk() ? table::cell{"ok", tint::green} : table::cell{"failed", tint::red},
             std::string{view(check.getWhat())},
             human_duration(std::chrono::microseconds{static_cast<std::int64_t>(took)}),
             std::string{view(check.getDetail())}});
  }
  return out.render(how);
}

}  // namespace tandem::cli
