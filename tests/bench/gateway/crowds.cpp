// Many at once: idle connections, open streams, a client that does not read, and a scrape of
// metrics with many engines.

#include <algorithm>
#include <cstdio>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/gateway/gateway_bench.hpp"
#include "tests/bench/gateway/step_server.hpp"
#include "tests/bench/gateway/stream_client.hpp"

namespace tandem::bench {
namespace {

constexpr int stream_pieces = 50;
constexpr int engines = 100;
constexpr int scrapes = 20;
/// Beside connections.
constexpr int files_of_a_process = 500;

std::string get(int fd, std::string_view path) {
  auto request = "GET " + std::string{path} + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
  return read_answer(fd);
}

/// As many as this process and the node may have open.
int allowed_connections(int wanted) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  auto most = static_cast<int>(std::min<rlim_t>(files.rlim_cur, 1'000'000)) - files_of_a_process;
  if (most < wanted) std::printf("ulimit -n allows %d connections instead of %d\n", most, wanted);
  return std::min(wanted, most);
}

void keep_idle(gateway_results& results, const front_process& node) {
  auto count = allowed_connections(results.sizes.idle_connections);
  auto before = node.resident_mb();
  std::vector<int> open;
  auto answered = 0;
  for (int i = 0; i < count; ++i) {
    open.push_back(connect_to(node.port()));
    // Each has been used once.
    if (!get(open.back(), "/healthz").empty()) ++answered;
  }
  auto grown = node.resident_mb() - before;
  std::printf("%d idle connections: %.1f MB more\n", answered, grown);
  for (auto fd : open) ::close(fd);
  results.note("idle_connections", answered);
  results.at_most("idle_grown_mb", grown);
  results.at_most("idle_unanswered", count - answered);
}

void open_many_streams(gateway_results& results, const front_process& node) {
  auto count = results.sizes.open_streams;
  auto seen = run_streams(node, chat_body("large", true), count, count, stream_pieces);
  std::printf("%d streams at once, %d open together: %d whole\n", count, seen.open_most,
              seen.whole);
  results.note("streams_open_together", seen.open_most);
  results.at_most("open_streams_failed", seen.failed);
}

/// One client asks for 64 MB and reads nothing; the others are asked how they fare.
void read_slowly(gateway_results& results, const front_process& node, step_server& engine) {
  constexpr int flood_pieces = 16 * 1024;
  constexpr std::size_t piece_bytes = 4 * 1024;
  constexpr int connections = 8;
  auto load = [&] {
    return run_wrk(node, "/v1/chat/completions", chat_body("large"), connections,
                   results.sizes.wrk_seconds);
  };
  static_cast<void>(load());
  auto before = load();
  auto resident = node.resident_mb();
  engine.begin(flood_pieces, piece_bytes);
  engine.allow(flood_pieces);
  auto fd = connect_to(node.port(), 16 * 1024);
  auto request = request_of(node, chat_body("small", true));
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) give_up("cannot ask the node");
  auto beside = load();
  auto grown = node.resident_mb() - resident;
  ::close(fd);
  auto kept = beside.requests_per_s / before.requests_per_s;
  std::printf("beside a client that does not read: %.2f of the others' rate, %.1f MB more\n", kept,
              grown);
  results.at_least("beside_slow_reader", kept);
  results.at_most("slow_reader_grown_mb", grown);
}

void scrape(gateway_results& results) {
  temp_folder folder{"gateway-metrics"};
  auto stub = start_stub({});
  std::string more;
  for (int i = 0; i < engines; ++i)
    more +=
        "[[engine]]\nname = \"sim-" + std::to_string(i) + "\"\nkind = \"sim\"\nmodel = \"small\"\n";
  auto node = start_node(folder.path() / "node", {.large_url = stub->url(),
                                                  .small_url = stub->url(),
                                                  .more = more,
                                                  .where = place::anywhere,
                                                  .threads = 0});
  auto fd = connect_to(node->port());
  std::vector<double> took;
  std::size_t bytes = 0;
  for (int i = 0; i < scrapes; ++i) {
    auto from = std::chrono::steady_clock::now();
    bytes = get(fd, "/metrics").size();
    took.push_back(1e3 * seconds_since(from));
  }
  ::close(fd);
  std::printf("/metrics with %d engines: p50 %.1f ms, %zu bytes\n", engines, median(took), bytes);
  if (bytes == 0) give_up("no metrics");
  results.at_most("metrics_ms", median(took));
}

}  // namespace

void run_crowds(gateway_results& results) {
  {
    temp_folder folder{"gateway-crowds"};
    step_server engine;
    auto stub = start_stub(
        {"--answer", kilobyte_text(), "--tokens", std::to_string(stream_pieces), "--rate", "25"});
    auto instant = start_stub({"--answer", kilobyte_text()});
    {
      auto node =
          start_node(folder.path() / "many", {.large_url = stub->url(), .small_url = stub->url()});
      keep_idle(results, *node);
      open_many_streams(results, *node);
    }
    auto node = start_node(folder.path() / "slow",
                           {.large_url = instant->url(), .small_url = engine.url()});
    read_slowly(results, *node, engine);
  }
  scrape(results);
}

}  // namespace tandem::bench
