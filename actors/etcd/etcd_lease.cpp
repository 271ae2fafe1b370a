#include "actors/etcd/etcd_lease.hpp"

#include <algorithm>
#include <utility>

#include "actors/etcd/etcd_client.hpp"
#include "actors/etcd/etcd_core.hpp"

namespace tandem {

using std::chrono::milliseconds;

/// Runs on the loop's thread, but for the two numbers.
class etcd_lease::keeper : public std::enable_shared_from_this<keeper> {
 public:
  keeper(std::shared_ptr<etcd_client> etcd, milliseconds ttl, listener tell)
      : etcd_{std::move(etcd)}, wanted_{ttl}, tell_{std::move(tell)} {}

  void begin() {
    if (stopped_) return;
    auto sent = clock::now();
    etcd_->grant(std::chrono::ceil<std::chrono::seconds>(wanted_),
                 [weak = weak_from_this(), sent](const etcd_result& result) {
                   if (auto self = weak.lock()) self->on_grant(result, sent);
                 });
  }

  void stop() { stopped_ = true; }

  void release(std::function<void()> done) {
    stopped_ = true;
    auto id = id_.exchange(0);
    until_ = 0;
    if (id == 0) return done();
    etcd_->revoke(id, [done = std::move(done), etcd = etcd_](const etcd_result&) { done(); });
  }

  void post(std::function<void()> function) { etcd_->core()->post(std::move(function)); }
  [[nodiscard]] std::int64_t id() const { return id_; }
  [[nodiscard]] clock::time_point until() const {
    return clock::time_point{clock::duration{until_.load()}};
  }

 private:
  void after(milliseconds pause, void (keeper::*next)()) {
    etcd_->core()->later(pause, [weak = weak_from_this(), next, turn = turn_] {
      auto self = weak.lock();
      if (self && self->turn_ == turn) ((*self).*next)();
    });
  }

  void hold(clock::time_point sent, std::chrono::seconds ttl) {
    auto certain = sent + ttl - milliseconds{ttl} / 20;
    until_ = std::max(until_.load(), certain.time_since_epoch().count());
    ttl_ = ttl;
  }

  void on_grant(const etcd_result& result, clock::time_point sent) {
    if (stopped_) {
      if (result.ok()) etcd_->revoke(result.reply.lease, [etcd = etcd_](const etcd_result&) {});
      return;
    }
    if (!result.ok() || result.reply.lease == 0 || result.reply.ttl.count() == 0)
      return after(std::clamp(wanted_ / 10, milliseconds{50}, milliseconds{1000}), &keeper::begin);
    hold(sent, result.reply.ttl);
    if (until() <= clock::now()) return begin();
    id_ = result.reply.lease;
    tell_.granted(id_);
    after(ttl_ / 3, &keeper::keep);
    after(std::chrono::ceil<milliseconds>(until() - clock::now()), &keeper::look);
  }

  void keep() {
    auto id = id_.load();
    if (stopped_ || id == 0) return;
    auto sent = clock::now();
    auto timeout = std::max(milliseconds{ttl_} / 3, milliseconds{200});
    etcd_->keep_alive(id, timeout, [weak = weak_from_this(), id, sent](const etcd_result& result) {
      if (auto self = weak.lock()) self->on_kept(id, result, sent);
    });
  }

  void on_kept(std::int64_t id, const etcd_result& result, clock::time_point sent) {
    if (stopped_ || id != id_) return;
    if (result.ok()) {
      hold(sent, result.reply.ttl);
      auto next = sent + milliseconds{ttl_} / 3 - clock::now();
      return after(std::max(std::chrono::ceil<milliseconds>(next), milliseconds{1}), &keeper::keep);
    }
    if (result.failure == etcd_failure::not_found) return lose(result.text);
    trouble_ = result.text;
    after(std::clamp(milliseconds{ttl_} / 20, milliseconds{20}, milliseconds{500}), &keeper::keep);
  }

  /// At the end of what is certain, which may have moved on.
  void look() {
    if (stopped_ || id_ == 0) return;
    auto left = until() - clock::now();
    if (left.count() > 0) return after(std::chrono::ceil<milliseconds>(left), &keeper::look);
    lose("etcd did not answer in time" + (trouble_.empty() ? "" : ": " + trouble_));
  }

  void lose(std::string why) {
    auto id = id_.exchange(0);
    until_ = 0;
    trouble_.clear();
    ++turn_;
    tell_.lost(id, std::move(why));
    begin();
  }

  std::shared_ptr<etcd_client> etcd_;
  const milliseconds wanted_;
  listener tell_;
  bool stopped_ = false;
  /// Counts losses; what was to be done for a lost lease is not.
  std::uint64_t turn_ = 0;
  std::chrono::seconds ttl_{0};
  std::string trouble_;
  std::atomic<std::int64_t> id_{0};
  /// Ticks of the clock.
  std::atomic<clock::rep> until_{0};
};

etcd_lease::etcd_lease(std::shared_ptr<etcd_client> etcd, milliseconds ttl, listener tell)
    : keeper_{std::make_shared<keeper>(std::move(etcd), ttl, std::move(tell))} {
  keeper_->post([one = keeper_] { one->begin(); });
}

etcd_lease::~etcd_lease() {
  keeper_->post([one = keeper_] { one->stop(); });
}

std::int64_t etcd_lease::id() const {
  return is_held() ? keeper_->id() : 0;
}

etcd_lease::clock::time_point etcd_lease::held_until() const {
  return keeper_->until();
}

void etcd_lease::release(std::function<void()> done) {
  keeper_->post(
      [one = keeper_, done = std::move(done)]() mutable { one->release(std::move(done)); });
}

}  // namespace tandem
