#include "tests/fault/weight_faults_run.hpp"

#include <algorithm>
#include <array>

namespace tandem::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t nodes = 4;
constexpr std::size_t engines_each = 2;
constexpr seconds faults_end{90};
// A coordinator waits 2 minutes beyond all limits for an outcome; going back may do so once more.
constexpr std::chrono::minutes settles_in{20};
constexpr std::array kinds_of_failure{"refuse_load",  "die_loading",  "never_loads", "old_version",
                                      "refuse_flush", "wrong_output", "no_output"};

}  // namespace

/// A router that hears of engines a little late, and calls of any length.
class weight_faults_run::world : public job_world {
 public:
  world(weight_fleet& fleet, std::mt19937_64& random, bool forgets_versions)
      : fleet_{fleet}, random_{random}, forgets_versions_{forgets_versions} {
    seen_.resize(fleet.engines());
    for (std::size_t i = 0; i < seen_.size(); ++i) look(i);
    fleet_.engine_changed = [this](std::size_t engine) {
      // All that has come up to then is told together, and nothing overtakes it.
      if (seen_[engine].is_told) return;
      seen_[engine].is_told = true;
      auto late = milliseconds{5 + static_cast<int>(random_() % 200)};
      fleet_.time().after(late, [this, engine] { look(engine); });
    };
  }

  pick choose(modelled_call& call) override {
    pick out;
    std::size_t able = 0;
    out.is_gone = !call.pinned.empty();
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      const auto& at = seen_[i];
      if (at.is_alive && at.version == call.pinned) out.is_gone = false;
      auto fits = call.pinned.empty() || at.version == call.pinned;
      auto may = at.is_open || (at.is_held && !call.pinned.empty());
      auto avoided = std::count(call.avoided.begin(), call.avoided.end(), i) != 0;
      if (!fits || !may || avoided) continue;
      if (random_() % ++able == 0) out.engine = i;
    }
    if (out.engine) out.version = seen_[*out.engine].version;
    return out;
  }

  times serve(const modelled_call&, std::size_t) override {
    auto takes = milliseconds{20 + static_cast<int>(random_() % 1000)};
    // Longer than any drain.
    if (random_() % 50 == 0) takes = seconds{6};
    return {takes, takes};
  }

  std::string key(const modelled_call& call, const std::string& version) override {
    return std::to_string(call.prompt) + '\n' + (forgets_versions_ ? "" : version);
  }

 private:
  struct view {
    std::string version;
    bool is_alive = false;
    bool is_open = false;
    bool is_held = false;
    bool is_told = false;
  };

  void look(std::size_t number) {
    const auto& engine = fleet_.engine(number);
    auto alive = engine.is_alive();
    seen_[number] = {engine.version(), alive, alive && engine.is_open(),
                     alive && engine.is_healthy() && engine.is_held(), false};
  }

  weight_fleet& fleet_;
  std::mt19937_64& random_;
  bool forgets_versions_;
  std::vector<view> seen_;
};

weight_faults_run::weight_faults_run(std::uint64_t seed, bool forgets_versions)
    : seed_{seed}, random_{seed * 0x9E3779B97F4A7C15 + 1} {
  choose_faults();
  fleet_ = std::make_unique<weight_fleet>(make_fleet_options());
  // Somebody has wanted a version before, or nobody has.
  if (draw(2) == 0) fleet_->agreement().wanted = {"1", 1};
  for (auto& each : fleet_->nodes()) each->refresh();
  world_ = std::make_unique<world>(*fleet_, random_, forgets_versions);
  jobs_ = std::make_unique<modelled_jobs>(
      *fleet_, *world_,
      job_options{.jobs_per_s = 2, .calls_max = 4, .mixing = .3, .prompts = 200, .seed = seed});
  options_ = {.max_unavailable = 1 + static_cast<std::uint32_t>(draw(3)),
              .drain_ms = 1000 + draw(4000),
              .load_ms = 15'000,
              .prompt = "is it right?",
              .expected = "right"};
}

weight_faults_run::~weight_faults_run() = default;

weight_faults_run::us weight_faults_run::soon(std::uint64_t ms_min, std::uint64_t ms_max) {
  return milliseconds{ms_min + draw(ms_max - ms_min)};
}

