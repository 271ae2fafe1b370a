#include "actors/engine/http/server_prober.hpp"

#include <algorithm>
#include <utility>

namespace tandem {
namespace {

/// Every so many rounds the server is asked again who it is and what it has.
constexpr std::uint64_t whole_rounds = 5;
constexpr std::chrono::milliseconds starting_pause_least{50};

std::uint64_t unix_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

bool same_decisions(const backend_status& a, const backend_status& b) {
  return a.health == b.health && a.reason == b.reason && a.server == b.server &&
         a.weight_version == b.weight_version && a.context_tokens == b.context_tokens;
}

}  // namespace

server_prober::server_prober(std::shared_ptr<http_link> link, std::string weight_version)
    : link_{std::move(link)},
      weight_version_{std::move(weight_version)},
      gate_{link_->server().config().rise, link_->server().config().fall},
      starting_pause_{starting_pause_least} {
  if (auto kind = server_kind_of(link_->server().config().server)) {
    kind_ = *kind;
    // Only the server can say whether it is a router.
    known_ = *kind != server_kind::llama_cpp;
  }
  auto status = link_->status();
  status.health = schema::Health::STARTING;
  status.reason = "not asked yet";
  status.url = link_->server().url();
  status.weight_version = weight_version_;
  link_->set_status(std::move(status));
}

void server_prober::begin(http_loop& loop) {
  loop.call_after(std::chrono::milliseconds{0}, [me = weak_from_this()] {
    if (auto prober = me.lock()) prober->run_round();
  });
}

void server_prober::restart(http_loop& loop, std::string reason) {
  loop.call_after(std::chrono::milliseconds{0},
                  [me = weak_from_this(), reason = std::move(reason)]() mutable {
                    auto prober = me.lock();
                    if (!prober) return;
                    ++prober->era_;
                    const auto& config = prober->link_->server().config();
                    prober->gate_ = health_gate{config.rise, config.fall};
                    prober->facts_ = {};
                    prober->habits_ = {};
                    prober->starting_pause_ = starting_pause_least;
                    auto now = prober->link_->status();
                    now.health = schema::Health::STARTING;
                    now.reason = std::move(reason);
                    prober->link_->set_status(std::move(now));
                    prober->link_->status_changed();
                    prober->run_round();
                  });
}

void server_prober::run_round() {
  bool whole = rounds_++ % whole_rounds == 0 || gate_.health() != schema::Health::HEALTHY;
  auto round = std::make_shared<probe_round>(
      link_, facts_, habits_, [me = weak_from_this(), era = era_](probe_result result) {
        if (auto prober = me.lock()) prober->finish_round(era, std::move(result));
      });
  round->begin(whole ? probe_round::extent::whole : probe_round::extent::light);
}

void server_prober::finish_round(std::uint64_t era, probe_result result) {
  if (era != era_) return;
  learn(std::move(result));
  auto loop = link_->loop();
  if (!loop) return;
  loop->call_after(pause(), [me = weak_from_this(), era] {
    if (auto prober = me.lock(); prober && prober->era_ == era) prober->run_round();
  });
}

std::chrono::milliseconds server_prober::pause() {
  auto interval = std::max(link_->server().config().health_interval, starting_pause_least);
  if (gate_.health() != schema::Health::STARTING) {
    starting_pause_ = starting_pause_least;
    return interval;
  }
  return std::min(interval, std::exchange(starting_pause_, starting_pause_ * 3 / 2));
}

void server_prober::learn(probe_result result) {
  auto before = link_->status();
  auto now = before;
  now.health = gate_.take(result.verdict);
  if (result.verdict == probe_verdict::good) {
    if (now.health == schema::Health::HEALTHY) now.reason.clear();
  } else {
    now.reason = result.reason;
  }
  facts_ = std::move(result.facts);
  habits_ = result.habits;
  if (facts_.kind) {
    kind_ = *facts_.kind;
    router_ = facts_.kind == server_kind::llama_cpp && !facts_.any_name;
    known_ = true;
    context_tokens_ = facts_.context_tokens;
    now.server = facts_.server();
    now.context_tokens = facts_.context_tokens;
    now.weight_version = version_now();
  }
  // What comes back may have been started anew, with what it was configured with.
  if (before.health == schema::Health::HEALTHY && now.health != schema::Health::HEALTHY &&
      !learned_lasts_)
    learned_version_.clear();
  now.server_running = facts_.running;
  now.server_waiting = facts_.waiting;
  now.cache_usage = facts_.cache_usage;
  if (result.load_is_new) now.load_at_ms = unix_ms();
  // Whatever comes back may be something else.
  if (result.verdict == probe_verdict::bad || result.verdict == probe_verdict::loading) {
    facts_ = {};
    habits_ = {};
  }
  link_->set_status(now);
  if (!same_decisions(before, now)) link_->status_changed();
}

std::string server_prober::version_now() const {
  auto says = (facts_.kind == server_kind::sglang || facts_.kind == server_kind::vllm) &&
              !facts_.weight_version.empty();
  if (!learned_version_.empty())
    return says && !learned_adapter_ ? facts_.weight_version : learned_version_;
  if (!weight_version_.empty()) return weight_version_;
  return facts_.weight_version.empty() ? link_->server().model() : facts_.weight_version;
}

void server_prober::learn_weights(http_loop& loop, std::string version, bool lasts) {
  if (!loop.in_loop()) {
    loop.call_after(std::chrono::milliseconds{0},
                    [me = weak_from_this(), on = link_, version = std::move(version), lasts] {
                      auto prober = me.lock();
                      auto loop = on->loop();
                      if (prober && loop) prober->learn_weights(*loop, version, lasts);
                    });
    return;
  }
  // A round that is under way may have asked before.
  ++era_;
  learned_lasts_ = lasts;
  learned_adapter_ = false;
  learned_version_ = std::move(version);
  facts_.weight_version = learned_version_;
  auto now = link_->status();
  now.weight_version = learned_version_;
  link_->set_status(std::move(now));
  link_->status_changed();
  run_round();
}

void server_prober::learn_adapter(http_loop& loop, std::string version) {
  // On the loop's thread, where this is called, nothing comes in between.
  learn_weights(loop, std::move(version), false);
  learned_adapter_ = true;
}

void server_prober::probe(http_loop& loop, std::function<void(std::vector<engine_check>)> done) {
  loop.call_after(std::chrono::milliseconds{0}, [me = shared_from_this(), done = std::move(done)] {
    auto round = std::make_shared<probe_round>(
        me->link_, me->facts_, probe_habits{},
        [done](probe_result result) { done(std::move(result.checks)); });
    round->begin(probe_round::extent::with_generation);
  });
}

}  // namespace tandem
