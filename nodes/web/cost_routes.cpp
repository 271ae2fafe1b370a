// /v1/costs.

#include <atomic>
#include <chrono>
#include <memory>

#include "actors/clock.hpp"
#include "nodes/cli/cost_report.hpp"
#include "nodes/cli/cost_text.hpp"
#include "nodes/web/web_context.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::chrono::seconds cost_patience{30};
/// Rows of one answer; more are added up.
constexpr std::size_t rows_bytes_max = std::size_t{1} << 20;
/// Each reads whole journals.
constexpr std::uint32_t sums_max = 4;

/// One request's sum, while it is added up.
struct cost_call {
  explicit cost_call(web_call_ptr of, cli::cost_question question)
      : call{std::move(of)},
        report{.question = std::move(question),
               .sum = cost_sum{rows_bytes_max},
               .gaps = {},
               .quality = {},
               .node = {}},
        collector{report} {
    call->reply->on_gone([left = gone] { *left = true; });
  }
  cost_call(const cost_call&) = delete;
  cost_call& operator=(const cost_call&) = delete;
  ~cost_call() { --call->parts->cost_sums; }

  web_call_ptr call;
  cli::cost_report report;
  cli::cost_collector collector;
  std::shared_ptr<std::atomic<bool>> gone = std::make_shared<std::atomic<bool>>(false);
};

void ask_next(gateway_pointer self, const std::shared_ptr<cost_call>& of) {
  // Nobody reads it any more.
  if (*of->gone) return;
  self->request(self->state.front, cost_patience, cost_atom_v, of->collector.query())
      .then(
          [self, of](const tmsg::costrep& part) {
            if (of->collector.take(*part.read())) return ask_next(self, of);
            if (of->report.sum.journals == 0)
              return of->call->fail(make_error(
                  errc::unavailable, "no journal answered, so nothing is known; ask again later"));
            of->call->json(cli::cost_json(of->report));
          },
          [of](const caf::error& err) { of->call->fail(err); });
}

std::optional<std::string> word(std::string_view query, std::string_view name) {
  auto value = query_value(query, name);
  return value.empty() ? std::nullopt : std::optional{std::move(value)};
}

void costs(web_call call) {
  std::string_view query = call.request.query;
  cli::cost_words words{.by = word(query, "by"),
                        .from = word(query, "from"),
                        .to = word(query, "to"),
                        .tenant = word(query, "tenant")};
  auto asked = cli::read_cost_question(words, "", unix_ms());
  if (!asked) return call.fail(asked.error());
  // What others spend is nobody else's business.
  if (!call.caller->is_admin) {
    // An empty name would be everybody's.
    if (call.caller->tenant.empty())
      return call.fail({.status = 403,
                        .message = "this key has no tenant, so there is nothing of its own to sum",
                        .type = "permission_error",
                        .code = "no_tenant"});
    asked->tenant = call.caller->tenant;
  }
  in_gateway(std::move(call), [asked = *asked](gateway_pointer self, const web_call_ptr& call) {
    if (!self->state.front)
      return call->fail(
          make_error(errc::unavailable, "this node is starting and has no jobs yet; try again"));
    auto others = call->parts->cost_sums++;
    auto sum = std::make_shared<cost_call>(call, asked);
    if (others >= sums_max)
      return call->fail(make_error(
          errc::overloaded,
          std::to_string(sums_max) + " sums are being added up already; ask again later"));
    ask_next(self, sum);
  });
}

}  // namespace

void add_cost_routes(std::vector<web_route>& routes) {
  routes.push_back({"GET", "/v1/costs", web_access::key, costs});
}

}  // namespace tandem
