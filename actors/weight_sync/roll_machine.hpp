#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/weight_sync/canary_judge.hpp"
#include "actors/weight_sync/roll_record.hpp"
#include "schema/errc.hpp"

namespace tandem {

/// What a node is to do for a roll. Carried out once however often it is told, and refused when its
/// epoch is not the newest.
struct roll_order {
  schema::OrderAction action = schema::OrderAction::UNKNOWN;
  std::string node;
  /// Of `hold` and `update`.
  std::string engine;
  std::string version;

  auto operator<=>(const roll_order&) const = default;
};

/// An engine of the model, as its node last said.
struct fleet_engine {
  std::string node;
  std::string name;
  std::string version;
  /// Takes work, or would if its weights were not being changed.
  bool is_up = true;
  /// Takes no work because its weights are changed, or because that failed.
  bool is_gated = false;
  /// Why its weights cannot be changed.
  std::string fixed;
};

/// What a coordinator sees of its fleet.
struct fleet_view {
  std::uint64_t now_ms = 0;
  /// Of living nodes.
  std::vector<fleet_engine> engines;
  std::set<std::string> alive;
  /// Living nodes that have all of the new version.
  std::set<std::string> have;
  /// Running jobs, of all living nodes, that hold each version of the model; nothing: not known
  /// yet.
  std::optional<std::map<std::string, std::uint64_t>> pins;
  /// Since `judged_from_ms`.
  service_figures canaries;
  service_figures others;
};

/// What one update of a fleet does next. No actors, no clock: it compares what is (the view) with
/// what is to be (its record), so that whoever takes it over goes on from the record alone.
///   view changes -> step(): the orders that are to stand now; those that do not stand any more are
///                   no longer repeated
///   an order's outcome -> on_outcome(), then step()
/// Where take_changed() says so, the record must be durable before the orders of that step go out.
/// After is_over() nothing is to be ordered.
class roll_machine {
 public:
  explicit roll_machine(roll_record record) : record_{std::move(record)} {}

  [[nodiscard]] const roll_record& record() const { return record_; }
  [[nodiscard]] std::vector<roll_order> step(const fleet_view& now);
  /// `error` empty: it is done, and the engine is at `version`.
  void on_outcome(const roll_order& order, errc code, const std::string& error,
                  std::uint64_t now_ms);
  /// By hand: everything goes back.
  void stop(const std::string& why);
  /// Another node goes on with it.
  void take_over(const std::string& coordinator, std::uint64_t incarnation, std::uint64_t epoch);
  /// Whether the record differs from that of the last call.
  [[nodiscard]] bool take_changed();
  /// It could not be written.
  void keep_changed() { is_changed_ = true; }
  /// What engines of the model are to serve once the record is durable; nothing: as before.
  [[nodiscard]] std::optional<std::string> wanted() const;
  /// When step() has something to do though nothing has changed.
  [[nodiscard]] std::optional<std::uint64_t> wake_at_ms() const { return wake_at_ms_; }

 private:
  using phase = schema::EnginePhase;

  void see(const fleet_view& now);
  void see_engine(roll_engine& engine, const fleet_engine* seen, bool node_alive,
                  std::uint64_t now_ms);
  [[nodiscard]] const fleet_engine* find(const roll_engine& engine) const;
  void fetch(const fleet_view& now, std::vector<roll_order>& orders);
  /// Begins with as many engines as may be away at once; `only` restricts it.
  void advance(const fleet_view& now, bool only_canaries, std::vector<roll_order>& orders);
  void begin(roll_engine& engine, const fleet_view& now);
  void order(const roll_engine& engine, const fleet_view& now, std::vector<roll_order>& orders);
  /// Others stand in for canaries that are away.
  void replace_canaries();
  void judge(const fleet_view& now);
  void go_back(const std::string& why);
  void end(schema::RollPhase as, const std::string& why, std::uint64_t now_ms);
  [[nodiscard]] bool is_needed(const roll_engine& engine, const fleet_view& now) const;
  [[nodiscard]] const std::string& target(const roll_engine& engine) const;
  [[nodiscard]] bool all(bool only_canaries, bool with_away) const;
  [[nodiscard]] std::uint32_t places() const;
  void wake(std::uint64_t at_ms);
  void change() { is_changed_ = true; }

  roll_record record_;
  /// Of the view of the step under way.
  std::map<std::pair<std::string_view, std::string_view>, const fleet_engine*> seen_;
  bool is_changed_ = true;
  std::optional<std::uint64_t> wake_at_ms_;
};

/// The record of a new roll over the engines that are there. `invalid_argument` where it cannot
/// begin: no engine, an engine whose weights are fixed, all at the version already.
[[nodiscard]] std::string why_not_roll(const std::vector<fleet_engine>& engines,
                                       const std::string& model, const std::string& version);
void add_engines(roll_record& roll, const std::vector<fleet_engine>& engines);

}  // namespace tandem
