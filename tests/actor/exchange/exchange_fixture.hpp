#pragma once

#include <list>

#include "actors/exchange/exchange.hpp"
#include "tests/actor/pool/pool_fixture.hpp"

namespace tandem::testing {

inline const wish small{.tier = "small"};

/// One node of a cluster, as far as sharing goes.
struct site {
  std::string name;
  std::uint64_t incarnation = 0;
  router_inside router;
  exchange_actor exchange;
};

/// Two nodes in one actor system under CAF's deterministic scheduler: alpha with router, pool and
/// exchange, beta with router and exchange. The test is their mesh.
class Exchange : public Pool {
 protected:
  Exchange();
  ~Exchange() override;

  void start_two(const exchange_config& config = {});
  site& start_site(const std::string& name, std::uint64_t incarnation,
                   const exchange_config& config = {});
  exchange_actor spawn_exchange(const site& of, exchange_config config = {});
  /// A's mesh says that b is so.
  void tell(const site& a, const site& b, schema::MemberState state = schema::MemberState::ALIVE,
            bool draining = false);
  void tell(const site& a, const site& b, const caf::actor& exchange);
  void connect(const site& a, const site& b) {
    tell(a, b);
    tell(b, a);
  }
  held_engine& hold(const site& at, const std::string& name, const std::string& model = "tiny",
                    std::uint32_t concurrency = 4);
  void report(const site& at, held_engine& engine, schema::Health health,
              std::uint32_t concurrency = 4, const std::string& model = "tiny",
              std::uint32_t limit = 0);
  engine_inside simulate(const site& at, const engine_config& config);

  /// Until what has changed is offered everywhere.
  void settle() {
    run();
    pass(10ms);
    pass(10ms);
  }

  struct listed {
    std::uint32_t credits = 0;
    std::string reason;
    schema::Health health = schema::Health::UNKNOWN;
  };
  /// What this node knows of engines elsewhere.
  std::map<std::string, listed> list(const site& at);

  struct heard {
    std::vector<std::string> chunks;
    std::vector<std::uint32_t> numbers;
  };
  /// An attempt that streams, with `padding` bytes in its prompt.
  void send_stream(std::uint32_t number, const std::string& prompt, heard* to,
                   std::size_t padding = 0);

  site alpha_;
  site beta_;
};

}  // namespace tandem::testing
