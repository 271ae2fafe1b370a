#include "tests/support/weights/modelled_node.hpp"

#include <algorithm>

#include "schema/text.hpp"
#include "tests/support/weights/weight_fleet.hpp"

namespace tandem::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds busy_pause{200};
constexpr milliseconds calm_pause{2000};
constexpr seconds hears_by{5};
constexpr std::size_t small_fleet = 16;

}  // namespace

modelled_node::modelled_node(weight_fleet& fleet, std::size_t number)
    : next_engine{fleet.options().engine},
      fleet_{fleet},
      number_{number},
      name_{"n" + std::to_string(number)} {}

void modelled_node::die() {
  alive_ = false;
  changed_at_ = fleet_.time().now();
  coordinator_.reset();
  for (auto& each : engines_) each->die();
}

void modelled_node::start(const std::string& version) {
  incarnation_ = fleet_.new_incarnation();
  changed_at_ = started_at_ = fleet_.time().now();
  alive_ = true;
  heard_ = false;
  telling_ = false;
  done_ = {};
  fence_ = {};
  fetching_.clear();
  peers_.clear();
  retry_at_.clear();
  auto serves = !version.empty() ? version : wanted.version.empty() ? "1" : wanted.version;
  auto config = next_engine;
  config.kind = "sim";
  config.model = "m";
  config.weight_version = serves;
  auto first = engines_.empty();
  for (std::size_t i = 0; i < fleet_.options().engines; ++i) {
    config.name = "e" + std::to_string(i) + "." + name_;
    auto number = number_ * fleet_.options().engines + i;
    if (first)
      engines_.push_back(std::make_unique<modelled_engine>(
          fleet_.time(), config, fleet_.options().engine_takes, [this, number] {
            touch();
            if (fleet_.engine_changed) fleet_.engine_changed(number);
          }));
    else
      engines_[i]->start(config);
  }
  if (!first) refresh();
  fleet_.time().after(us{1000 * static_cast<std::int64_t>(number_ % 50 + 1)},
                      [this, life = incarnation_] { tick(life); });
}

void modelled_node::tick(std::uint64_t life) {
  if (!alive_ || life != incarnation_) return;
  if (fleet_.time().now() >= started_at_ + hears_by) heard_ = true;
  for (auto at = peers_.begin(); at != peers_.end();)
    at = fleet_.sees(number_, at->first) ? std::next(at) : peers_.erase(at);
  take_over();
  if (coordinator_ && !coordinator_->step()) {
    coordinator_.reset();
    refresh();
  }
  catch_up();
  touch();
  auto busy = coordinator_ || !heard_ || !fetching_.empty();
  fleet_.time().after(busy ? busy_pause : calm_pause, [this, life] { tick(life); });
}

void modelled_node::touch() {
  if (!alive_ || telling_) return;
  telling_ = true;
  fleet_.time().after(us{20}, [this, life = incarnation_] {
    if (alive_ && life == incarnation_) tell();
  });
}

node_news modelled_node::make_news() const {
  node_news out{.node = number_, .incarnation = incarnation_};
  out.have = have;
  out.wanted = wanted;
  // A roll stays told by whoever coordinated it.
  if (roll && roll->coordinator == name_) out.roll = roll;
  for (const auto& each : engines_)
    if (each->is_alive())
      out.engines.push_back({name_,
                             each->name(),
                             each->version(),
                             each->is_healthy() && !each->is_gated(),
                             each->is_gated(),
                             {}});
  return out;
}

void modelled_node::tell() {
  telling_ = false;
  auto news = std::make_shared<node_news>(make_news());
  news->number = static_cast<std::uint64_t>(fleet_.time().now().count());
  auto to = [&](std::size_t peer) {
    if (peer != number_ && fleet_.sees(number_, peer))
      fleet_.send(number_, peer, [news](modelled_node& node) { node.on_news(*news); });
  };
  // In a large fleet only what somebody looks at: what engines do is for coordinators.
  auto all = coordinator_ || fleet_.nodes().size() <= small_fleet;
  for (std::size_t i = 0; i < fleet_.nodes().size(); ++i)
    if (all || fleet_.nodes()[i]->coordinates()) to(i);
  if (!coordinator_) return;
  if (!coordinator_->step()) {
    coordinator_.reset();
    refresh();
  }
}

