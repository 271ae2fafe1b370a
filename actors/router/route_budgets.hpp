#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <caf/error.hpp>

#include "actors/router/control/dual_price.hpp"
#include "actors/router/router_config.hpp"
#include "schema/routing.capnp.h"

namespace tandem {

/// The tenants whose spending the router aims at, each with its price on cost. The hard caps are
/// the pool's (tenant_ledger). No clock.
class route_budgets {
 public:
  explicit route_budgets(const std::vector<tenant_target>& targets);

  /// 0 for a tenant without a target.
  [[nodiscard]] double price(std::string_view tenant, std::uint64_t now_ms) const;
  void on_cost(std::string_view tenant, std::int64_t cost_nanousd, std::uint64_t now_ms);
  void on_job(std::string_view tenant, std::uint64_t now_ms);

  void write(schema::RouterMemory::Builder out) const;
  /// Tenants that have no target any more are left out. `corrupted` names the tenant.
  [[nodiscard]] caf::error restore(schema::RouterMemory::Reader from);
  void report(schema::RouteReport::Builder out, std::uint64_t now_ms) const;

 private:
  std::map<std::string, dual_price, std::less<>> prices_;
};

}  // namespace tandem
