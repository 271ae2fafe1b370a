#include "actors/router/route_budgets.hpp"

#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {

route_budgets::route_budgets(const std::vector<tenant_target>& targets) {
  for (const auto& each : targets)
    if (each.job_nanousd != 0 || each.hour_nanousd != 0)
      prices_.emplace(each.tenant, dual_price{{each.job_nanousd, each.hour_nanousd}});
}

double route_budgets::price(std::string_view tenant, std::uint64_t now_ms) const {
  auto found = prices_.find(tenant);
  return found == prices_.end() ? 0 : found->second.price(now_ms);
}

void route_budgets::on_cost(std::string_view tenant, std::int64_t cost_nanousd,
                            std::uint64_t now_ms) {
  if (auto found = prices_.find(tenant); found != prices_.end())
    found->second.on_cost(cost_nanousd, now_ms);
}

void route_budgets::on_job(std::string_view tenant, std::uint64_t now_ms) {
  if (auto found = prices_.find(tenant); found != prices_.end()) found->second.on_job(now_ms);
}

void route_budgets::write(schema::RouterMemory::Builder out) const {
  auto list = out.initPrices(static_cast<unsigned>(prices_.size()));
  unsigned place = 0;
  for (const auto& [tenant, price] : prices_) {
    auto each = list[place++];
    const auto& state = price.state();
    each.setTenant(tenant);
    each.setLevel(state.level);
    each.setDebtNanousd(state.debt_nanousd);
    each.setJobMeanNanousd(state.job_mean_nanousd);
    each.setJobNowNanousd(state.job_now_nanousd);
    each.setJobs(state.jobs);
    each.setAsOfMs(state.as_of_ms);
    each.setHour(state.hour);
    each.setHourSpentNanousd(state.hour_spent_nanousd);
  }
}

caf::error route_budgets::restore(schema::RouterMemory::Reader from) {
  for (auto each : from.getPrices()) {
    auto found = prices_.find(view(each.getTenant()));
    if (found == prices_.end()) continue;
    auto restored = dual_price::restore(found->second.target(),
                                        {.level = each.getLevel(),
                                         .debt_nanousd = each.getDebtNanousd(),
                                         .job_mean_nanousd = each.getJobMeanNanousd(),
                                         .job_now_nanousd = each.getJobNowNanousd(),
                                         .jobs = each.getJobs(),
                                         .as_of_ms = each.getAsOfMs(),
                                         .hour = each.getHour(),
                                         .hour_spent_nanousd = each.getHourSpentNanousd()});
    if (!restored)
      return make_error(errc::corrupted, "the price of tenant '" + found->first +
                                             "': " + message_of(restored.error()));
    found->second = std::move(*restored);
  }
  return caf::none;
}

void route_budgets::report(schema::RouteReport::Builder out, std::uint64_t now_ms) const {
  auto list = out.initTenants(static_cast<unsigned>(prices_.size()));
  unsigned place = 0;
  for (const auto& [tenant, price] : prices_) {
    auto each = list[place++];
    const auto& target = price.target();
    each.setTenant(tenant);
    each.setPerHour(target.job_nanousd == 0);
    each.setTargetNanousd(target.job_nanousd == 0 ? target.hour_nanousd : target.job_nanousd);
    each.setSpentNanousd(static_cast<std::int64_t>(price.spent_nanousd(now_ms)));
    each.setPrice(price.price(now_ms));
  }
}

}  // namespace tandem
