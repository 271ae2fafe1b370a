#include "tests/bench/weights_transfer/transfer_bench.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <iostream>
#include <random>

#include <unistd.h>

#include "actors/weights/chunk_server.hpp"
#include "actors/weights/version_fetch.hpp"
#include "config/certificates.hpp"
#include "schema/errc.hpp"

namespace tandem::bench {
namespace {

constexpr std::chrono::minutes limit{10};

/// `field`: VmRSS or VmHWM.
double memory_mb(const std::string& process, const std::string& field) {
  std::ifstream in{"/proc/" + process + "/status"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(field + ":")) return std::atof(line.c_str() + field.size() + 1) / 1024;
  return 0;
}

weight_hash hash_from(const std::string& hex) {
  weight_hash out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  return out;
}

int serve(char** argv) {
  chunk_server_options options;
  std::filesystem::path tls{argv[3]};
  options.cert_file = tls / "node.pem";
  options.key_file = tls / "node.key";
  options.ca_file = tls / "ca.pem";
  options.bytes_per_s = std::strtoull(argv[4], nullptr, 10);
  auto server = chunk_server::start(open_store(argv[2]), options);
  if (!server) give_up(message_of(server.error()));
  std::cout << "ready " << (*server)->port() << std::endl;
  for (;;) ::pause();
}

int fetch(char** argv) {
  version_fetch_options options;
  std::filesystem::path tls{argv[3]};
  options.cert_file = tls / "node.pem";
  options.key_file = tls / "node.key";
  options.ca_file = tls / "ca.pem";
  auto store = open_store(argv[2]);
  auto before = memory_mb("self", "VmRSS");
  std::promise<std::pair<caf::error, fetch_progress>> ended;
  auto begun = std::chrono::steady_clock::now();
  auto told_half = false;
  version_fetch work{
      store,
      hash_from(argv[4]),
      options,
      1,
      {[&told_half](const fetch_progress& now) {
         if (!std::exchange(told_half, told_half || 2 * now.done_bytes >= now.total_bytes) &&
             told_half)
           std::cout << "half" << std::endl;
       },
       [&](const caf::error& error, const fetch_progress& last) {
         ended.set_value({error, last});
       }}};
  chunk_peer peer{"peer", argv[5], std::vector<std::uint8_t>(8192, 0xff), store->list()};
  work.peers({peer});
  auto [error, last] = ended.get_future().get();
  if (error) give_up(message_of(error));
  std::cout << "done " << seconds_since(begun) << ' ' << last.moved_bytes << ' '
            << memory_mb("self", "VmHWM") - before << std::endl;
  return 0;
}

}  // namespace

void transfer_results::at_most(const std::string& figure, double value) {
  figures[figure] = value;
  ok = ok && value <= goal("weights_transfer", figure + "_max");
}

void transfer_results::at_least(const std::string& figure, double value) {
  figures[figure] = value;
  ok = ok && value >= goal("weights_transfer", figure + "_min");
}

work_folder::work_folder(const std::string& name) : folder_{name} {
  auto files = ensure_certificates(path() / "tls", "n", {});
  if (!files) give_up(message_of(files.error()));
  tls_ = *files;
}

void write_noise(const std::filesystem::path& file, std::uint64_t bytes, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::vector<std::uint64_t> block(128 * 1024);
  std::ofstream out{file, std::ios::binary};
  for (std::uint64_t at = 0; at < bytes; at += block.size() * sizeof(std::uint64_t)) {
    for (auto& each : block) each = random();
    out.write(reinterpret_cast<const char*>(block.data()),
              static_cast<std::streamsize>(block.size() * sizeof(std::uint64_t)));
  }
}

std::shared_ptr<version_store> open_store(const std::filesystem::path& folder) {
  auto store = version_store::open(folder, {});
  if (!store) give_up(message_of(store.error()));
  return *store;
}

weight_hash add_version(const std::filesystem::path& store, const std::filesystem::path& file) {
  weight_manifest manifest;
  manifest.chunk_bytes = chunk_bytes_default;
  auto& only = manifest.files.emplace_back();
  only.path = file.filename().string();
  only.bytes = std::filesystem::file_size(file);
  std::ifstream in{file, std::ios::binary};
  std::string chunk(manifest.chunk_bytes, '\0');
  while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())))
    only.chunks.push_back(hash_of(chunk));
  if (auto failure = open_store(store)->add(manifest, file.parent_path()))
    give_up(message_of(failure));
  return hash_of(encode(manifest));
}

serving_process::serving_process(const work_folder& folder, const std::filesystem::path& store,
                                 std::uint64_t bytes_per_s)
    : child_{std::make_unique<test::child_process>(test::child_options{
          .program = "/proc/self/exe",
          .arguments = {"serve", store.string(), (folder.path() / "tls").string(),
                        std::to_string(bytes_per_s)}})} {
  auto line = child_->wait_line("ready ", std::chrono::minutes{1});
  if (!line) give_up("no server: " + child_->log());
  url_ = "https://127.0.0.1:" + line->substr(std::strlen("ready "));
  ready_mb_ = memory_mb(std::to_string(child_->pid()), "VmRSS");
}

double serving_process::grown_mb() const {
  return memory_mb(std::to_string(child_->pid()), "VmHWM") - ready_mb_;
}

std::unique_ptr<test::child_process> start_fetch(const work_folder& folder,
                                                 const std::filesystem::path& store,
                                                 const weight_hash& hash, const std::string& url) {
  return std::make_unique<test::child_process>(test::child_options{
      .program = "/proc/self/exe",
      .arguments = {"fetch", store.string(), (folder.path() / "tls").string(), to_hex(hash), url}});
}

fetched end_of(test::child_process& fetch) {
  fetched out;
  auto line = fetch.wait_line("done ", limit);
  if (!line || fetch.wait(limit) != 0) {
    std::cerr << fetch.log();
    return out;
  }
  out.ok = std::sscanf(line->c_str(), "done %lf %lf %lf", &out.seconds, &out.moved_bytes,
                       &out.grown_mb) == 3;
  return out;
}

int run_as_child(int argc, char** argv) {
  if (argc == 5 && std::strcmp(argv[1], "serve") == 0) return serve(argv);
  if (argc == 6 && std::strcmp(argv[1], "fetch") == 0) return fetch(argv);
  return -1;
}

}  // namespace tandem::bench
