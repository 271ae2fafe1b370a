#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/replication/register_testing.hpp"

namespace tandem {
namespace {

using action = register_run::action;

/// A write as it was sent.
struct sent_write {
  register_step step;
  register_view upon;
  journal_holder by;
  std::int64_t lease = 0;
};

/// etcd with one journal: compare-and-swap, and leases that end. Checks each change of the record.
class etcd_model {
 public:
  [[nodiscard]] const register_view& view() const { return view_; }

  std::int64_t grant() {
    alive_.insert(++last_lease_);
    return last_lease_;
  }
  void expire(std::int64_t lease) {
    alive_.erase(lease);
    if (lease != key_lease_) return;
    view_.lease.clear();
    key_lease_ = 0;
    ++view_.revision;
  }

  /// What was written as this version.
  [[nodiscard]] std::optional<journal_record> written(std::int64_t version) const {
    auto found = written_.find(version);
    return found == written_.end() ? std::nullopt : std::optional{found->second};
  }

  enum class answer { written, compared, refused };

  answer execute(const sent_write& write) {
    if (write.upon.version != view_.version) return answer::compared;
    if (write.step.lease == lease_change::put) {
      if (write.upon.lease != view_.lease) return answer::compared;
      if (!alive_.contains(write.lease)) return answer::refused;
    }
    check(write);
    view_.record = write.step.next;
    view_.version = ++view_.revision;
    written_[view_.version] = *view_.record;
    if (write.step.lease == lease_change::put) {
      view_.lease = lease_text(write.by, write.lease);
      key_lease_ = write.lease;
    } else if (write.step.lease == lease_change::erase) {
      view_.lease.clear();
      key_lease_ = 0;
    }
    return answer::written;
  }

 private:
  void check(const sent_write& write) {
    const auto& next = write.step.next;
    ASSERT_EQ(problem_of(next), "");
    if (next.primary) {
      auto [found, is_new] = leaders_.emplace(next.epoch, *next.primary);
      ASSERT_EQ(found->second, *next.primary) << "two primaries of epoch " << next.epoch;
    }
    if (!view_.record) return;
    const auto& now = *view_.record;
    ASSERT_GE(next.epoch, now.epoch);
    ASSERT_LE(next.epoch, now.epoch + 1);
    if (next.epoch > now.epoch) {
      ASSERT_TRUE(next.primary && now.has(next.primary->copy)) << "taken over from outside";
    }
    ASSERT_GE(next.in_sync.size(), std::min<std::size_t>(now.in_sync.size(), now.min_in_sync));
  }

  register_view view_;
  std::map<std::uint64_t, journal_holder> leaders_;
  std::map<std::int64_t, journal_record> written_;
  std::set<std::int64_t> alive_;
  std::int64_t last_lease_ = 0;
  std::int64_t key_lease_ = 0;
};

/// Three nodes that do what they may, restart, lose leases and answers.
class schedule {
 public:
  explicit schedule(unsigned seed) : random_{seed} {
    for (int i = 0; i < 3; ++i) nodes_.push_back({.self = testing_register::node(i)});
    for (auto& one : nodes_) one.lease = etcd_.grant();
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
      if (chance(20)) restart(pick());
      if (chance(12)) lose_lease(pick());
      if (!stuck_.empty() && chance(8)) arrive();
      step(pick());
      check_beliefs();
    }
  }
  [[nodiscard]] std::uint64_t epochs() const {
    return etcd_.view().record ? etcd_.view().record->epoch : 0;
  }
  [[nodiscard]] int lost() const { return lost_; }
  [[nodiscard]] int done() const { return done_; }

 private:
  struct node_state {
    journal_holder self;
    std::int64_t lease = 0;
    /// The epoch that it believes to be primary of; 0: it does not.
    std::uint64_t epoch = 0;
    /// What its storage has seen.
    register_memory memory;
    std::optional<register_view> cached;
    std::optional<register_run> run;
    register_operation operation;
  };

  unsigned roll(unsigned below) {
    return std::uniform_int_distribution<unsigned>{0, below - 1}(random_);
  }
  bool chance(unsigned one_in) { return roll(one_in) == 0; }
  node_state& pick() { return nodes_[roll(3)]; }

  void restart(node_state& one) {
    one.self.incarnation += 1;
    one.lease = etcd_.grant();
    one.epoch = 0;
    one.run.reset();
    one.cached.reset();
    one.memory.version = 0;
    // Sometimes without its folder.
    if (chance(6)) {
      one.self.copy.replica += 1000;
      one.memory = {};
    }
  }
  void lose_lease(node_state& one) {
    etcd_.expire(one.lease);
    one.lease = etcd_.grant();
  }
  /// A write that was lost on its way arrives after all.
  void arrive() {
    auto at = roll(static_cast<unsigned>(stuck_.size()));
    auto write = stuck_[at];
    stuck_.erase(stuck_.begin() + at);
    (void)etcd_.execute(write);
  }

