#include "nodes/cli/topology_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <vector>

#include "nodes/cli/engine_text.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/table.hpp"
#include "schema/ids.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

constexpr int depth_max = 16;

using actor_list = capnp::List<schema::ActorStatus>::Reader;

struct tree_line {
  unsigned actor;
  /// What is drawn before the name.
  std::string branch;
};

/// The actors in the order of a tree. Every actor comes once, also where parents are missing or
/// form a ring.
class actor_tree {
 public:
  actor_tree(actor_list actors, const style& how) : actors_{actors}, how_{how} {
    std::set<std::string> names;
    for (auto actor : actors_) names.emplace(view(actor.getName()));
    for (unsigned i = 0; i < actors_.size(); ++i) {
      auto parent = view(actors_[i].getParent());
      if (parent.empty() || !names.contains(std::string{parent})) visit(i, "", "", 0);
    }
    for (unsigned i = 0; i < actors_.size(); ++i) visit(i, "", "", depth_max);
  }

  [[nodiscard]] const std::vector<tree_line>& lines() const { return lines_; }

 private:
  void visit(unsigned actor, const std::string& branch, const std::string& below, int depth) {
    if (!seen_.insert(actor).second) return;
    lines_.push_back({actor, branch});
    if (depth >= depth_max) return;
    std::vector<unsigned> children;
    for (unsigned i = 0; i < actors_.size(); ++i) {
      auto is_child = view(actors_[i].getParent()) == view(actors_[actor].getName());
      if (is_child && !seen_.contains(i)) children.push_back(i);
    }
    for (auto child : children) {
      auto is_last = child == children.back();
      visit(child, below + (how_.unicode ? (is_last ? "└─ " : "├─ ") : (is_last ? "`- " : "|- ")),
            below + (is_last ? "   " : (how_.unicode ? "│  " : "|  ")), depth + 1);
    }
  }

  actor_list actors_;
  style how_;
  std::set<unsigned> seen_;
  std::vector<tree_line> lines_;
};

std::string member_state(schema::Member::Reader member) {
  std::string state{name_of(member.getState())};
  return member.getDraining() && state == "alive" ? "draining" : state;
}

/// A line for each node: only of clusters, a single node says all of itself.
std::string nodes_text(schema::Topology::Reader topology, const style& how, std::uint64_t now) {
  using align = table::align;
  table out{{{"NODE"},
             {"ADDRESS"},
             {"STATE"},
             {"SINCE", align::right},
             {"ROLES"},
             {"JOBS", align::right},
             {"QUEUED", align::right},
             {"ENGINES", align::right},
             {"MEMORY", align::right},
             {"VERSION"}}};
  for (auto node : topology.getNodes()) {
    auto member = node.getMember();
    auto state = member_state(member);
    auto since = member.getSinceMs() != 0 ? member.getSinceMs() : node.getStartedAtMs();
    std::string roles;
    for (auto role : node.getRoles()) roles += (roles.empty() ? "" : ",") + std::string{view(role)};
    auto answered = node.getActors().size() > 0;
    out.add({std::string{view(node.getName())},
             std::string{view(node.getAddress())},
             {state, tint_of_state(state)},
             human_age(since, now),
             roles,
             answered ? human_count(node.getJobsRunning()) : std::string{},
             answered ? human_count(node.getJobsQueued()) : std::string{},
             answered ? human_count(node.getEngines().size()) : std::string{},
             answered ? human_bytes(node.getResidentBytes()) : std::string{},
             std::string{view(node.getVersion())}});
  }
  return out.render(how);
}