fleet_options weight_faults_run::make_fleet_options() {
  fleet_options out{.nodes = nodes, .engines = engines_each, .seed = seed_};
  out.engine.sim.load_time = milliseconds{300 + draw(5000)};
  out.fetch = soon(200, 5000);
  out.hop_spread = milliseconds{draw(20)};
  out.engine_takes.ignores_cutting = faults_.contains(weight_fault::never_drains);
  if (faults_.contains(weight_fault::lossy_network)) {
    out.lost = .25;
    out.doubled = .25;
    out.hop_spread = milliseconds{800};
  }
  return out;
}

void weight_faults_run::choose_faults() {
  constexpr auto kinds = static_cast<std::uint64_t>(weight_fault::kinds);
  faults_.insert(static_cast<weight_fault>(seed_ % kinds));
  for (auto more = draw(3); more != 0; --more)
    faults_.insert(static_cast<weight_fault>(draw(kinds)));
}

std::size_t weight_faults_run::coordinator_or(std::size_t other) const {
  for (const auto& each : fleet_->nodes())
    if (each->is_alive() && each->coordinates()) return each->number();
  return other;
}

void weight_faults_run::kill_node(std::size_t node, const std::string& back_with) {
  auto& it = *fleet_->nodes()[node];
  if (!it.is_alive() || healed_) return;
  it.die();
  fleet_->time().after(soon(200, 30'000), [&it, back_with] {
    if (!it.is_alive()) it.start(back_with);
  });
}

void weight_faults_run::fail_engines(bool back_too) {
  auto& node = *fleet_->nodes()[draw(nodes)];
  auto& sim = node.next_engine.sim;
  sim.weights_fault = kinds_of_failure[draw(kinds_of_failure.size())];
  // Never to load is not to be told from loading for long: it costs its whole time each try.
  if (!back_too) {
    sim.weights_fault_version = "2";
    sim.weights_fault_count = static_cast<std::uint32_t>(draw(2));
  }
  auto config = node.next_engine;
  config.kind = "sim";
  config.model = "m";
  auto& engine = node.engine(draw(engines_each));
  config.name = engine.name();
  config.weight_version = engine.version();
  engine.start(config);
  node.next_engine.sim.weights_fault.clear();
}

