#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/mesh/mesh.hpp"
#include "actors/system/caf_settings.hpp"
#include "schema/text.hpp"
#include "tests/unit/mesh/sayings.hpp"

namespace tandem::testing {

using namespace std::chrono_literals;

/// Meshes of several nodes in one actor system under CAF's deterministic scheduler. Whatever one
/// sends to another passes an actor of the test, which may stop letting it through.
class Mesh : public ::testing::Test {
 protected:
  using texts = std::vector<std::string>;

  struct place {
    saying own;
    mesh_inside mesh;
    /// As `alive beta 2`, and what is wrong with the handles.
    texts told;
    std::vector<peer_handles> handles;
    caf::actor listener;
    std::vector<std::string> dialed;
    /// Among its handles, as the others get them.
    caf::actor exchange;
  };

  Mesh();
  ~Mesh() override;

  /// Its address is its name. `joins`: names.
  place& start(const std::string& name, std::uint64_t incarnation, const texts& joins = {},
               cluster_config config = {});
  caf::actor listen(place& at);
  void kill(const std::string& name) { end(name, caf::exit_reason::kill); }
  void end(const std::string& name, caf::exit_reason reason);

  /// Nothing arrives any more, and nobody is told.
  void cut(const std::string& from, const std::string& to) { cut_.emplace(from, to); }
  void cut_both(const std::string& a, const std::string& b) {
    cut(a, b);
    cut(b, a);
  }
  void heal() { cut_.clear(); }
  /// The connection between the two breaks, and both are told.
  void disconnect(const std::string& a, const std::string& b);

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  }
  void run() { scheduler().run(); }
  void pass(std::chrono::milliseconds time);
  /// Test time until it was told this, at most `most`.
  std::chrono::milliseconds until_told(place& at, const std::string& text,
                                       std::chrono::milliseconds most = 60s);
  void forget_told();

  /// As this node sees them, itself first.
  texts members(place& at);
  caf::error say_hello(place& at, const greeting& what, const peer_handles& handles);
  caf::actor idle();
  /// Stands in for a mesh: counts what it gets.
  caf::actor counter(std::shared_ptr<int> pulses, std::shared_ptr<int> lists);

  std::map<std::string, place> places_;

 private:
  /// What `to` looks like for `from`.
  peer_handles wire(const std::string& from, const std::string& to);
  greeter_actor greeter(const std::string& from, const std::string& to);
  [[nodiscard]] bool is_cut(const std::string& from, const std::string& to) const {
    return cut_.count({from, to}) != 0;
  }

  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::map<std::pair<std::string, std::string>, caf::actor> wires_;
  std::set<std::pair<std::string, std::string>> cut_;
  std::vector<caf::actor> actors_;
};

}  // namespace tandem::testing
