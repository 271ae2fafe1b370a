#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/front/front.hpp"
#include "actors/system/caf_settings.hpp"
#include "schema/errc.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"

namespace tandem::testing {

using namespace std::chrono_literals;

/// A journal and its planner: accepts jobs, knows client keys, and holds what it is told to hold
/// until the test lets it go.
struct shelf {
  std::uint64_t journal = 0;
  struct entry {
    std::string goal;
    std::uint64_t submitted_at_ms = 0;
  };
  /// Jobs 1, 2, ...
  std::vector<entry> jobs;
  std::map<std::pair<std::string, std::string>, std::uint64_t> keys;
  /// Requests that came, by verb.
  std::map<std::string, unsigned> asked;
  /// Neither submissions nor reads are answered while it is set.
  bool hold = false;
  std::deque<std::function<void()>> held;
  std::uint64_t purged = 0;
  /// Jobs of one part of what was spent; each cost 100.
  std::uint64_t cost_part = 1'000;
};
using shelf_actor = planner_actor::extend<caf::reacts_to<wake_atom>>;
[[nodiscard]] shelf_actor::behavior_type shelf_behavior(shelf_actor::pointer self, shelf* book);

/// Writes of a book wait until the test lets them happen.
struct held_writer {
  bool hold = false;
  bool fail = false;
  std::deque<std::function<void()>> held;
  std::vector<std::string> written;
};
using held_writer_actor = book_writer_actor::extend<caf::reacts_to<wake_atom>>;
[[nodiscard]] held_writer_actor::behavior_type held_writer_behavior(held_writer_actor::pointer self,
                                                                    held_writer* book);

/// An answer, once it has come.
template <class T>
struct answer {
  std::optional<T> value;
  caf::error error;
  bool failed = false;
  [[nodiscard]] bool came() const { return value || failed; }
};

/// Several nodes' fronts in one actor system under CAF's deterministic scheduler; what the meshes
/// would tell, the test tells.
class Fronts : public ::testing::Test {
 protected:
  struct node {
    std::string name;
    std::uint64_t incarnation = 0;
    std::uint64_t journal = 0;
    std::uint64_t birth = 0;
    front_inside front;
    shelf_actor planner;
    std::shared_ptr<journal_book> book = std::make_shared<journal_book>();
    std::shared_ptr<shelf> jobs = std::make_shared<shelf>();
    std::shared_ptr<held_writer> writer = std::make_shared<held_writer>();
    held_writer_actor writer_actor;
  };

  Fronts();
  ~Fronts() override;

  /// A node whose journal was born as the `birth`th; its number is `journal`.
  node& add(const std::string& name, std::uint64_t journal, std::uint64_t birth,
            const front_config& config = {});
  /// `who` learns that `of` is there (both ways: meet).
  void tell(node& who, node& of, schema::MemberState state = schema::MemberState::ALIVE,
            bool draining = false);
  void meet(node& a, node& b) {
    tell(a, b);
    tell(b, a);
  }
  void meet_all();
  /// The node's actors die without a word; the others are told.
  void lose(node& of);
  /// It is back with its data folder, at another address.
  void come_back(node& of);

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  }
  void run() { scheduler().run(); }
  /// Lets held requests of a shelf or writer happen.
  template <class Actor>
  void wake(const Actor& actor) {
    caf::anon_send(actor, wake_atom_v);
    run();
  }

  template <class Reply, class... Args>
  std::shared_ptr<answer<Reply>> ask(node& whom, Args... args) {
    auto got = std::make_shared<answer<Reply>>();
    auto handle = caf::actor_cast<front_actor>(whom.front);
    system_->spawn([got, handle, args...](caf::event_based_actor* self) {
      self->request(handle, caf::infinite, args...)
          .then(
              [got](const Reply& reply) {
                EXPECT_FALSE(got->came()) << "answered twice";
                got->value = reply;
              },
              [got](const caf::error& err) {
                EXPECT_FALSE(got->came()) << "answered twice";
                got->error = err;
                got->failed = true;
              });
    });
    return got;
  }

  static tmsg::submit goal(const std::string& text, const std::string& key = {});
  static tmsg::jobref ref(std::uint64_t journal, std::uint64_t number);
  /// A key whose owner among `journals` (all of them known, in that order) fits `wanted`.
  static std::string key_for(const std::function<bool(std::uint64_t hash)>& wanted);
  /// Jobs of this key in all journals.
  [[nodiscard]] unsigned jobs_of(const std::string& key) const;
  static std::uint64_t journal_of(const answer<tmsg::submitd>& got) {
    return got.value ? got.value->read()->getJob().getJournal() : 0;
  }

  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::deque<node> nodes_;
  std::uint64_t next_incarnation_ = 1;
  front_config front_config_;

 private:
  void start(node& of);
};

}  // namespace tandem::testing
