// What a client of a sound cluster can rely on, once all nodes are up and can hear each other.

#include <algorithm>
#include <set>

#include "schema/errc.hpp"
#include "schema/text.hpp"
#include "tests/fault/cluster_faults_run.hpp"
#include "tests/fault/journal_check.hpp"

namespace tandem::fault {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// Until nodes that were apart are one cluster again: a try that failed is repeated after 5 s at
/// the latest, CAF gives up a silent connection, and the machine may be busy.
constexpr auto meeting_limit = 40s;
constexpr auto end_limit = 60s;
constexpr auto rest_limit = 15s;

std::string words(const caf::error& err) {
  return std::string{to_string(code_of(err))} + ": " + message_of(err);
}

/// Why this topology is not that of a whole cluster; empty: it is.
std::string not_whole(const caf::expected<tmsg::topo>& topology, std::size_t nodes) {
  if (!topology) return words(topology.error());
  std::string why;
  auto reader = topology->read();
  for (std::size_t i = 0; i < nodes; ++i) {
    auto name = test::cluster_process::name(i);
    auto seen = test::look_at(*topology, name);
    if (seen.state == "alive" && seen.answered) continue;
    why += name + " is " + (seen.state.empty() ? "missing" : seen.state) +
           (seen.answered ? "" : " and silent") + "; ";
  }
  if (reader->getNodes().size() != nodes)
    why += std::to_string(reader->getNodes().size()) + " nodes are listed; ";
  for (auto place : reader->getWaiting())
    why += "journal " + to_string(journal_id{place.getJournal()}) + " is waited for; ";
  return why;
}

/// What is still at work though every job has ended; empty: nothing.
std::string at_work(const caf::expected<tmsg::topo>& topology) {
  if (!topology) return words(topology.error());
  std::string busy;
  auto reader = topology->read();
  for (auto node : reader->getNodes()) {
    std::string here{view(node.getName())};
    for (auto engine : node.getEngines())
      if (engine.getInFlight() + engine.getQueued() != 0)
        busy += "engine " + std::string{view(engine.getName())} + " of " + here + " has " +
                std::to_string(engine.getInFlight()) + '+' + std::to_string(engine.getQueued()) +
                "; ";
    for (auto actor : node.getActors()) {
      // Its peers and what it dials.
      if (view(actor.getKind()) == "mesh" || view(actor.getKind()) == "supervisor") continue;
      if (actor.getInFlight() + actor.getQueued() != 0)
        busy += std::string{view(actor.getName())} + " of " + here + " has " +
                std::to_string(actor.getInFlight()) + '+' + std::to_string(actor.getQueued()) +
                "; ";
    }
  }
  return busy;
}

}  // namespace

bool cluster_lane::connect_all() {
  clients_.clear();
  for (std::size_t i = 0; i < nodes; ++i) {
    std::string why;
    auto connected = test::wait_until(20s, [&] {
      auto made = client::connect(cluster_.options(i));
      if (!made) {
        why = words(made.error());
        return false;
      }
      clients_.push_back(std::move(*made));
      return true;
    });
    if (connected) continue;
    complain("no client can connect to " + cluster_.name(i) + ": " + why);
    return false;
  }
  return true;
}

bool cluster_lane::check_members() {
  for (std::size_t i = 0; i < nodes; ++i) {
    std::string why;
    if (test::wait_until(meeting_limit, [&] {
          why = not_whole(clients_[i].topology(), nodes);
          return why.empty();
        }))
      continue;
    complain("the topology of " + cluster_.name(i) + " is not whole: " + why);
    return false;
  }
  return true;
}

bool cluster_lane::check_end(const cluster_job& job, std::size_t asked) {
  auto end = clock::now() + end_limit;
  while (true) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now());
    auto ended = clients_[asked].wait(job.id, std::max(left, 1ms));
    if (ended) {
      auto how = test::outcome_of(*ended->read());
      auto who =
          "job " + to_string(job.id) + " (" + job.tag + ", asked at " + cluster_.name(asked) + ')';
      if (how.state != "done")
        complain(who + " ended as " + how.state + ": " + how.reason);
      else if (how.answer != job.tag)
        complain(who + " has another answer: " + how.answer);
      return true;
    }
    if (code_of(ended.error()) == errc::unavailable && left > 0ms) continue;
    complain("job " + to_string(job.id) + " (" + job.tag + ", asked at " + cluster_.name(asked) +
             ") has no end: " + words(ended.error()));
    return code_of(ended.error()) == errc::not_found;
  }
}

void cluster_lane::check_lists() {
  std::set<std::string> wanted;
  for (const auto& job : seed_jobs_) wanted.insert(to_string(job.id));
  for (std::size_t i = 0; i < nodes; ++i) {
    std::set<std::string> found;
    std::string missing;
    message_builder<schema::JobQuery> first;
    first->setTag(cluster_load::mark(seed_));
    first->setLimit(10);
    auto query = first.finish();
    for (auto more = true; more;) {
      auto page = clients_[i].list(query);
      if (!page) {
        complain("list at " + cluster_.name(i) + ": " + words(page.error()));
        return;
      }
      auto reader = page->read();
      for (auto job : reader->getJobs()) {
        auto id = job_id{journal_id{job.getJob().getJournal()}, job.getJob().getNumber()};
        if (!found.insert(to_string(id)).second)
          complain("list at " + cluster_.name(i) + " has " + to_string(id) + " twice");
      }
      for (auto journal : reader->getMissing())
        missing += ' ' + to_string(journal_id{journal.getJournal()});
      more = reader->getCursors().size() != 0;
      message_builder<schema::JobQuery> next;
      next.copy(*query.read());
      next->setCursors(reader->getCursors());
      query = next.finish();
    }
    if (!missing.empty()) complain("list at " + cluster_.name(i) + " lacks journals" + missing);
    for (const auto& id : wanted)
      if (!found.contains(id)) complain("list at " + cluster_.name(i) + " lacks job " + id);
  }
}

void cluster_lane::check_rest() {
  std::string busy;
  if (!test::wait_until(rest_limit, [&] {
        busy = at_work(clients_[0].topology());
        return busy.empty();
      }))
    complain("every job has ended, but " + busy);
}

void cluster_lane::check_journals() {
  std::map<std::string, std::string> homes;
  for (std::size_t i = 0; i < nodes; ++i) {
    auto own = parse_journal_id(cluster_[i].journal());
    std::map<std::string, job_id> keyed;
    std::vector<job_id> others;
    for (const auto& job : jobs_) {
      if (!own || job.id.journal != *own) continue;
      if (job.key.empty())
        others.push_back(job.id);
      else
        keyed.emplace(job.key, job.id);
    }
    auto account = check_journal(cluster_[i].data_dir() / "journal", keyed, others);
    tally_.records += account.records;
    for (const auto& broken : account.broken)
      complain("the journal of " + cluster_.name(i) + ": " + broken);
    for (const auto& key : account.keys) {
      auto [place, first] = homes.emplace(key, cluster_.name(i));
      if (!first)
        complain("key " + key + " has jobs in the journals of " + place->second + " and " +
                 cluster_.name(i));
    }
  }
}

}  // namespace tandem::fault
