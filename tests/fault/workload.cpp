#include "tests/fault/workload.hpp"

#include <chrono>
#include <deque>
#include <random>

#include "schema/errc.hpp"
#include "tests/support/node_client.hpp"

namespace tandem::fault {
namespace {

constexpr std::chrono::seconds patience{120};
constexpr std::chrono::seconds one_wait{30};

bool node_went_away(const caf::error& err) {
  return code_of(err) == errc::unavailable || code_of(err) == errc::deadline_exceeded;
}

std::string words(const caf::error& err) {
  return std::string{to_string(code_of(err))} + ": " + message_of(err);
}

/// Independent steps, a chain, and one call without a plan.
submission job_number(std::uint64_t n) {
  submission what;
  if (n % 3 == 0) {
    what.goal = test::goal_with_steps({{1, "first", {}},
                                       {2, "second after {{1}}", {1}},
                                       {3, "third after {{2}} and {{1}}", {1, 2}}});
  } else {
    what.goal = "goal " + std::to_string(n);
    if (n % 3 == 1) what.mode = schema::PlanMode::SMALL;
  }
  return what;
}

}  // namespace

/// One run of the node, as clients see it.
struct workload::session {
  std::uint64_t number;
  client node;
};

workload::workload(const options& how) : how_{how} {
  for (unsigned i = 0; i < how.threads; ++i) threads_.emplace_back([this, i] { run(i); });
}

workload::~workload() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
    // Whoever waits for a node that never comes stops waiting.
    sessions_ = ~std::uint64_t{0};
    session_.reset();
  }
  changed_.notify_all();
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
}

void workload::node_is_up(client connected) {
  std::lock_guard lock{mutex_};
  session_ = std::make_shared<session>(session{++sessions_, std::move(connected)});
  changed_.notify_all();
}

void workload::node_is_gone() {
  std::shared_ptr<session> gone;
  std::lock_guard lock{mutex_};
  gone.swap(session_);
}

void workload::finish() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

bool workload::stopping() {
  std::lock_guard lock{mutex_};
  return stopping_;
}

void workload::complain(std::string what) {
  std::lock_guard lock{mutex_};
  complaints_.push_back(std::move(what));
}

std::shared_ptr<workload::session> workload::current(std::uint64_t above) {
  std::unique_lock lock{mutex_};
  auto there = [&] {
    return sessions_ == ~std::uint64_t{0} || (session_ && session_->number > above);
  };
  if (!changed_.wait_for(lock, patience, there)) return nullptr;
  return session_;
}

bool workload::submit(const std::string& key, const submission& what, job_id& job) {
  std::uint64_t seen = 0;
  while (auto at = current(seen)) {
    auto given = at->node.submit(what);
    if (given) {
      std::lock_guard lock{mutex_};
      auto [place, first] = acknowledged_.emplace(key, *given);
      if (!first && place->second != *given)
        complaints_.push_back("key " + key + " got " + to_string(place->second) + " and then " +
                              to_string(*given));
      job = *given;
      return true;
    }
    if (!node_went_away(given.error())) {
      complain("submit " + key + ": " + words(given.error()));
      return false;
    }
    seen = at->number;
  }
  return false;
}

bool workload::wait(job_id job) {
  std::uint64_t seen = 0;
  while (auto at = current(seen)) {
    auto ended = at->node.wait(job, one_wait);
    if (ended) {
      auto how = test::outcome_of(*ended->read());
      if (how.state == "done" || how.state == "failed") return true;
      complain("wait " + to_string(job) + " ended as " + how.state);
      return false;
    }
    if (!node_went_away(ended.error()) || code_of(ended.error()) == errc::deadline_exceeded) {
      complain("wait " + to_string(job) + ": " + words(ended.error()));
      return false;
    }
    seen = at->number;
  }
  return false;
}

void workload::run(unsigned thread) {
  std::mt19937_64 random{how_.seed * 1000 + thread};
  std::deque<job_id> under_way;
  for (std::uint64_t n = 0; !stopping(); ++n) {
    auto what = job_number(random());
    what.client_key = "t" + std::to_string(thread) + "-" + std::to_string(n);
    job_id job;
    if (!submit(what.client_key, what, job)) break;
    // The same again, as a client does that has lost the answer.
    if (random() % 8 == 0 && !submit(what.client_key, what, job)) break;
    under_way.push_back(job);
    if (under_way.size() < how_.window) continue;
    if (!wait(under_way.front())) break;
    under_way.pop_front();
  }
  for (auto job : under_way)
    if (!wait(job)) break;
}

}  // namespace tandem::fault
