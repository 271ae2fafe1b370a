#pragma once

#include <memory>
#include <vector>

#include "actors/engine/make_backend.hpp"
#include "config/node_config.hpp"
#include "schema/types.hpp"

namespace tandem::bench {

/// One small step.
[[nodiscard]] tmsg::attempt make_attempt(std::uint32_t number);

/// Pool, router and the config's second engine alone: steps without a job, nothing durable.
class pool_bench {
 public:
  pool_bench(const node_config& config, const backend_services& services);
  ~pool_bench();
  pool_bench(const pool_bench&) = delete;
  pool_bench& operator=(const pool_bench&) = delete;

  /// Seconds of each of `calls` steps with `at_once` under way; empty when one fails.
  [[nodiscard]] std::vector<double> run(int calls, int at_once);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace tandem::bench
