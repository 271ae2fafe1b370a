// What is wrong, rule by rule; each text says what it is and what to do.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "actors/alarm/alarm_rules.hpp"
#include "actors/metrics/weight_view.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::uint64_t seconds = 1000;
constexpr std::uint64_t minutes = 60 * seconds;
constexpr std::uint64_t hours = 60 * minutes;
constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr std::uint64_t gib = std::uint64_t{1} << 30;

constexpr auto warning = schema::AlarmSeverity::WARNING;
constexpr auto critical = schema::AlarmSeverity::CRITICAL;

/// An engine may fail for a moment: its breaker and retries are there for that.
constexpr std::uint64_t engine_hold = 10 * seconds;
constexpr std::uint64_t engine_rest = 10 * seconds;
constexpr std::uint64_t error_window = 5 * minutes;
constexpr std::uint64_t error_rest = 1 * minutes;
/// Half of all calls.
constexpr double grave_error_share = 0.5;
constexpr std::uint64_t cost_window = growth_window::window_ms_max;
constexpr std::uint32_t mailbox_max = 1000;
constexpr std::uint64_t mailbox_hold = 30 * seconds;
constexpr std::uint64_t certificate_grave = 24 * hours;
/// How much of a threshold an alarm has to fall back by.
constexpr double slack = 0.9;

constexpr std::size_t text_bytes_max = 500;

std::string name_text(capnp::Text::Reader name) {
  return std::string{cut(view(name), 128)};
}

std::string percent(double share) {
  char out[32];
  std::snprintf(out, sizeof out, "%.1f%%", share * 100);
  return out;
}

std::string usd(double amount) {
  char out[32];
  std::snprintf(out, sizeof out, "%.2f", amount);
  return "$" + std::string{out};
}

std::string bytes_text(std::uint64_t bytes) {
  char out[32];
  std::snprintf(out, sizeof out, "%.1f GiB", static_cast<double>(bytes) / static_cast<double>(gib));
  return out;
}

alarm make_alarm(std::string_view name, std::string subject, schema::AlarmSeverity severity,
                 const std::string& text) {
  return {.name = std::string{name},
          .subject = std::move(subject),
          .severity = severity,
          .text = valid_utf8(cut(text, text_bytes_max))};
}

bool is_down(schema::EngineStatus::Reader engine) {
  return engine.getHealth() == schema::Health::UNHEALTHY ||
         engine.getBreaker() == schema::Breaker::OPEN;
}

/// Whether somebody else in the cluster serves its model.
bool has_stand_in(schema::Topology::Reader topology, schema::EngineStatus::Reader down) {
  for (auto node : topology.getNodes())
    for (auto engine : node.getEngines())
      if (view(engine.getModel()) == view(down.getModel()) && !is_down(engine) &&
          (engine.getHealth() == schema::Health::HEALTHY ||
           engine.getHealth() == schema::Health::BUSY))
        return true;
  return false;
}

}  // namespace

void alarm_rules::find_nodes(const alarm_view& view_of, findings& out) const {
  if (view_of.topology.empty()) return;
  auto topology = view_of.topology.read();
  std::set<std::string_view> there;
  for (auto node : topology->getNodes())
    if (node.getMember().getState() == schema::MemberState::ALIVE)
      there.insert(view(node.getName()));
  for (auto node : topology->getNodes()) {
    auto state = node.getMember().getState();
    auto is_gone = state == schema::MemberState::GONE;
    if ((!is_gone && state != schema::MemberState::SUSPECT) || there.contains(view(node.getName())))
      continue;
    auto what = make_alarm(
        "NodeGone", name_text(node.getName()), critical,
        "node '" + name_text(node.getName()) + "' (" + name_text(node.getAddress()) +
            ") does not answer: what ran there is retried elsewhere. Start it again with its data "
            "folder; if it is not to come back, drain it before next time");
    what.since_ms = node.getMember().getSinceMs();
    out.push_back({.what = std::move(what), .raises = is_gone});
  }
  for (auto place : topology->getWaiting()) {
    auto what = make_alarm("JournalWaiting", to_string(journal_id{place.getJournal()}), critical,
                           "the journal is open nowhere, and its jobs wait: start node '" +
                               name_text(place.getNode()) + "' (last at " +
                               name_text(place.getAddress()) + ") again with its data folder");
    what.since_ms = place.getSinceMs();
    out.push_back({.what = std::move(what), .hold_ms = engine_hold});
  }
}

