#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actors/budget.hpp"
#include "actors/executor_pool/executor_pool_config.hpp"
#include "schema/errc.hpp"

namespace tandem {

/// What tenants have spent in the present period and what is reserved for calls under way. Nothing
/// is spent that was not reserved, so a budget holds exactly under any concurrency. Time is an
/// argument: Unix milliseconds.
class tenant_ledger {
 public:
  explicit tenant_ledger(const std::vector<tenant_config>& tenants);

  struct grant {
    /// `budget_exceeded`: spent; `overloaded`: what is left is reserved by others at the moment.
    errc code = errc::unknown;
    std::string why;
    /// Zeros: this tenant has no limits.
    budget reserved;
  };
  /// Reserves `most`, which a call cannot exceed. To be given back by settle().
  [[nodiscard]] grant reserve(std::string_view tenant, const budget& most, std::uint64_t now_ms);
  void settle(std::string_view tenant, const budget& reserved, const budget& used,
              std::uint64_t now_ms);

  /// Spent in an earlier run of the node.
  void add_spent(std::string_view tenant, const budget& used, std::uint64_t at_ms,
                 std::uint64_t now_ms);
  /// Nothing is under way any more.
  void forget_reservations();
  [[nodiscard]] budget spent(std::string_view tenant, std::uint64_t now_ms);
  /// Earlier spending does not matter to any tenant.
  [[nodiscard]] std::uint64_t oldest_period_ms(std::uint64_t now_ms) const;

 private:
  struct account {
    tenant_config config;
    std::int64_t cost_nanousd_max = 0;
    std::uint64_t period_ms = 0;
    budget spent;
    budget reserved;
  };
  [[nodiscard]] account* find(std::string_view tenant, std::uint64_t now_ms);

  std::map<std::string, account, std::less<>> accounts_;
};

}  // namespace tandem