void modelled_node::on_news(const node_news& news) {
  auto& known = peers_[news.node];
  if (std::pair{news.incarnation, news.number} <= std::pair{known.incarnation, known.number})
    return;
  known = news;
  heard_ = true;
  auto changed = want(news.wanted);
  if (news.roll) changed = note(news.roll) || changed;
  if (coordinator_ && !coordinator_->step()) {
    coordinator_.reset();
    refresh();
  }
  if (changed) catch_up();
}

const node_news& modelled_node::news_of(std::size_t node) {
  auto& known = peers_[node];
  if (node == number_)
    known = make_news();
  else if (known.incarnation == 0 && fleet_.nodes()[node]->is_alive())
    // It has been told before it had a use for it.
    known = fleet_.nodes()[node]->make_news();
  return known;
}

bool modelled_node::note(known_roll other) {
  if (roll && std::pair{other->epoch, other->sequence} <= std::pair{roll->epoch, roll->sequence})
    return false;
  roll = std::move(other);
  return true;
}

bool modelled_node::want(const wanted_version& other) {
  if (other.epoch <= wanted.epoch) return false;
  wanted = other;
  return true;
}

void modelled_node::refresh() {
  const auto& there = fleet_.agreement();
  if (there.is_down) return;
  if (there.roll) note(std::make_shared<const roll_record>(*there.roll));
  want(there.wanted);
}

std::uint64_t modelled_node::next_epoch() const {
  return std::max(wanted.epoch, roll ? roll->epoch : 0) + 1;
}

std::string modelled_node::begin_roll(const std::string& version, const roll_options& options) {
  refresh();
  if (coordinator_ || (roll && !roll->is_over())) return "an update is under way";
  std::vector<fleet_engine> engines;
  for (std::size_t i = 0; i < fleet_.nodes().size(); ++i) {
    if (!fleet_.sees(number_, i)) continue;
    const auto& news = news_of(i);
    engines.insert(engines.end(), news.engines.begin(), news.engines.end());
  }
  if (auto why = why_not_roll(engines, "m", version); !why.empty()) return why;
  roll_record record{.id = fleet_.random()() >> 1 | 1,
                     .model = "m",
                     .version = version,
                     .before = wanted.version,
                     .epoch = next_epoch(),
                     .coordinator = name_,
                     .incarnation = incarnation_,
                     .options = options,
                     .began_ms = fleet_.time().now_ms()};
  add_engines(record, engines);
  auto mark = roll ? roll_mark{roll->id, roll->epoch, roll->sequence} : roll_mark{};
  record.sequence = mark.sequence;
  coordinator_ = std::make_unique<modelled_coordinator>(fleet_, *this, std::move(record), mark);
  if (!coordinator_->write() || coordinator_->waits_to_write()) {
    coordinator_.reset();
    return "it could not be written";
  }
  touch();
  return {};
}

void modelled_node::stop_roll(const std::string& why) {
  if (coordinator_) coordinator_->machine().stop(why);
  touch();
}

void modelled_node::take_over() {
  if (coordinator_ || !roll || roll->is_over()) return;
  if (roll->coordinator != name_) {
    if (!heard_) return;
    for (std::size_t i = 0; i < fleet_.nodes().size(); ++i) {
      if (i == number_ || !fleet_.sees(number_, i)) continue;
      const auto& other = *fleet_.nodes()[i];
      if (other.name() == roll->coordinator && other.incarnation() == roll->incarnation) return;
      if (other.name() < name_) return;
    }
  }
  auto epoch = std::max(roll->epoch + 1, next_epoch());
  coordinator_ = std::make_unique<modelled_coordinator>(
      fleet_, *this, *roll, roll_mark{roll->id, roll->epoch, roll->sequence});
  coordinator_->machine().take_over(name_, incarnation_, epoch);
  if (coordinator_->write()) return;
  coordinator_.reset();
  refresh();
}

void modelled_node::on_outcome(const tmsg::wtoutcm& outcome) {
  if (!coordinator_ || coordinator_->on_outcome(outcome)) return;
  coordinator_.reset();
  refresh();
}

}  // namespace tandem::testing
