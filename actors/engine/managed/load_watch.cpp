#include "actors/engine/managed/load_watch.hpp"

#include <utility>

namespace tandem {

void load_watch::set_health_source(std::function<backend_status()> source) {
  std::lock_guard lock{mutex_};
  source_ = std::move(source);
}

std::uint64_t load_watch::begin(report done) {
  std::lock_guard lock{mutex_};
  stage_ = stage::stopping;
  old_starts_ = UINT64_MAX;
  done_ = std::move(done);
  return ++number_;
}

void load_watch::replaced_after(std::uint64_t starts, const server_process_state& now) {
  std::unique_lock lock{mutex_};
  old_starts_ = starts;
  look(now, lock);
}

void load_watch::on_process(const server_process_state& now) {
  std::unique_lock lock{mutex_};
  look(now, lock);
}

void load_watch::look(const server_process_state& now, std::unique_lock<std::mutex>& lock) {
  if (stage_ == stage::idle || now.starts <= old_starts_ || now.starting) return;
  if (now.pid == 0)
    return end(lock,
               {.code = errc::engine_failed, .error = "it died while loading: " + now.reason});
  if (stage_ == stage::stopping) stage_ = stage::started;
}

void load_watch::on_health() {
  std::unique_lock lock{mutex_};
  if (stage_ == stage::idle || !source_) return;
  auto health = source_().health;
  if (stage_ == stage::started && health == schema::Health::STARTING) stage_ = stage::loading;
  if (stage_ == stage::loading && health == schema::Health::HEALTHY) end(lock, {});
}

void load_watch::give_up(std::uint64_t number, errc code, const std::string& why) {
  std::unique_lock lock{mutex_};
  if (number == number_ && stage_ != stage::idle) end(lock, {.code = code, .error = why});
}

void load_watch::end(std::unique_lock<std::mutex>& lock, weight_outcome outcome) {
  stage_ = stage::idle;
  auto done = std::exchange(done_, nullptr);
  lock.unlock();
  if (done) done(std::move(outcome));
}

}  // namespace tandem