/// What a person should know that no table shows.
std::string notes_text(schema::Topology::Reader topology, const style& how, std::uint64_t now) {
  constexpr std::uint64_t warn_before_ms = std::uint64_t{7} * 24 * 3600 * 1000;
  std::string text;
  for (auto node : topology.getNodes()) {
    auto ends = node.getMember().getCertificateEndsAtMs();
    if (ends == 0 || ends > now + warn_before_ms) continue;
    text += how.paint(tint::red, "the certificate of node " + printable_line(view(node.getName())) +
                                     (ends <= now ? " has expired" : " expires soon") +
                                     ": tandem certs renew") +
            '\n';
  }
  for (auto place : topology.getWaiting()) {
    text +=
        how.paint(tint::yellow, "waiting for journal " + to_string(journal_id{place.getJournal()}) +
                                    " (node " + printable_line(view(place.getNode())) +
                                    ", last at " + printable_line(view(place.getAddress())) + ")") +
        '\n';
  }
  return text;
}

/// What a node says is wrong with it; empty: nothing.
std::string alarms_text(schema::NodeStatus::Reader node, const style& how, std::uint64_t now) {
  std::string text;
  for (auto alarm : node.getAlarms()) {
    auto head = "ALARM " + printable_line(view(alarm.getName()));
    if (alarm.getSubject().size() > 0) head += ' ' + printable_line(view(alarm.getSubject()));
    auto grave = alarm.getSeverity() == schema::AlarmSeverity::CRITICAL;
    text += how.paint(grave ? tint::red : tint::yellow, head) + " (" +
            std::string{name_of(alarm.getSeverity())} + ", began " +
            human_age(alarm.getSinceMs(), now) + "): " + printable_line(view(alarm.getText())) +
            '\n';
  }
  return text;
}

std::string head_text(schema::NodeStatus::Reader node, const style& how, std::uint64_t now) {
  auto text = how.paint(tint::bold, "node " + printable_line(view(node.getName()))) + "  " +
              printable_line(view(node.getAddress())) + "  tandem " +
              printable_line(view(node.getVersion())) + '\n';
  auto up = now > node.getStartedAtMs() ? now - node.getStartedAtMs() : 0;
  text += "up " + human_duration(std::chrono::milliseconds{static_cast<std::int64_t>(up)}) +
          ", journal " + to_string(journal_id{node.getJournal()}) + ", roles";
  for (auto role : node.getRoles()) text += ' ' + printable_line(view(role));
  text += ", " + human_count(node.getJobsRunning()) + " jobs running, " +
          human_count(node.getJobsQueued()) + " queued, " + human_bytes(node.getResidentBytes()) +
          " resident\n";
  return text;
}

/// Empty while the node's certificate holds for a while.
std::string certificate_text(schema::NodeStatus::Reader node, const style& how, std::uint64_t now) {
  constexpr std::uint64_t soon_ms = 7ull * 24 * 3600 * 1000;
  auto ends = node.getMember().getCertificateEndsAtMs();
  if (ends == 0 || ends > now + soon_ms) return {};
  auto when = (ends <= now ? "ended " : "ends ") + human_age(ends, now);
  return how.paint(tint::red, "its certificate " + when) +
         ": renew it with `tandem certs renew` where its authority's key is\n";
}

std::string actors_text(actor_list actors, const style& how) {
  using align = table::align;
  table out{{{"ACTOR"},
             {"STATE"},
             {"RESTARTS", align::right},
             {"MAILBOX", align::right},
             {"IN FLIGHT", align::right},
             {"QUEUED", align::right},
             {"HANDLED", align::right},
             {"OF"},
             {"LAST ERROR"}}};
  actor_tree tree{actors, how};
  for (const auto& [index, branch] : tree.lines()) {
    auto actor = actors[index];
    std::string state{view(actor.getState())};
    auto kind = view(actor.getKind());
    auto name = branch + std::string{view(actor.getName())};
    if (kind != view(actor.getName()) && !kind.empty()) name += " (" + std::string{kind} + ')';
    out.add({name,
             {state, tint_of_state(state)},
             human_count(actor.getRestarts()),
             human_count(actor.getMailboxDepth()),
             human_count(actor.getInFlight()),
             human_count(actor.getQueued()),
             human_count(actor.getHandled()),
             std::string{view(actor.getNoun())},
             {std::string{view(actor.getLastError())}, tint::red}});
  }
  out.drop_empty_last();
  return out.render(how);
}