void alarm_rules::find_engines(const alarm_view& view_of, findings& out) {
  if (view_of.topology.empty()) return;
  auto topology = view_of.topology.read();
  if (topology->getNodes().size() == 0) return;
  auto node = topology->getNodes()[0];
  flaps_.look(node, view_of.now_ms);
  for (auto engine : node.getEngines()) {
    auto name = name_text(engine.getName());
    if (is_down(engine)) {
      auto alone = !has_stand_in(*topology, engine);
      out.push_back(
          {.what = make_alarm("EngineDown", name, alone ? critical : warning,
                              "engine '" + name + "' takes no work (" +
                                  name_text(engine.getLastError()) + ")" +
                                  (alone ? ", and no other engine serves model '" +
                                               name_text(engine.getModel()) + "'"
                                         : std::string{}) +
                                  ": look at its server with `tandem engine probe " + name + "`"),
           .hold_ms = engine_hold,
           .rest_ms = engine_rest});
    }
    auto flaps = flaps_.count(name);
    if (flaps * 2 <= config_.flaps_max) continue;
    out.push_back({.what = make_alarm("EngineFlapping", name, warning,
                                      "engine '" + name + "' went down and came back " +
                                          std::to_string(flaps) +
                                          " times within ten minutes: drain it until its server is "
                                          "stable (`tandem engine drain " +
                                          name + "`)"),
                   .raises = flaps > config_.flaps_max});
  }
}

void alarm_rules::find_mailboxes(const alarm_view& view_of, findings& out) const {
  if (view_of.topology.empty()) return;
  auto topology = view_of.topology.read();
  if (topology->getNodes().size() == 0) return;
  for (auto actor : topology->getNodes()[0].getActors()) {
    auto depth = actor.getMailboxDepth();
    if (depth < mailbox_max / 2) continue;
    auto name = name_text(actor.getName());
    out.push_back({.what = make_alarm("MailboxGrowing", name, warning,
                                      std::to_string(depth) + " messages wait at actor '" + name +
                                          "': it cannot keep up; give the node more CPUs or less "
                                          "work (jobs.running_max, executor.in_flight_max)"),
                   .raises = depth >= mailbox_max,
                   .hold_ms = mailbox_hold});
  }
}

void alarm_rules::find_errors(findings& out) const {
  auto grown = growth_.within(error_window);
  if (grown.attempts < config_.error_calls_min || grown.attempts == 0) return;
  auto share = static_cast<double>(grown.attempts_failed) / static_cast<double>(grown.attempts);
  if (share <= config_.error_share_max / 2) return;
  auto text = percent(share) + " of " + std::to_string(grown.attempts) +
              " calls within five minutes failed (at most " + percent(config_.error_share_max) +
              ", alarms.error_share_max): see why with `tandem engine list` and `tandem jobs "
              "--state failed`";
  out.push_back({.what = make_alarm("ErrorBudgetBurn", {},
                                    share >= grave_error_share ? critical : warning, text),
                 .raises = share > config_.error_share_max,
                 .rest_ms = error_rest});
}

void alarm_rules::find_cost(findings& out) const {
  auto most = config_.cost_usd_per_h_max;
  auto spent = growth_.within(cost_window).cost_usd;
  if (most <= 0 || spent <= most * slack) return;
  out.push_back(
      {.what = make_alarm("CostOverBudget", {}, warning,
                          usd(spent) + " were spent in the last hour (at most " + usd(most) +
                              ", alarms.cost_usd_per_h_max): see what spends it with "
                              "`tandem route status`, and limit tenants with "
                              "[[tenant]]"),
       .raises = spent > most});
}

