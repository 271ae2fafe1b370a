// Streams of 50 pieces: how many a second, what the first piece waits, and that none is held back.

#include <array>
#include <cstdio>
#include <map>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/gateway/gateway_bench.hpp"
#include "tests/bench/gateway/step_server.hpp"
#include "tests/bench/gateway/stream_client.hpp"

namespace tandem::bench {
namespace {

constexpr int pieces = 50;
constexpr int patience_ms = 5'000;
/// As a fast engine writes. Between pieces cores fall asleep, and waking them is in what is seen.
constexpr const char* tokens_per_s = "1000";

/// By front.
using first_times = std::map<std::string, std::vector<double>>;

std::string body_for(const front_process& front) {
  return chat_body(front.name() == "tandem" ? "tandem-auto" : "stub", true);
}

/// Every piece is waited for before the next one may be sent. How many came so.
int count_in_step(const front_process& node, step_server& engine) {
  engine.begin(pieces, 4);
  auto fd = connect_to(node.port());
  auto request = request_of(node, chat_body("small", true));
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return 0;
  stream_reader reader;
  std::array<char, 16 * 1024> buffer;
  int seen = 0;
  for (int sent = 1; sent <= pieces; ++sent) {
    engine.allow(sent);
    while (reader.pieces() < sent) {
      pollfd waits{fd, POLLIN, 0};
      if (::poll(&waits, 1, patience_ms) <= 0) break;
      auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      reader.feed({buffer.data(), static_cast<std::size_t>(got)});
    }
    if (reader.pieces() < sent) break;
    ++seen;
  }
  ::close(fd);
  return seen;
}

/// What each adds to the first piece, in microseconds, by name but for "direct".
std::map<std::string, double> print_added(const first_times& first,
                                          const std::vector<const front_process*>& fronts) {
  std::map<std::string, double> out;
  auto direct = median(first.at("direct"));
  std::printf(" direct %.0f us", 1e6 * direct);
  for (const auto* one : fronts) {
    if (one->name() == "direct") continue;
    auto added = out[one->name()] = 1e6 * (median(first.at(one->name())) - direct);
    std::printf(", %s adds %.0f us", one->name().c_str(), added);
  }
  std::printf("\n");
  return out;
}

void append(std::vector<double>& to, const std::vector<double>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

void measure_rates(gateway_results& results, const std::vector<const front_process*>& fronts) {
  std::map<std::string, std::map<int, std::vector<double>>> rates;
  first_times first;
  int failed = 0;
  for (int i = 0; i < results.sizes.rounds; ++i) {
    for (const auto* one : fronts) {
      for (int connections : connection_counts) {
        // Portkey sleeps between pieces: one stream after the other would take minutes.
        auto count = connections == 1 ? results.sizes.streams / 10 : results.sizes.streams;
        auto seen = run_streams(*one, body_for(*one), connections, count, pieces);
        rates[one->name()][connections].push_back(seen.per_s);
        if (connections == 1) append(first[one->name()], seen.first_s);
        if (one->name() == "tandem") failed += seen.failed;
      }
    }
  }
  std::printf("streams of %d pieces a second, at 1, 32, 128:", pieces);
  for (const auto* one : fronts) {
    std::printf(" %s", one->name().c_str());
    for (auto& [connections, each] : rates[one->name()]) {
      std::printf(" %.0f", median(each));
      results.note(one->name() + "_streams_per_s_at_" + std::to_string(connections), median(each));
    }
  }
  std::printf("\nfirst piece, p50 at 1:");
  for (const auto& [name, added] : print_added(first, fronts)) {
    if (name == "tandem")
      results.at_most("added_first_us", added);
    else
      results.note(name + "_added_first_us", added);
  }
  results.at_most("streams_failed", failed);
}

void measure_first_of_slow(gateway_results& results,
                           const std::vector<const front_process*>& fronts) {
  first_times first;
  for (int i = 0; i < results.sizes.rounds; ++i) {
    for (const auto* one : fronts) {
      auto seen = run_streams(*one, body_for(*one), 1, results.sizes.streams / 30, pieces);
      append(first[one->name()], seen.first_s);
    }
  }
  std::printf("first piece of streams of %s pieces a second, p50 at 1:", tokens_per_s);
  for (const auto& [name, added] : print_added(first, fronts))
    results.note(name + "_added_first_us_of_slow", added);
}

/// Before an engine that was started with these arguments.
void with_fronts(std::vector<std::string> stub_arguments, gateway_results& results,
                 void (*measure)(gateway_results&, const std::vector<const front_process*>&)) {
  temp_folder folder{"gateway-streams"};
  auto stub = start_stub(std::move(stub_arguments));
  auto nginx = start_nginx(folder.path(), *stub);
  auto node =
      start_node(folder.path() / "node", {.large_url = stub->url(), .small_url = stub->url()});
  auto portkey = start_portkey(*stub);
  std::vector<const front_process*> fronts{stub.get()};
  for (const auto* one : {nginx.get(), node.get(), portkey.get()}) {
    if (one == nullptr) continue;
    auto warm_up = run_streams(*one, body_for(*one), 8, 32, pieces);
    if (one == node.get() || warm_up.failed == 0)
      fronts.push_back(one);
    else
      std::printf("%s fails streams here: not compared with\n", one->name().c_str());
  }
  measure(results, fronts);
}

void look_for_held_pieces(gateway_results& results) {
  temp_folder folder{"gateway-steps"};
  step_server engine;
  auto node =
      start_node(folder.path() / "node", {.large_url = engine.url(), .small_url = engine.url()});
  auto seen = count_in_step(*node, engine);
  std::printf("%d of %d pieces came before the engine was allowed to send the next\n", seen,
              pieces);
  results.at_most("pieces_held", pieces - seen);
}

}  // namespace

void run_event_streams(gateway_results& results) {
  look_for_held_pieces(results);
  with_fronts({"--answer", kilobyte_text(), "--tokens", std::to_string(pieces)}, results,
              measure_rates);
  with_fronts(
      {"--answer", kilobyte_text(), "--tokens", std::to_string(pieces), "--rate", tokens_per_s},
      results, measure_first_of_slow);
}

}  // namespace tandem::bench
