#include <array>
#include <thread>

#include "nodes/cli/commands.hpp"
#include "nodes/cli/endpoint.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/topology_text.hpp"

namespace tandem::cli {
namespace {

constexpr std::chrono::milliseconds interval_default{1000};

constexpr std::array options{option_spec{"watch", "", "show it again and again until ^C"},
                             option_spec{"interval", "TIME", "of --watch; 1s by default"},
                             option_spec{"dot", "", "as a graph for Graphviz"}};

std::string render(const invocation& from, const tmsg::topo& topology, const style& how) {
  auto reader = topology.read();
  if (from.has("dot")) return topology_dot(*reader);
  if (from.wants_json()) return topology_json(*reader) + '\n';
  return topology_text(*reader, how, now_ms());
}

/// `text` over what the screen has, without the flicker of clearing it first.
std::string drawn_over(const std::string& text) {
  std::string frame = "\x1b[H";
  for (char c : text) {
    if (c == '\n') frame += "\x1b[K";
    frame += c;
  }
  return frame + "\x1b[J";
}

exit_code watch(const invocation& from, client& node, std::chrono::milliseconds interval,
                console& io) {
  auto is_drawn = io.is_terminal() && !from.wants_json() && !from.has("dot");
  interrupt_notice notice{"left"};
  for (bool is_first = true; io.is_open(); is_first = false) {
    auto topology = node.topology();
    if (!topology) return io.fail(topology.error());
    auto text = render(from, *topology, io.out_style());
    if (is_drawn)
      io.write((is_first ? "\x1b[2J" : "") + drawn_over(text));
    else
      io.write((is_first || from.wants_json() ? "" : "\n") + text);
    std::this_thread::sleep_for(interval);
  }
  return exit_code::ok;
}

exit_code run(const invocation& from, console& io) {
  auto interval = duration_option(from, "interval");
  if (!interval) return usage_error(io, from, interval.error());
  if (from.has("dot") && from.wants_json()) {
    return usage_error(io, from, "--dot and --json exclude each other");
  }
  auto [node, code] = connect(from, io);
  if (!node) return code;
  if (from.has("watch")) return watch(from, *node, interval->value_or(interval_default), io);
  auto topology = node->topology();
  if (!topology) return io.fail(topology.error());
  io.write(render(from, *topology, io.out_style()));
  return exit_code::ok;
}

}  // namespace

const command_spec topology_command{
    .name = "topology",
    .arguments = "",
    .summary = "show the nodes, their actors and their engines, with their load",
    .details = "",
    .example = "tandem topology --watch\ntandem topology --dot | dot -Tsvg > topology.svg",
    .options = options,
    .run = run};

}  // namespace tandem::cli