void weight_faults_run::plan(weight_fault fault) {
  auto& time = fleet_->time();
  switch (fault) {
    case weight_fault::coordinator_dies:
      return time.after(soon(0, 40'000), [this] { kill_node(coordinator_or(0), {}); });
    case weight_fault::node_returns_old:
      return time.after(soon(0, 40'000), [this] { kill_node(draw(nodes), "1"); });
    case weight_fault::engine_fails:
    case weight_fault::going_back_fails:
      return fail_engines(fault == weight_fault::going_back_fails);
    case weight_fault::disk_full:
      fleet_->nodes()[draw(nodes)]->disk_full = true;
      return;
    case weight_fault::stopped:
      return time.after(soon(0, 60'000), [this] {
        fleet_->nodes()[coordinator_or(0)]->stop_roll("stopped by hand");
      });
    case weight_fault::two_rolls:
      return time.after(soon(1, 3000), [this] {
        auto& other = *fleet_->nodes()[draw(nodes)];
        if (other.is_alive()) static_cast<void>(other.begin_roll("3", options_));
      });
    case weight_fault::cut:
      return time.after(soon(0, 30'000), [this] {
        auto at = coordinator_or(0);
        auto span = soon(1000, 40'000);
        for (std::size_t i = 0; i < nodes; ++i)
          if (i != at && draw(4) != 0) fleet_->cut(at, i, span);
      });
    case weight_fault::agreement_down:
      return time.after(soon(0, 40'000), [this] {
        auto& there = fleet_->agreement();
        there.loses_answer = true;
        there.is_down = draw(2) == 0;
        fleet_->time().after(soon(1000, 20'000), [&there] { there.is_down = false; });
      });
    case weight_fault::engine_dies:
      return time.after(soon(0, 40'000), [this] {
        auto& node = *fleet_->nodes()[draw(nodes)];
        auto& engine = node.engine(draw(engines_each));
        if (!node.is_alive() || !engine.is_alive()) return;
        engine.die();
        auto config = engine.config();
        // What it finds in its folder, or what it was first started with.
        if (draw(2) == 0 && !node.wanted.version.empty())
          config.weight_version = node.wanted.version;
        fleet_->time().after(soon(20, 5000), [&node, &engine, config] {
          if (node.is_alive() && !engine.is_alive()) engine.start(config);
        });
      });
    default:
      return;
  }
}

void weight_faults_run::begin() {
  auto first = draw(nodes);
  auto& node = *fleet_->nodes()[first];
  static_cast<void>(node.begin_roll("2", options_));
  // At once, at another's.
  if (faults_.contains(weight_fault::two_rolls))
    static_cast<void>(fleet_->nodes()[(first + 1) % nodes]->begin_roll("3", options_));
  for (auto fault : faults_) plan(fault);
}

/// Two that go on with one roll under one epoch could not be told apart by anybody.
void weight_faults_run::watch() {
  std::set<std::pair<std::uint64_t, std::uint64_t>> marks;
  for (auto& each : fleet_->nodes()) {
    if (!each->is_alive() || !each->coordinates()) continue;
    auto mark = each->coordinator()->written();
    auto is_own = each->coordinator()->record().epoch == mark.epoch;
    if (is_own && !marks.emplace(mark.id, mark.epoch).second && seen_.empty())
      seen_ = "two nodes go on with one update in epoch " + std::to_string(mark.epoch);
  }
  if (!settled_) fleet_->time().after(milliseconds{50}, [this] { watch(); });
}

void weight_faults_run::heal() {
  healed_ = true;
  fleet_->agreement().is_down = false;
  for (auto& each : fleet_->nodes())
    if (!each->is_alive()) each->start();
  for (std::size_t i = 0; i < fleet_->engines(); ++i) {
    auto& engine = fleet_->engine(i);
    if (!engine.is_alive()) engine.start(engine.config());
  }
}

schema::RollPhase weight_faults_run::phase() const {
  const auto& roll = fleet_->agreement().roll;
  return roll ? roll->phase : schema::RollPhase::UNKNOWN;
}

std::string weight_faults_run::reason() const {
  const auto& roll = fleet_->agreement().roll;
  return roll ? roll->reason : std::string{};
}

bool weight_faults_run::is_left_out(const modelled_engine& engine) const {
  if (engine.is_open()) return false;
  if (phase() == schema::RollPhase::GATED) return true;
  const auto& roll = fleet_->agreement().roll;
  return roll && !engine.config().sim.weights_fault.empty() &&
         std::any_of(roll->engines.begin(), roll->engines.end(), [&](const roll_engine& each) {
           return each.name == engine.name() && each.phase == schema::EnginePhase::AWAY;
         });
}

bool weight_faults_run::is_settled() const {
  const auto& there = fleet_->agreement();
  if (there.roll && !there.roll->is_over()) return false;
  auto wanted = there.wanted.version.empty() ? "1" : there.wanted.version;
  for (std::size_t i = 0; i < fleet_->engines(); ++i) {
    const auto& engine = fleet_->engine(i);
    if (is_left_out(engine)) continue;
    if (engine.version() != wanted || !engine.is_open()) return false;
  }
  return true;
}

void weight_faults_run::run() {
  auto& time = fleet_->time();
  jobs_->arrive_until(time.now() + faults_end + seconds{60});
  time.run_until(time.now() + seconds{7});
  begin();
  watch();
  time.run_until(time.now() + faults_end);
  heal();
  auto limit = time.now() + settles_in;
  time.run_until(time.now() + seconds{60});
  while (time.now() < limit && !is_settled()) time.run_until(time.now() + seconds{1});
  settled_ = is_settled();
  time.run_until(time.now() + seconds{60});
}

std::string weight_faults_run::complaint() const {
  std::string out = seen_;
  auto say = [&out](const std::string& what) { out += (out.empty() ? "" : "\n") + what; };
  const auto& there = fleet_->agreement();
  if (there.roll && !there.roll->is_over()) say("the update is not over");
  auto gated = phase() == schema::RollPhase::GATED;
  if (gated && there.roll->reason.find("going back failed too") == std::string::npos)
    say("it is gated and does not say why: " + there.roll->reason);
  auto wanted = there.wanted.version.empty() ? "1" : there.wanted.version;
  for (std::size_t i = 0; i < fleet_->engines(); ++i) {
    const auto& engine = fleet_->engine(i);
    if (is_left_out(engine)) continue;
    if (!engine.is_open())
      say(engine.name() + " takes no work");
    else if (engine.version() != wanted)
      say(engine.name() + " serves " + engine.version() + ", wanted is " + wanted);
  }
  if (!out.empty() && there.roll)
    say("phase " + std::string{to_string(there.roll->phase)} + ", reason: " + there.roll->reason);
  for (const auto& each : jobs_->complaints()) say(each);
  if (jobs_->running() != 0) say(std::to_string(jobs_->running()) + " jobs have not ended");
  return out;
}

}  // namespace tandem::testing
