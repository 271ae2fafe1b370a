// How long the others take to act on the loss of a node: one that is stopped is `gone`, and the
// journal of one that is killed, with 1,000 unfinished jobs, is open elsewhere. Real nodes, a real
// etcd.

#include <csignal>
#include <cstdio>
#include <thread>

#include "tests/bench/bench.hpp"
#include "tests/support/cluster_process.hpp"
#include "tests/support/etcd_process.hpp"
#include "tests/support/free_port.hpp"

namespace tandem::bench {
namespace {

constexpr unsigned gone_after_ms = 2000;
constexpr double lease_s = 2;
constexpr std::size_t unfinished = 1000;
constexpr std::chrono::seconds limit{60};

std::string config_with(const std::string& etcd) {
  auto text = test::sim_config{}.text() + test::quick_cluster_config(gone_after_ms) +
              "\n[etcd]\nendpoints = [\"" + etcd +
              "\"]\n\n[replication]\ncopies = 3\nmin_in_sync = 2\nlease = \"2s\"\n";
  return text;
}

/// From the stop of `lost` until `observer` says that it is gone.
double until_gone(test::cluster_process& cluster, std::size_t lost, std::size_t observer) {
  auto at = cluster.connect(observer);
  cluster[lost].process().signal(SIGSTOP);
  auto start = std::chrono::steady_clock::now();
  auto is_gone = [&] {
    auto topology = at.topology();
    return topology && test::look_at(*topology, cluster.name(lost)).state == "gone";
  };
  auto held = test::wait_until(limit, is_gone);
  auto took = seconds_since(start);
  cluster[lost].process().signal(SIGCONT);
  auto is_back = [&] { return test::sees_all(at, {"n0", "n1", "n2"}); };
  return held && test::wait_until(limit, is_back) ? took : -1;
}

int run() {
  if (!test::etcd_process::is_installed()) {
    std::fprintf(stderr, "bench: no etcd: install Debian's package etcd-server\n");
    return 2;
  }
  test::etcd_process etcd;
  test::cluster_process cluster{TANDEM_BIN_DIR, 3};
  auto is_up = etcd.start();
  for (std::size_t i = 0; is_up && i < cluster.size(); ++i)
    cluster.start(i, config_with(etcd.endpoints().front()), test::free_address());
  for (std::size_t i = 0; is_up && i < cluster.size(); ++i) is_up = cluster[i].wait_ready();
  auto first = is_up ? std::optional{cluster.connect(0)} : std::nullopt;
  is_up = is_up && test::wait_until(limit, [&] {
            return test::sees_all(*first, {"n0", "n1", "n2"});
          });
  if (!is_up) {
    std::fprintf(stderr, "bench: the cluster does not start\n%s\n", cluster.log().c_str());
    return 2;
  }
  auto gone_s = until_gone(cluster, 2, 1);
  // Steps of an hour: none of them ends.
  auto goal_text = test::goal_with_steps({{1, R"(@sim {"ms":3600000,"reply":"one"})", {}}});
  job_id last;
  for (std::size_t i = 0; i < unfinished; ++i) last = test::submit(*first, goal_text);
  auto other = cluster.connect(1);
  auto start = std::chrono::steady_clock::now();
  cluster[0].kill9();
  auto is_open = test::wait_until(limit, [&] { return static_cast<bool>(other.summary(last)); });
  auto takeover_s = seconds_since(start);
  report result{.bench = "loss"};
  result.figures = {{"gone_s", gone_s},
                    {"gone_after_s", gone_after_ms / 1e3},
                    {"takeover_s", takeover_s},
                    {"lease_s", lease_s},
                    {"unfinished_jobs", unfinished}};
  result.ratio = takeover_s / lease_s;
  result.goal = goal("loss", "takeover_beyond_lease_s_max");
  result.ok = is_open && takeover_s - lease_s <= result.goal && gone_s >= 0 &&
              1e3 * gone_s - gone_after_ms <= goal("loss", "gone_beyond_ms_max");
  std::printf(
      "a stopped node is gone after %.2f s (told to wait %.2f s); a killed one's journal with %zu "
      "unfinished jobs is open elsewhere after %.2f s (lease %.0f s)\n",
      gone_s, gone_after_ms / 1e3, unfinished, takeover_s, lease_s);
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
