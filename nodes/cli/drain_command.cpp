#include <array>
#include <thread>

#include "nodes/cli/commands.hpp"
#include "nodes/cli/endpoint.hpp"
#include "nodes/cli/format.hpp"
#include "schema/errc.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

constexpr std::chrono::milliseconds interval{500};

constexpr std::array options{
    option_spec{"wait", "", "until the node has left; may take as long as its jobs do"}};

/// Whether the cluster still counts on it: alive, or not heard of for a moment.
bool is_there(schema::Topology::Reader topology, std::string_view name) {
  for (auto node : topology.getNodes()) {
    auto state = node.getMember().getState();
    if (view(node.getName()) == name &&
        (state == schema::MemberState::ALIVE || state == schema::MemberState::SUSPECT))
      return true;
  }
  return false;
}

/// The asked node may be the one that leaves.
exit_code wait_until_left(client& node, const std::string& name, console& io) {
  for (;;) {
    auto topology = node.topology();
    if (!topology && code_of(topology.error()) != errc::unavailable)
      return io.fail(topology.error());
    if (!topology || !is_there(*topology->read(), name)) return exit_code::ok;
    std::this_thread::sleep_for(interval);
  }
}

exit_code run(const invocation& from, console& io) {
  const auto& name = from.arguments.front();
  auto [node, code] = connect(from, io);
  if (!node) return code;
  if (auto err = node->drain(name)) return io.fail(err);
  auto waits = from.has("wait");
  if (waits) {
    if (auto left = wait_until_left(*node, name, io); left != exit_code::ok) return left;
  }
  if (from.wants_json()) {
    json_writer json;
    json.object();
    json.field("node", name);
    json.field("state", waits ? "left" : "draining");
    json.end();
    io.line(json.text());
  } else {
    io.line("node " + name + (waits ? " has left" : " drains: it leaves when its work is done"));
  }
  return exit_code::ok;
}

}  // namespace

const command_spec drain_command{
    .name = "drain",
    .arguments = "NODE",
    .summary = "have a node finish what it does, and leave the cluster",
    .details =
        "It takes no new jobs and no attempts of other nodes from now on, and ends when its\n"
        "jobs have. Paused jobs stay in its journal and go on when it is started again.",
    .example = "tandem drain beta --wait",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run};

}  // namespace tandem::cli
