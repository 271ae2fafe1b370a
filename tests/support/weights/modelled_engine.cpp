#include "tests/support/weights/modelled_engine.hpp"

namespace tandem::testing {
namespace {

/// For a message within a node.
constexpr std::chrono::microseconds hop{50};

}  // namespace

modelled_engine::modelled_engine(virtual_time& time, const engine_config& config,
                                 const timing& takes, std::function<void()> changed)
    : time_{time}, takes_{takes}, changed_{std::move(changed)} {
  start(config);
}

void modelled_engine::start(const engine_config& config) {
  config_ = config;
  gate_ = engine_gate{config_.name, config_.breaker};
  change_ = std::make_unique<weight_change>();
  weights_ = std::make_unique<sim_weights>(config_);
  timer_ = {};
  generating_ = 0;
  alive_ = true;
  changed_();
}

void modelled_engine::die() {
  if (!alive_) return;
  alive_ = false;
  ++life_;
  orders_.clear();
  auto lost = std::exchange(running_, {});
  gate_.on_health(schema::Health::UNHEALTHY, "it died");
  changed_();
  for (auto& [id, each] : lost) each.cut();
}

bool modelled_engine::is_gated() const {
  return change_->admits() != weight_change::admission::open;
}

weight_change::facts modelled_engine::facts() const {
  std::size_t unmixed = 0;
  for (const auto& [id, each] : running_) unmixed += each.mixes ? 0 : 1;
  return {.version = weights_->version(),
          .healthy = is_healthy(),
          .running = running_.size(),
          .unmixed = unmixed,
          .abilities = {}};
}

void modelled_engine::later(us pause, std::function<void()> what) {
  time_.after(pause, [this, life = life_, what = std::move(what)] {
    if (life == life_ && alive_) what();
  });
}

void modelled_engine::order(const weight_order& order, answered done) {
  if (!alive_) return;
  auto ticket = ++tickets_;
  orders_.emplace(ticket, std::move(done));
  act(change_->on_order(ticket, order, facts(), time_.clock()));
}

bool modelled_engine::takes(const std::string& pinned) {
  if (!alive_) return false;
  auto holds = gate_.is_held() && !pinned.empty() && pinned == version();
  return gate_.look(time_.clock(), holds).code == errc::unknown;
}

void modelled_engine::begin(std::uint64_t id, bool mixes, std::function<void()> cut) {
  running_.emplace(id, call{mixes, false, std::move(cut)});
}

bool modelled_engine::end(std::uint64_t id) {
  if (running_.erase(id) == 0) return false;
  if (change_->is_under_way()) act(change_->look(facts(), time_.clock()));
  return true;
}

void modelled_engine::act(const weight_change::deeds& deeds) {
  gate_.on_weights(change_->admits(), change_->reason());
  for (const auto& deed : deeds) carry_out(deed);
  changed_();
  auto next = change_->next_time();
  if (!next || *next == timer_) return;
  timer_ = *next;
  later(std::chrono::duration_cast<us>(*next - time_.clock()), [this, at = *next] {
    if (at == timer_ && change_->is_under_way()) act(change_->look(facts(), time_.clock()));
  });
}

void modelled_engine::carry_out(const weight_change::deed& deed) {
  using kind = weight_change::deed::kind;
  switch (deed.what) {
    case kind::step:
      return step(deed);
    case kind::generate:
      return generate(deed);
    case kind::stop_generating:
      generating_ = 0;
      return;
    case kind::cut_off:
    case kind::cut_off_unmixed:
      return cut_off(deed.what == kind::cut_off);
    case kind::forget:
      for (auto at = running_.begin(); at != running_.end();) {
        if (!at->second.is_cut) {
          ++at;
          continue;
        }
        auto gone = std::move(at->second);
        at = running_.erase(at);
        time_.after(hop, std::move(gone.cut));
      }
      return;
    case kind::answer:
      return answer(deed);
  }
}

void modelled_engine::step(const weight_change::deed& deed) {
  auto outcome = weights_->change(deed.step, deed.target);
  gate_.on_health(is_healthy() ? schema::Health::HEALTHY : schema::Health::UNHEALTHY, "");
  later(outcome.takes + hop, [this, outcome, number = deed.number] {
    act(change_->on_step(number, outcome, facts(), time_.clock()));
  });
}

void modelled_engine::generate(const weight_change::deed& deed) {
  generating_ = deed.number;
  later(takes_.generation, [this, number = deed.number] {
    if (generating_ != number) return;
    generation result{.finish = schema::Finish::STOP, .weight_version = weights_->version()};
    if (!weights_->answers_nothing())
      result.text = weights_->made_up() + (weights_->answers_wrong() ? "a wrong answer" : "right");
    act(change_->on_generation(number, result, facts(), time_.clock()));
  });
}

void modelled_engine::cut_off(bool all) {
  for (auto& [id, each] : running_) {
    if (!all && each.mixes) continue;
    each.is_cut = true;
    if (takes_.ignores_cutting) continue;
    later(takes_.cutting, [this, id = id] { end_cut(id); });
  }
}

void modelled_engine::end_cut(std::uint64_t id) {
  auto found = running_.find(id);
  if (found == running_.end()) return;
  auto cut = std::move(found->second.cut);
  end(id);
  cut();
}

void modelled_engine::answer(const weight_change::deed& deed) {
  const auto& end = deed.end;
  if (end.code == errc::unknown && end.load.count() != 0) {
    ++sums_.changes;
    sums_.drain += end.drain;
    sums_.load += end.load;
    sums_.verify += end.verify;
  }
  sums_.cut_off += end.cut_off;
  for (auto ticket : deed.tickets) {
    auto found = orders_.find(ticket);
    if (found == orders_.end()) continue;
    auto done = std::move(found->second);
    orders_.erase(found);
    later(hop, [done, end] { done(end); });
  }
}

}  // namespace tandem::testing
