#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/engine/engine.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/router/router.hpp"
#include "actors/system/caf_settings.hpp"
#include "schema/text.hpp"

namespace tandem::testing {

using namespace std::chrono_literals;

struct wish {
  std::string prompt = "add 1 2";
  std::int8_t priority = 0;
  std::uint64_t timeout_ms = 60'000;
  std::string tier;
  std::string check_kind;
  std::string check_argument;
  std::string tenant;
  std::uint32_t max_tokens = 64;
  bool hedge = false;
  budget allowance;
  schema::Purpose purpose = schema::Purpose::STEP;
  /// After the prompt, as the assistant's; empty: none.
  std::string output;
  /// A client's own request, which is passed on; empty: none.
  std::string client_body = {};
  std::string kind = {};
  std::uint64_t job = 1;
};

using held_engine_actor = engine_actor::extend<caf::reacts_to<wake_atom>>;

/// Stands in for an engine: keeps every call until the test answers it.
struct held_engine {
  struct call {
    tmsg::attempt attempt;
    tmsg::decisn decision;
    caf::typed_response_promise<tmsg::attres> promise;
    /// Whose attempt it is.
    chunk_sink sink = {};
  };
  std::string name;
  std::string model;
  std::vector<call> calls;
  std::vector<std::string> cancels;
  /// Answers that are on their way.
  std::vector<std::pair<call, tmsg::attres>> answers;
  held_engine_actor handle;

  struct reply {
    std::string text;
    errc code = errc::unknown;
    std::uint64_t prompt_tokens = 0;
    std::uint64_t completion_tokens = 0;
    std::uint64_t retry_after_ms = 0;
  };
  /// Answers the oldest call, when actors run next.
  void answer(const reply& with);
};

[[nodiscard]] held_engine_actor::behavior_type held_engine_behavior(held_engine_actor::pointer self,
                                                                    held_engine* book);

/// Executor pool, router and engines under CAF's deterministic scheduler.
class Pool : public ::testing::Test {
 protected:
  Pool();
  ~Pool() override;

  /// Pool and router.
  void start_pool(const executor_pool_config& config = {},
                  const executor_pool_services& services = {});
  /// And one simulated engine of each model, named after it.
  void start(const executor_pool_config& config = {}, std::uint32_t concurrency = 4);
  engine_inside add_engine(engine_config engine);
  engine_inside add_engine(const std::string& name, const std::string& model,
                           std::uint32_t concurrency = 4) {
    return add_engine({.name = name, .kind = "sim", .model = model, .concurrency = concurrency});
  }
  held_engine& hold_engine(const std::string& name, const std::string& model,
                           const std::string& weights = "1");
  /// It serves these weights now, as the router learns when actors run next.
  void serve(const held_engine& engine, const std::string& weights);

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  }
  void run() { scheduler().run(); }
  void pass(std::chrono::milliseconds time) {
    scheduler().advance_time(time);
    run();
  }

 public:
  static tmsg::attempt attempt(std::uint32_t number, const wish& how);

 protected:
  void send(std::uint32_t number, const wish& how = {});
  void cancel(std::uint32_t number);
  tmsg::engstat engine_status(const std::string& name);

  [[nodiscard]] bool answered(std::uint32_t number) const { return results_.count(number) != 0; }
  [[nodiscard]] errc code(std::uint32_t number) const;
  [[nodiscard]] std::string error(std::uint32_t number) const {
    return std::string{view(results_.at(number).read()->getError().getMessage())};
  }
  [[nodiscard]] std::string text_of(std::uint32_t number) const {
    return std::string{view(results_.at(number).read()->getText())};
  }
  [[nodiscard]] std::string engine_of(std::uint32_t number) const {
    return std::string{view(results_.at(number).read()->getEngine())};
  }
  /// Read and written.
  [[nodiscard]] std::uint64_t tokens_of(std::uint32_t number) const;
  [[nodiscard]] std::vector<std::string> refusals_of(std::uint32_t number) const;

  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::vector<model_config> models_;
  router_config routing_;
  router_actor router_;
  executor_pool_inside pool_;
  std::map<std::string, engine_inside> engines_;
  std::map<std::string, held_engine> held_;
  std::vector<caf::actor> actors_;
  std::map<std::uint32_t, tmsg::attres> results_;
  std::vector<std::uint32_t> order_;
};

}  // namespace tandem::testing
