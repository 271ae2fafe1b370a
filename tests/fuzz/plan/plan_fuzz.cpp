// Arbitrary bytes in arbitrary cuts, with limits small enough to be reached. Checks that what comes
// out is valid, does not depend on the cuts, fills in one pass, and that its graph can always be
// carried through.
//
// Input: four bytes of settings (epoch, cuts, limits, order of completion), then the text of a
// plan.
#include <simdjson.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "actors/job/plan/plan_graph.hpp"
#include "actors/job/plan/plan_parser.hpp"
#include "actors/job/plan/prompt_template.hpp"

namespace {

using namespace tandem::plan;

void require(bool holds) {
  if (!holds) std::abort();
}

struct outcome {
  std::vector<step> steps;
  std::optional<answer> final_answer;
  std::optional<plan_error> error;
  bool operator==(const outcome&) const = default;
};

const std::vector<std::string> tools{"search"};

outcome parse(std::string_view text, std::uint32_t cuts, const limits& bounds,
              const id_scope& scope) {
  plan_parser parser(bounds, scope, tools);
  outcome seen;
  const auto size = text.size();
  while (!text.empty()) {
    const std::size_t piece = cuts == 0 ? text.size() : 1 + (cuts % 13);
    cuts = cuts == 0 ? 0 : cuts * 1664525U + 1013904223U;
    if (cuts == 0 && piece != text.size()) cuts = 1;
    const auto* error = parser.feed(text.substr(0, piece), seen.steps);
    require(error == parser.error());
    text.remove_prefix(std::min(piece, text.size()));
  }
  require(parser.work_bytes() <= 2 * size);
  auto end = parser.finish();
  require(parser.complete() == std::holds_alternative<answer>(end));
  if (auto* failed = std::get_if<plan_error>(&end)) {
    seen.error = *failed;
    require(parser.error() != nullptr && *parser.error() == *failed);
    require(failed->message.size() < 1'200 && failed->offset <= size);
    require(simdjson::validate_utf8(failed->message));
    require(to_string(failed->code) != "unknown");
  } else {
    seen.final_answer = std::get<answer>(end);
  }
  return seen;
}

void check_steps(const outcome& seen, const limits& bounds, const id_scope& scope) {
  std::set<std::uint32_t> known(scope.finished.begin(), scope.finished.end());
  simdjson::dom::parser json;
  for (const auto& each : seen.steps) {
    require(each.id > scope.last_id && each.id <= step_id_max);
    require(each.depends_on.size() <= bounds.depends_max);
    for (const auto to : each.depends_on) require(known.count(to) == 1);
    require(known.insert(each.id).second);
    require(!each.prompt.empty() && each.prompt.size() <= bounds.step_bytes_max);
    require(each.kind.size() <= bounds.kind_bytes_max);
    require(simdjson::validate_utf8(each.prompt) && simdjson::validate_utf8(each.kind));
    require(each.prompt.find('\0') == std::string::npos);
    require(each.tool.empty() || each.tool == "search");
    if (!each.check_json.empty()) require(json.parse(each.check_json).is_object());
  }
  require(seen.steps.size() <= bounds.steps_max);
  if (!seen.final_answer) return;
  require(!seen.steps.empty());
  require(seen.final_answer->step_id.has_value() == seen.final_answer->compose.empty());
  for (const auto id : seen.final_answer->depends_on) require(known.count(id) == 1);
}

// Every result is made of holes; if one were scanned again, the pieces would not add up.
void check_prompt(const std::string& prompt, const std::vector<std::uint32_t>& declared) {
  const std::string value = "{{1}}$3{{2}}{";
  const auto lookup = [&value](std::uint32_t) { return std::optional<std::string_view>(value); };
  auto filled = substitute(prompt, declared, lookup, 1U << 20U);
  require(std::holds_alternative<std::string>(filled));
  // The same by hand: cut at each hole, from the left.
  std::vector<std::string> holes;
  for (const auto id : declared) holes.push_back("{{" + std::to_string(id) + "}}");
  std::string expected;
  for (std::size_t at = 0; at < prompt.size();) {
    std::size_t length = 0;
    for (const auto& hole : holes) {
      if (prompt.compare(at, hole.size(), hole) == 0) length = hole.size();
    }
    expected.append(length != 0 ? value : prompt, length != 0 ? 0 : at,
                    length != 0 ? value.size() : 1);
    at += length != 0 ? length : 1;
  }
  require(std::get<std::string>(filled) == expected);
  const auto none = [](std::uint32_t) { return std::optional<std::string_view>(); };
  require(std::holds_alternative<plan_error>(substitute(prompt, declared, none, 1U << 20U)) ==
          (expected != prompt));
  require(std::holds_alternative<std::string>(expand(prompt, {}, prompt.size())));
}

void run_graph(const outcome& seen, const limits& bounds, const id_scope& scope,
               std::uint32_t order) {
  plan_graph graph(bounds);
  for (std::uint32_t id = 1; id <= scope.last_id; ++id) require(!graph.add_step(id, {}));
  for (const auto id : scope.finished) require(graph.mark_done(id));
  (void)graph.abandon_unfinished();
  std::map<std::uint32_t, std::vector<std::uint32_t>> needs;
  std::vector<std::uint32_t> under_way;
  const auto take = [&](std::size_t count) {
    for (const auto id : graph.take_ready(count)) {
      for (const auto to : needs.at(id)) require(graph.state_of(to) == step_state::done);
      under_way.push_back(id);
    }
  };
  const auto finish_one = [&] {
    if (under_way.empty()) return;
    order = order * 1664525U + 1013904223U;
    const auto at =
        under_way.begin() + static_cast<std::ptrdiff_t>((order >> 8U) % under_way.size());
    const auto id = *at;
    under_way.erase(at);
    if ((order >> 28U) == 0 && (order & 1U) == 0) {
      require(graph.mark_failed(id) && graph.requeue(id));
    } else {
      require(graph.mark_done(id) && !graph.mark_done(id));
    }
  };
  for (const auto& each : seen.steps) {
    needs[each.id] = each.depends_on;
    require(!graph.add_step(each.id, each.depends_on));
    if ((order & 2U) != 0) take(order % 3);
    if ((order & 4U) != 0) finish_one();
  }
  for (std::size_t turns = 0; !graph.all_done(); ++turns) {
    require(turns < 100 + seen.steps.size() * 100 && !graph.stalled());
    take(1 + order % 3);
    require(!under_way.empty() && graph.in_flight() == under_way.size());
    finish_one();
  }
  require(graph.finished().size() == seen.steps.size() + scope.finished.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 4, size - 4);
  const std::vector<std::uint32_t> finished{1, 2};
  const id_scope scope = (data[0] & 1U) != 0 ? id_scope{3, finished} : id_scope{};
  limits bounds;
  if ((data[2] & 1U) != 0) {
    bounds = limits{.steps_max = 4,
                    .step_bytes_max = 120,
                    .plan_bytes_max = 400,
                    .prose_bytes_max = 30,
                    .compose_bytes_max = 40,
                    .kind_bytes_max = 5,
                    .depends_max = 2,
                    .json_depth_max = 4};
  }
  const auto whole = parse(text, 0, bounds, scope);
  require(parse(text, 1U + data[1] * 7919U, bounds, scope) == whole);
  check_steps(whole, bounds, scope);
  for (const auto& each : whole.steps) check_prompt(each.prompt, each.depends_on);
  if (whole.final_answer) check_prompt(whole.final_answer->compose, whole.final_answer->depends_on);
  run_graph(whole, bounds, scope, data[3] * 2654435761U);
  check_prompt(std::string(text), {1, 2, 12});
  const auto renumbered = renumber(text, references(text), 3, 1U << 20U);
  require(std::holds_alternative<std::string>(renumbered));
  return 0;
}
