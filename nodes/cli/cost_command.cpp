#include <array>
#include <deque>
#include <vector>

#include "nodes/cli/commands.hpp"
#include "nodes/cli/cost_report.hpp"
#include "nodes/cli/cost_text.hpp"
#include "nodes/cli/decision_json.hpp"
#include "nodes/cli/endpoint.hpp"
#include "nodes/cli/format.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

/// Rows in memory, of all parts.
constexpr std::size_t rows_bytes_max = std::size_t{64} << 20;
/// The newest decisions of the period that quality is compared on.
constexpr std::size_t decisions_max = 20'000;
constexpr std::uint32_t page_decisions = 500;

constexpr std::array options{
    option_spec{"by", "KEYS",
                "what rows are kept apart by: tenant, model, kind, day, with commas between; model "
                "by default"},
    option_spec{
        "from", "DAY",
        "from this day on, UTC: 2026-11-01, today, yesterday, or 7d for seven days ago; 29d by "
        "default"},
    option_spec{"to", "DAY", "up to and with this day; today by default"},
    option_spec{"tenant", "NAME", "calls of this tenant alone"},
    option_spec{"no-quality", "",
                "do not compare quality, which reads the decisions that the node keeps"}};

/// The newest decisions of the period, oldest first; page by page.
caf::expected<std::vector<logged_decision>> fetch_decisions(client& node,
                                                            const cost_question& asked) {
  std::deque<logged_decision> kept;
  std::uint64_t after = 0;
  while (true) {
    message_builder<schema::RouteCommand> command;
    command->setAction(schema::RouteAction::EXPORT);
    command->setDecision(after);
    command->setLimit(page_decisions);
    auto report = node.route(command.finish());
    if (!report) return std::move(report.error());
    auto reader = report->read();
    decision_log_reader log{"the node's decisions"};
    for (auto decision : reader->getDecisions()) {
      after = decision.getId();
      if (!asked.contains(decision.getAtMs())) continue;
      if (!asked.tenant.empty() && view(decision.getTenant()) != asked.tenant) continue;
      if (auto err = log.add(write_decision_json(decision))) return err;
    }
    for (auto& each : log.take()) kept.push_back(std::move(each));
    while (kept.size() > decisions_max) kept.pop_front();
    if (!reader->getMore() || reader->getDecisions().size() == 0) break;
  }
  return std::vector<logged_decision>{std::make_move_iterator(kept.begin()),
                                      std::make_move_iterator(kept.end())};
}

/// What cannot be compared is said, and is no reason to show nothing.
void add_quality(client& node, cost_report& into) {
  if (auto topology = node.topology()) {
    auto nodes = topology->read()->getNodes();
    if (nodes.size() > 0) into.node = view(nodes[0].getName());
  }
  auto decisions = fetch_decisions(node, into.question);
  into.quality = decisions ? compare_quality(std::move(*decisions))
                           : cost_quality{.why_not = "its decisions cannot be read: " +
                                                     message_of(decisions.error())};
}

exit_code run(const invocation& from, console& io) {
  auto asked = read_cost_question({.by = from.value("by"),
                                   .from = from.value("from"),
                                   .to = from.value("to"),
                                   .tenant = from.value("tenant")},
                                  "--", now_ms());
  if (!asked) return usage_error(io, from, asked.error());
  auto [node, code] = connect(from, io);
  if (!node) return code;
  cost_report report{.question = std::move(*asked),
                     .sum = cost_sum{rows_bytes_max},
                     .gaps = {},
                     .quality = {},
                     .node = {}};
  cost_collector collector{report};
  for (auto more = true; more;) {
    auto part = node->cost(collector.query());
    if (!part) return io.fail(part.error());
    more = collector.take(*part->read());
  }
  if (report.sum.journals == 0)
    return io.fail(exit_code::refused, "no journal answered, so nothing is known",
                   "`tandem topology` shows the nodes");
  auto is_empty = report.sum.rows().empty() && report.sum.jobs().empty();
  if (!from.has("no-quality") && !is_empty) add_quality(*node, report);
  if (from.wants_json()) {
    io.line(cost_json(report));
    return exit_code::ok;
  }
  io.write(cost_text(report, io.out_style()));
  return exit_code::ok;
}

}  // namespace

const command_spec cost_command{
    .name = "cost",
    .arguments = "",
    .summary = "what was spent, and what the large model alone would have cost",
    .details =
        "Adds up the calls of the jobs in all journals of the cluster, at the prices of their "
        "time. "
        "READ are\n"
        "tokens of prompts, CACHED those of them that an engine had in its prefix cache, WRITTEN "
        "tokens of\n"
        "answers. ALL LARGE are the same tokens at the large tier's prices, which assumes that it "
        "would have\n"
        "needed as many. A call counts on the day on which it ended; days are UTC. What a judge "
        "read "
        "counts\n"
        "with the call that it judged. Jobs that were purged are in no figure.",
    .example =
        "tandem cost\n"
        "tandem cost --by day,tenant --from 7d\n"
        "tandem cost --by model,kind --from 2026-11-01 --to 2026-11-30 --json",
    .options = options,
    .run = run};

}  // namespace tandem::cli