std::string node_engines_text(capnp::List<schema::EngineStatus>::Reader engines, const style& how) {
  using align = table::align;
  table out{{{"ENGINE"},
             {"KIND"},
             {"MODEL"},
             {"TIER"},
             {"WEIGHTS"},
             {"HEALTH"},
             {"BREAKER"},
             {"SERVER"},
             {"IN FLIGHT", align::right},
             {"QUEUED", align::right},
             {"REQUESTS", align::right},
             {"FAILED", align::right},
             {"IN", align::right},
             {"CACHED", align::right},
             {"OUT", align::right},
             {"LAST ERROR"}}};
  for (auto engine : engines) {
    std::string health{name_of(engine.getHealth())};
    auto failures = human_count(engine.getFailures());
    out.add({std::string{view(engine.getName())},
             std::string{view(engine.getKind())},
             std::string{view(engine.getModel())},
             std::string{view(engine.getTier())},
             std::string{view(engine.getWeightVersion())},
             {health, tint_of_state(health)},
             engine.getBreaker() == schema::Breaker::UNKNOWN
                 ? std::string{}
                 : std::string{name_of(engine.getBreaker())},
             std::string{view(engine.getServer())},
             human_count(engine.getInFlight()) + '/' + places_text(engine),
             human_count(engine.getQueued()),
             human_count(engine.getRequests()),
             {failures, engine.getFailures() > 0 ? tint::red : tint::none},
             human_count(engine.getPromptTokens()),
             human_count(engine.getCachedPromptTokens()),
             human_count(engine.getCompletionTokens()),
             {std::string{view(engine.getLastError())}, tint::red}});
  }
  out.drop_empty();
  return out.render(how);
}

}  // namespace

std::string topology_text(schema::Topology::Reader topology, const style& how, std::uint64_t now) {
  std::string text;
  if (topology.getNodes().size() > 1) text = nodes_text(topology, how, now);
  text += notes_text(topology, how, now);
  for (auto node : topology.getNodes()) {
    // Of a node that does not answer the table has all that is known.
    if (node.getActors().size() == 0) continue;
    if (!text.empty()) text += '\n';
    text += head_text(node, how, now) + certificate_text(node, how, now) +
            alarms_text(node, how, now) + '\n' + actors_text(node.getActors(), how);
    if (node.getEngines().size() > 0) text += '\n' + node_engines_text(node.getEngines(), how);
  }
  return text;
}

std::string topology_dot(schema::Topology::Reader topology) {
  std::string text =
      "digraph tandem {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n";
  unsigned number = 0;
  for (auto node : topology.getNodes()) {
    auto prefix = printable_line(view(node.getName()));
    auto quoted = [](const std::string& id) { return json_string(id); };
    auto id_of = [&](capnp::Text::Reader name) {
      return quoted(prefix + '/' + printable_line(view(name)));
    };
    text += "  subgraph cluster_" + std::to_string(number++) +
            " {\n    label=" + quoted(prefix + ' ' + printable_line(view(node.getAddress()))) +
            ";\n";
    for (auto actor : node.getActors()) {
      auto label = printable_line(view(actor.getName())) + '\n' + human_count(actor.getHandled()) +
                   ' ' + printable_line(view(actor.getNoun()));
      for (auto engine : node.getEngines()) {
        if (view(engine.getName()) != view(actor.getName())) continue;
        label += '\n' + printable_line(view(engine.getModel())) + " (" +
                 printable_line(view(engine.getTier())) + ") " +
                 printable_line(view(engine.getWeightVersion()));
      }
      auto is_ok = view(actor.getState()) == "ok";
      text += "    " + id_of(actor.getName()) + " [label=" + quoted(label) +
              (is_ok ? "" : ", color=red") + "];\n";
      if (actor.getParent().size() > 0) {
        text += "    " + id_of(actor.getParent()) + " -> " + id_of(actor.getName()) + ";\n";
      }
    }
    text += "  }\n";
  }
  return text + "}\n";
}

}  // namespace tandem::cli
