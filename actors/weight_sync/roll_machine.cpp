#include "actors/weight_sync/roll_machine.hpp"

#include <algorithm>

namespace tandem {
namespace {

using schema::EnginePhase;
using schema::OrderAction;
using schema::RollPhase;

constexpr std::uint64_t judge_again_ms = 1000;
constexpr std::uint64_t news_slack_ms = 3000;
// Beyond what its own node allows the engine: an outcome that never comes is a failure.
constexpr std::uint64_t outcome_slack_ms = 120'000;

bool is_under_way(const roll_engine& engine) {
  return engine.phase == EnginePhase::DRAINING || engine.phase == EnginePhase::LOADING;
}

std::string full_name(const roll_engine& engine) {
  return engine.name + "@" + engine.node;
}

}  // namespace

std::string why_not_roll(const std::vector<fleet_engine>& engines, const std::string& model,
                         const std::string& version) {
  if (engines.empty()) return "no engine of the cluster serves model '" + model + "'";
  std::string fixed;
  auto all_there = true;
  for (const auto& each : engines) {
    if (!each.fixed.empty()) fixed += "\n  " + each.name + "@" + each.node + ": " + each.fixed;
    all_there = all_there && each.version == version && !each.is_gated;
  }
  if (!fixed.empty())
    return "some engines cannot change their weights while they run; remove them, or start them "
           "with the new ones:" +
           fixed;
  if (all_there) return "every engine of model '" + model + "' serves '" + version + "' already";
  return {};
}

void add_engines(roll_record& roll, const std::vector<fleet_engine>& engines) {
  std::set<std::pair<std::string_view, std::string_view>> known;
  // Views into a list that grows would not hold.
  roll.engines.reserve(roll.engines.size() + engines.size());
  for (const auto& each : roll.engines) known.emplace(each.node, each.name);
  for (const auto& each : engines) {
    if (known.contains({each.node, each.name})) continue;
    // It says which when it is there.
    if (each.version.empty() && !each.is_up && !each.is_gated) continue;
    roll.engines.push_back({.node = each.node,
                            .name = each.name,
                            .version = each.version,
                            // One that was gated at the new version has nothing to go back to.
                            .before = each.version == roll.version && !roll.before.empty()
                                          ? roll.before
                                          : each.version});
  }
  // One of each node first, so that a node's trouble is not taken for the version's.
  std::uint32_t chosen = 0;
  for (const auto& each : roll.engines) chosen += each.canary ? 1 : 0;
  std::set<std::string> nodes;
  for (auto round = 0; round < 2; ++round)
    for (auto& each : roll.engines) {
      if (chosen >= roll.options.canaries) return;
      if (each.canary || (round == 0 && !nodes.insert(each.node).second)) continue;
      each.canary = true;
      ++chosen;
    }
}

const std::string& roll_machine::target(const roll_engine& engine) const {
  return record_.phase == RollPhase::ROLLING_BACK ? engine.before : record_.version;
}

std::uint32_t roll_machine::places() const {
  std::uint32_t away = 0;
  for (const auto& each : record_.engines) away += each.phase == phase::AWAY ? 1 : 0;
  auto max = std::max<std::uint32_t>(record_.options.max_unavailable, 1);
  return max > away ? max - away : 1;
}

void roll_machine::wake(std::uint64_t at_ms) {
  if (!wake_at_ms_ || at_ms < *wake_at_ms_) wake_at_ms_ = at_ms;
}

bool roll_machine::take_changed() {
  return std::exchange(is_changed_, false);
}

std::optional<std::string> roll_machine::wanted() const {
  switch (record_.phase) {
    case RollPhase::ROLLING:
    case RollPhase::DONE:
      return record_.version;
    case RollPhase::ROLLING_BACK:
    case RollPhase::ROLLED_BACK:
    case RollPhase::GATED:
      return record_.before;
    default:
      return std::nullopt;
  }
}

std::vector<roll_order> roll_machine::step(const fleet_view& now) {
  wake_at_ms_.reset();
  std::vector<roll_order> orders;
  if (record_.is_over()) return orders;
  see(now);
  if (record_.phase == RollPhase::FETCHING) fetch(now, orders);
  if (record_.phase == RollPhase::CANARY) {
    replace_canaries();
    advance(now, true, orders);
    auto some = std::any_of(record_.engines.begin(), record_.engines.end(), [](const auto& each) {
      return each.canary && each.phase == phase::SERVING;
    });
    if (record_.phase == RollPhase::CANARY && some && all(true, true)) {
      record_.phase = RollPhase::JUDGING;
      record_.judged_from_ms = now.now_ms;
      orders.clear();
      change();
      // The view's figures are of another time.
      wake(now.now_ms + judge_again_ms);
      return orders;
    }
  }
  if (record_.phase == RollPhase::JUDGING) judge(now);
  if (record_.phase == RollPhase::ROLLING || record_.phase == RollPhase::ROLLING_BACK) {
    auto back = record_.phase == RollPhase::ROLLING_BACK;
    advance(now, false, orders);
    if (!back && record_.phase == RollPhase::ROLLING_BACK)
      orders.clear(), advance(now, false, orders);
    if (record_.phase == RollPhase::ROLLING && all(false, true))
      end(RollPhase::DONE, {}, now.now_ms);
    if (record_.phase == RollPhase::ROLLING_BACK && all(false, true)) {
      std::string failed;
      for (const auto& each : record_.engines)
        if (each.phase == phase::FAILED)
          failed += (failed.empty() ? "" : "; ") + full_name(each) + ": " + each.error;
      if (failed.empty())
        end(RollPhase::ROLLED_BACK, record_.reason, now.now_ms);
      else
        end(RollPhase::GATED, record_.reason + "; going back failed too (" + failed + ")",
            now.now_ms);
    }
  }
  if (record_.is_over()) orders.clear();
  return orders;
}

const fleet_engine* roll_machine::find(const roll_engine& engine) const {
  auto found = seen_.find(std::pair<std::string_view, std::string_view>{engine.node, engine.name});
  return found == seen_.end() ? nullptr : found->second;
}

void roll_machine::see(const fleet_view& now) {
  seen_.clear();
  for (const auto& each : now.engines)
    seen_.emplace(std::pair<std::string_view, std::string_view>{each.node, each.name}, &each);
  std::size_t found = 0;
  for (auto& each : record_.engines) {
    const auto* seen = find(each);
    found += seen != nullptr ? 1 : 0;
    see_engine(each, seen, now.alive.contains(each.node), now.now_ms);
  }
  // Taken out while it went on: nobody misses it.
  auto gone = std::erase_if(record_.engines, [&](const roll_engine& each) {
    return now.alive.contains(each.node) && find(each) == nullptr && !is_under_way(each);
  });
  auto known = record_.engines.size();
  if (found < seen_.size() && record_.phase != RollPhase::ROLLING_BACK)
    add_engines(record_, now.engines);
  if (gone != 0 || known != record_.engines.size()) change();
}

void roll_machine::see_engine(roll_engine& engine, const fleet_engine* seen, bool node_alive,
                              std::uint64_t now_ms) {
  auto become = [&](phase next) {
    if (engine.phase == next) return;
    engine.phase = next;
    change();
  };
  if (!node_alive) {
    // It catches up before its node admits it, since it is at another version than is wanted.
    if (engine.phase != phase::SERVING || engine.version != target(engine)) become(phase::AWAY);
    return;
  }
  if (seen == nullptr) return;
  auto there = seen->version == target(engine) && !seen->is_gated;
  // What its node last told may be older than the outcome.
  if (engine.phase == phase::SERVING && !there && engine.ended_ms != 0 &&
      now_ms < engine.ended_ms + news_slack_ms) {
    wake(engine.ended_ms + news_slack_ms);
    return;
  }
  if (engine.version != seen->version) {
    engine.version = seen->version;
    change();
  }
  switch (engine.phase) {
    case phase::AWAY:
      if (there)
        become(phase::SERVING);
      else if (seen->is_up || seen->is_gated)
        become(phase::WAITING);
      break;
    case phase::WAITING:
      if (there)
        become(phase::SERVING);
      else if (!seen->is_up && !seen->is_gated)
        become(phase::AWAY);
      break;
    case phase::LOADING:
      // The outcome is lost, or was that of an earlier order.
      if (!there || !seen->is_up) break;
      engine.ended_ms = now_ms;
      become(phase::SERVING);
      break;
    case phase::SERVING:
      // It was started anew with other weights.
      if (!there && (seen->is_up || seen->is_gated)) become(phase::WAITING);
      break;
    default:
      break;
  }
}

void roll_machine::fetch(const fleet_view& now, std::vector<roll_order>& orders) {
  auto missing = false;
  std::set<std::string_view> serving;
  for (const auto& each : record_.engines) serving.insert(each.node);
  for (const auto& node : now.alive) {
    if (!serving.contains(node) || now.have.contains(node)) continue;
    missing = true;
    orders.push_back({OrderAction::FETCH, node, {}, record_.version});
  }
  if (missing) return;
  record_.phase = record_.options.canaries == 0 ? RollPhase::ROLLING : RollPhase::CANARY;
  change();
}

/// Whether the engine's present version is held by running jobs that nobody else can serve.
bool roll_machine::is_needed(const roll_engine& engine, const fleet_view& now) const {
  for (const auto& each : record_.engines) {
    if (&each == &engine || is_under_way(each)) continue;
    const auto* seen = find(each);
    if (seen != nullptr && seen->version == engine.version && seen->is_up && !seen->is_gated)
      return false;
  }
  // Not known: as if they were there.
  if (!now.pins) return true;
  auto held = now.pins->find(engine.version);
  return held != now.pins->end() && held->second != 0;
}

void roll_machine::begin(roll_engine& engine, const fleet_view& now) {
  const auto* seen = find(engine);
  // What takes no work has nothing to be drained of.
  auto idle = seen == nullptr || seen->is_gated || !seen->is_up;
  engine.phase = idle || !is_needed(engine, now) ? phase::LOADING : phase::DRAINING;
  engine.began_ms = now.now_ms;
  engine.ended_ms = 0;
  engine.error.clear();
  change();
}

void roll_machine::order(const roll_engine& engine, const fleet_view& now,
                         std::vector<roll_order>& orders) {
  if (engine.phase == phase::DRAINING) {
    orders.push_back({OrderAction::HOLD, engine.node, engine.name, target(engine)});
    for (const auto& node : now.alive) orders.push_back({OrderAction::ASK, node, {}, {}});
    wake(engine.began_ms + record_.options.drain_ms);
  } else if (engine.phase == phase::LOADING) {
    if (!now.have.contains(engine.node) && record_.phase != RollPhase::ROLLING_BACK)
      orders.push_back({OrderAction::FETCH, engine.node, {}, record_.version});
    else
      orders.push_back({OrderAction::UPDATE, engine.node, engine.name, target(engine)});
    wake(engine.began_ms + 2 * record_.options.drain_ms + record_.options.load_ms +
         outcome_slack_ms);
  }
}

void roll_machine::advance(const fleet_view& now, bool only_canaries,
                           std::vector<roll_order>& orders) {
  auto late = 2 * record_.options.drain_ms + record_.options.load_ms + outcome_slack_ms;
  std::uint32_t under_way = 0;
  for (auto& each : record_.engines) {
    if (each.phase == phase::DRAINING &&
        (now.now_ms >= each.began_ms + record_.options.drain_ms || !is_needed(each, now))) {
      each.phase = phase::LOADING;
      change();
    }
    if (each.phase == phase::LOADING && now.now_ms >= each.began_ms + late) {
      on_outcome({OrderAction::UPDATE, each.node, each.name, target(each)}, errc::deadline_exceeded,
                 "its node has not said how it ended", now.now_ms);
      if (record_.phase == RollPhase::ROLLING_BACK) return advance(now, false, orders);
    }
    under_way += is_under_way(each) ? 1 : 0;
  }
  auto free = places();
  for (auto& each : record_.engines) {
    if (under_way >= free) break;
    if (each.phase != phase::WAITING || (only_canaries && !each.canary)) continue;
    begin(each, now);
    ++under_way;
  }
  for (const auto& each : record_.engines) order(each, now, orders);
  std::sort(orders.begin(), orders.end());
  orders.erase(std::unique(orders.begin(), orders.end()), orders.end());
}

void roll_machine::replace_canaries() {
  std::uint32_t present = 0;
  for (auto& each : record_.engines) {
    if (each.canary && each.phase == phase::AWAY) {
      each.canary = false;
      change();
    }
    present += each.canary ? 1 : 0;
  }
  for (auto& each : record_.engines) {
    if (present >= record_.options.canaries) return;
    if (each.canary || each.phase != phase::WAITING) continue;
    each.canary = true;
    ++present;
    change();
  }
}

void roll_machine::judge(const fleet_view& now) {
  auto verdict = judge_canaries(now.canaries, now.others, now.now_ms - record_.judged_from_ms,
                                record_.options.judge_ms, record_.options.judge_requests);
  if (verdict.opinion == canary_opinion::wait) {
    wake(now.now_ms + judge_again_ms);
    return;
  }
  record_.verdict = verdict.text;
  change();
  if (verdict.opinion == canary_opinion::bad)
    go_back("the canaries are refused: " + verdict.text);
  else
    record_.phase = RollPhase::ROLLING;
}

void roll_machine::on_outcome(const roll_order& order, errc code, const std::string& error,
                              std::uint64_t now_ms) {
  if (record_.is_over()) return;
  if (order.action == OrderAction::FETCH) {
    if (code == errc::unknown || record_.phase == RollPhase::ROLLING_BACK) return;
    go_back("node '" + order.node + "' cannot get the version: " + error);
    return;
  }
  if (order.action != OrderAction::UPDATE) return;
  for (auto& each : record_.engines) {
    if (each.node != order.node || each.name != order.engine || each.phase != phase::LOADING ||
        order.version != target(each))
      continue;
    each.ended_ms = now_ms;
    each.error = error;
    if (code == errc::cancelled) {
      // Taken out meanwhile: its node will not tell of it again.
      each.phase = phase::AWAY;
      change();
      return;
    }
    each.phase = code == errc::unknown ? phase::SERVING : phase::FAILED;
    if (code == errc::unknown) each.version = order.version;
    change();
    if (code != errc::unknown && record_.phase != RollPhase::ROLLING_BACK)
      go_back("engine " + full_name(each) + " failed: " + error);
    return;
  }
}

void roll_machine::stop(const std::string& why) {
  if (!record_.is_over() && record_.phase != RollPhase::ROLLING_BACK) go_back(why);
}

void roll_machine::take_over(const std::string& coordinator, std::uint64_t incarnation,
                             std::uint64_t epoch) {
  record_.coordinator = coordinator;
  record_.incarnation = incarnation;
  record_.epoch = epoch;
  change();
}

void roll_machine::go_back(const std::string& why) {
  record_.reason = why;
  record_.phase = RollPhase::ROLLING_BACK;
  // What was ordered before is fenced off.
  ++record_.epoch;
  for (auto& each : record_.engines) {
    auto touched = each.phase == phase::FAILED || is_under_way(each) ||
                   (each.phase == phase::SERVING && each.version != each.before);
    if (each.phase == phase::FAILED) each.error = "before going back: " + each.error;
    if (touched) each.phase = phase::WAITING;
    // An engine that was not touched has nothing to go back from.
    if (!touched && each.phase == phase::WAITING && each.version == each.before)
      each.phase = phase::SERVING;
  }
  change();
}

void roll_machine::end(RollPhase as, const std::string& why, std::uint64_t now_ms) {
  record_.phase = as;
  record_.reason = why;
  record_.ended_ms = now_ms;
  change();
}

bool roll_machine::all(bool only_canaries, bool with_away) const {
  auto back = record_.phase == RollPhase::ROLLING_BACK;
  return std::all_of(record_.engines.begin(), record_.engines.end(), [&](const auto& each) {
    if (only_canaries && !each.canary) return true;
    return each.phase == phase::SERVING || (with_away && each.phase == phase::AWAY) ||
           (back && each.phase == phase::FAILED);
  });
}

}  // namespace tandem
