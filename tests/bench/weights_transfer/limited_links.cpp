// To four nodes at once, that give each other what they have, over to one, all links limited alike.

#include <cstdio>
#include <future>
#include <thread>

#include "actors/weights/chunk_server.hpp"
#include "actors/weights/version_fetch.hpp"
#include "schema/errc.hpp"
#include "tests/bench/weights_transfer/transfer_bench.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint64_t bytes = std::uint64_t{256} << 20;
constexpr std::uint64_t link_bytes_per_s = 50'000'000;
/// How often nodes tell each other what they have.
constexpr std::chrono::milliseconds news{200};

struct limited_node {
  std::string name;
  std::shared_ptr<version_store> store;
  std::unique_ptr<chunk_server> server;

  limited_node(const work_folder& folder, const std::string& called)
      : name{called}, store{open_store(folder.path() / called)} {
    chunk_server_options options;
    options.cert_file = folder.tls().certificate;
    options.key_file = folder.tls().key;
    options.ca_file = folder.tls().ca;
    options.bytes_per_s = link_bytes_per_s;
    server = std::move(*chunk_server::start(store, options));
  }
  chunk_peer as_peer(const weight_hash& hash) const {
    return {name, "https://127.0.0.1:" + std::to_string(server->port()), store->have(hash), {}};
  }
};

/// Seconds until all have it.
double time_to(std::size_t count, const work_folder& folder, const limited_node& source,
               const weight_hash& hash) {
  std::vector<std::unique_ptr<limited_node>> nodes;
  std::vector<std::unique_ptr<version_fetch>> fetches;
  std::vector<std::future<bool>> ends;
  version_fetch_options options;
  options.cert_file = folder.tls().certificate;
  options.key_file = folder.tls().key;
  options.ca_file = folder.tls().ca;
  options.bytes_per_s = link_bytes_per_s;
  for (std::size_t i = 0; i < count; ++i)
    nodes.push_back(std::make_unique<limited_node>(
        folder, "to-" + std::to_string(count) + "-" + std::to_string(i)));
  auto begun = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    auto end = std::make_shared<std::promise<bool>>();
    ends.push_back(end->get_future());
    fetches.push_back(std::make_unique<version_fetch>(
        nodes[i]->store, hash, options, i,
        version_fetch::events{{}, [end](const caf::error& error, const fetch_progress&) {
                                if (error) std::fprintf(stderr, "%s\n", message_of(error).c_str());
                                end->set_value(!error);
                              }}));
  }
  for (std::size_t done = 0; done < count;) {
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<chunk_peer> peers{source.as_peer(hash)};
      for (const auto& other : nodes)
        if (other != nodes[i]) peers.push_back(other->as_peer(hash));
      fetches[i]->peers(std::move(peers));
    }
    auto until = std::chrono::steady_clock::now() + news;
    done = 0;
    for (auto& end : ends) done += end.wait_until(until) == std::future_status::ready ? 1 : 0;
  }
  auto took = seconds_since(begun);
  for (auto& end : ends)
    if (!end.get()) return 0;
  return took;
}

}  // namespace

void run_limited_links(transfer_results& results) {
  work_folder folder{"limited_links"};
  write_noise(folder.path() / "weights", bytes, 2);
  auto hash = add_version(folder.path() / "source", folder.path() / "weights");
  limited_node source{folder, "source"};
  auto one = time_to(1, folder, source, hash);
  auto sent = source.server->bytes_sent();
  auto four = time_to(4, folder, source, hash);
  auto copies =
      static_cast<double>(source.server->bytes_sent() - sent) / static_cast<double>(bytes);
  std::printf(
      "256 MiB over links of 50 MB/s: to one %.2f s, to four %.2f s; the source sent it "
      "%.2f times\n",
      one, four, copies);
  results.ok = results.ok && one > 0 && four > 0;
  results.note("one_limited_s", one);
  results.note("four_limited_s", four);
  results.note("four_source_copies", copies);
  results.at_most("four_over_one", one > 0 ? four / one : 0);
}

}  // namespace tandem::bench