  register_operation choose(const node_state& one) {
    const auto& other = nodes_[roll(3)].self;
    if (one.epoch == 0) {
      if (chance(3)) return register_create{3, 1 + roll(2)};
      return register_take_over{chance(2) ? 0 : one.memory.epoch};
    }
    switch (roll(8)) {
      case 0:
        return register_hand_over{one.epoch, other};
      case 1:
        return register_resign{one.epoch};
      case 2:
        return register_hold{one.epoch};
      case 3:
        return register_remove{one.epoch, other.copy};
      case 4:
        return register_resize{one.epoch, 3, 1 + roll(2)};
      default:
        return register_add{one.epoch, other.copy};
    }
  }

  void step(node_state& one) {
    if (!one.run) {
      one.operation = choose(one);
      one.run.emplace(one.self, one.lease, one.operation, one.memory, 4, one.cached);
    }
    auto& run = *one.run;
    if (run.next() == action::read) {
      if (chance(10))
        run.on_failed(register_outcome::unavailable, "down");
      else
        run.on_view(etcd_.view());
    } else if (run.next() == action::write) {
      write(run);
    }
    if (run.next() == action::end) finish(one);
  }

  void write(register_run& run) {
    sent_write write{run.step(), run.view(), run.self(), run.lease()};
    switch (roll(6)) {
      case 0:
        return run.on_failed(register_outcome::unavailable, "not sent");
      case 1:
        ++lost_;
        stuck_.push_back(write);
        return run.on_lost("the request is stuck");
      case 2:
        ++lost_;
        (void)etcd_.execute(write);
        return run.on_lost("the answer is lost");
      default:
        break;
    }
    // Sometimes twice, as a connection that breaks would.
    if (chance(8)) (void)etcd_.execute(write);
    switch (etcd_.execute(write)) {
      case etcd_model::answer::written:
        return run.on_written(etcd_.view().revision);
      case etcd_model::answer::compared:
        return run.on_view(etcd_.view());
      case etcd_model::answer::refused:
        return run.on_failed(register_outcome::unavailable, "the lease is gone");
    }
  }

  void finish(node_state& one) {
    const auto& run = *one.run;
    ASSERT_NE(run.outcome(), register_outcome::corrupted) << run.text();
    one.memory = run.memory();
    one.cached.reset();
    if (run.outcome() == register_outcome::fenced) one.epoch = 0;
    if (run.outcome() == register_outcome::done) {
      ++done_;
      // What it believes to be there has been there, and is what was asked for.
      ASSERT_TRUE(run.view().record) << name_of(one.operation);
      auto written = etcd_.written(run.view().version);
      ASSERT_TRUE(written && *written == *run.view().record) << name_of(one.operation);
      ASSERT_EQ(decide(run.view(), one.self, run.lease(), one.operation).what,
                register_step::kind::done)
          << name_of(one.operation);
      one.cached = run.view();
      const auto& record = *run.view().record;
      one.epoch = record.is_led_by(one.self) ? record.epoch : 0;
    }
    one.run.reset();
  }

  void check_beliefs() {
    std::set<std::uint64_t> epochs;
    for (const auto& one : nodes_) {
      if (one.epoch == 0) continue;
      ASSERT_TRUE(epochs.insert(one.epoch).second) << "two believe in epoch " << one.epoch;
    }
  }

  std::mt19937 random_;
  etcd_model etcd_;
  std::vector<node_state> nodes_;
  std::vector<sent_write> stuck_;
  int lost_ = 0;
  int done_ = 0;
};

unsigned from_environment(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

TEST(register_model, HasOnePrimaryAnEpochWhateverGetsLost) {
  auto seed = from_environment("TANDEM_SEED", 0);
  auto runs = seed != 0 ? 1 : from_environment("TANDEM_RUNS", 80);
  std::uint64_t epochs = 0;
  int lost = 0;
  int done = 0;
  for (unsigned i = 0; i < runs; ++i) {
    auto this_seed = seed != 0 ? seed : i + 1;
    SCOPED_TRACE("TANDEM_SEED=" + std::to_string(this_seed));
    schedule one{this_seed};
    one.run(1500);
    if (HasFatalFailure()) return;
    epochs += one.epochs();
    lost += one.lost();
    done += one.done();
  }
  // It did something.
  EXPECT_GT(epochs, runs * 5);
  EXPECT_GT(lost, static_cast<int>(runs) * 20);
  EXPECT_GT(done, static_cast<int>(runs) * 50);
}

}  // namespace
}  // namespace tandem