void alarm_rules::find_mixed_weights(const alarm_view& view_of, findings& out) const {
  if (view_of.topology.empty()) return;
  std::set<std::string> updating;
  if (!view_of.weights.empty())
    for (const auto& [model, roll] : last_rolls(*view_of.weights.read()))
      if (roll.active) updating.insert(model);
  for (const auto& [model, versions] : served_versions(*view_of.topology.read())) {
    if (versions.size() < 2 || updating.contains(model)) continue;
    std::string list;
    for (const auto& each : versions) list += (list.empty() ? "" : ", ") + each;
    out.push_back({.what = make_alarm("MixedWeights", model, warning,
                                      "engines serve model '" + model +
                                          "' at several weight versions (" + list +
                                          "), and no update runs: `tandem weights roll` brings all "
                                          "of them to one"),
                   .hold_ms = static_cast<std::uint64_t>(config_.mixed_weights_max.count())});
  }
}

void alarm_rules::find_failed_updates(const alarm_view& view_of, findings& out) const {
  if (view_of.weights.empty()) return;
  for (const auto& [model, roll] : last_rolls(*view_of.weights.read())) {
    if (!roll.failed) continue;
    auto text = "the update of model '" + model + "' to version '" + roll.version + "' " +
                (roll.gated ? "failed and could not be taken back: some engines take no work"
                            : "was taken back") +
                (roll.reason.empty() ? std::string{} : " (" + roll.reason + ")") +
                ": see `tandem weights status`, then update again";
    out.push_back(
        {.what = make_alarm("WeightUpdateFailed", model, roll.gated ? critical : warning, text)});
  }
}

void alarm_rules::find_cache_harm(const alarm_view& view_of, findings& out) const {
  if (view_of.cache.empty()) return;
  std::map<std::string, std::uint64_t> off;
  auto cache = view_of.cache.read();
  for (auto level : cache->getLevels())
    if (level.hasNear() && level.getNear().getTenantsOff() != 0)
      off[name_text(level.getTier())] += level.getNear().getTenantsOff();
  for (const auto& [tier, tenants] : off)
    out.push_back(
        {.what = make_alarm("CacheHarm", tier, warning,
                            "plans of near goals led to wrong answers, and were turned off for " +
                                std::to_string(tenants) + " tenant(s) of tier '" + tier +
                                "': nothing wrong is served any more; see docs/semantic.md")});
}

void alarm_rules::find_certificate(const alarm_view& view_of, findings& out) const {
  auto ends = view_of.certificate_ends_at_ms;
  if (ends == 0) return;
  auto left = ends > view_of.now_ms ? ends - view_of.now_ms : 0;
  auto least = static_cast<std::uint64_t>(config_.certificate_left_min.count()) * hours;
  if (left >= least) return;
  auto text =
      (left == 0 ? std::string{"the node's certificate has ended"}
                 : "the node's certificate ends in " + std::to_string(left / hours) + " hours") +
      ": renew it with `tandem certs renew` where its authority's key is; other nodes will "
      "refuse this one";
  out.push_back({.what = make_alarm("CertificateExpiry", {},
                                    left < certificate_grave ? critical : warning, text)});
}

void alarm_rules::find_disk(const alarm_view& view_of, findings& out) const {
  auto size = view_of.disk_size_bytes;
  auto free = view_of.disk_free_bytes;
  if (size == 0) return;
  // A twentieth of the disk, as long as that is no large amount by itself.
  auto least = std::max(512 * mib, std::min(size / 20, 50 * gib));
  auto grave = std::max(256 * mib, std::min(size / 100, 10 * gib));
  auto keep = static_cast<std::uint64_t>(static_cast<double>(least) / slack);
  if (free >= keep) return;
  out.push_back({.what = make_alarm("DiskLow", {}, free < grave ? critical : warning,
                                    bytes_text(free) + " of " + bytes_text(size) +
                                        " are free where the data folder is: a full disk stops the "
                                        "journal, and with it the node. Make room, or purge old "
                                        "jobs (`tandem purge`)"),
                 .raises = free < least});
}

}  // namespace tandem
