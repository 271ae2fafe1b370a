#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "actors/weights/chunk_server.hpp"
#include "actors/weights/version_fetch.hpp"
#include "config/certificates.hpp"
#include "schema/errc.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::test {

inline std::vector<std::uint8_t> noise(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::vector<std::uint8_t> out(bytes);
  for (auto& each : out) each = static_cast<std::uint8_t>(random());
  return out;
}

struct made_version {
  weight_manifest manifest;
  weight_hash hash{};
  std::filesystem::path folder;
};

/// A version of the given files, `0`, `1`, ..., and those files in `folder`.
inline made_version make_version(const std::filesystem::path& folder,
                                 const std::vector<std::vector<std::uint8_t>>& files,
                                 std::uint32_t chunk_bytes) {
  made_version out{.folder = folder};
  out.manifest.chunk_bytes = chunk_bytes;
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < files.size(); ++i) {
    std::string_view text{reinterpret_cast<const char*>(files[i].data()), files[i].size()};
    write_text(folder / std::to_string(i), text);
    manifest_file file{std::to_string(i), files[i].size(), {}};
    for (std::size_t at = 0; at < text.size(); at += chunk_bytes)
      file.chunks.push_back(hash_of(text.substr(at, chunk_bytes)));
    out.manifest.files.push_back(std::move(file));
  }
  out.hash = hash_of(encode(out.manifest));
  return out;
}

/// What a node has of weights: a store, certificates by `authority`, a server when it is asked for.
class weights_node {
 public:
  weights_node(const std::filesystem::path& folder, const std::filesystem::path& authority,
               const std::string& name)
      : name_{name} {
    auto opened = version_store::open(folder / name / "weights", {.free_bytes_min = 0});
    if (!opened) throw std::runtime_error{message_of(opened.error())};
    store_ = *opened;
    auto files = std::filesystem::exists(authority / "ca.pem")
                     ? issue_certificate(authority, {.name = name}, folder / name / "tls")
                     : ensure_certificates(authority, name, {});
    if (!files) throw std::runtime_error{message_of(files.error())};
    tls_ = *files;
  }

  void serve(std::uint64_t bytes_per_s = 0) {
    chunk_server_options options;
    options.cert_file = tls_.certificate;
    options.key_file = tls_.key;
    options.ca_file = tls_.ca;
    options.bytes_per_s = bytes_per_s;
    auto started = chunk_server::start(store_, options);
    if (!started) throw std::runtime_error{message_of(started.error())};
    server_ = std::move(*started);
  }
  void stop_serving() { server_.reset(); }
  void add(const made_version& version) {
    if (auto failure = store_->add(version.manifest, version.folder))
      throw std::runtime_error{message_of(failure)};
  }

  [[nodiscard]] std::string url() const {
    return "https://127.0.0.1:" + std::to_string(server_->port());
  }
  /// What it has, as others hear of it.
  [[nodiscard]] chunk_peer as_peer(const weight_hash& hash,
                                   std::vector<weight_hash> complete = {}) const {
    return {name_, url(), store_->have(hash), std::move(complete)};
  }
  [[nodiscard]] version_fetch_options fetch_options() const {
    version_fetch_options out;
    out.cert_file = tls_.certificate;
    out.key_file = tls_.key;
    out.ca_file = tls_.ca;
    return out;
  }
  [[nodiscard]] const std::shared_ptr<version_store>& store() const { return store_; }
  [[nodiscard]] const tls_files& tls() const { return tls_; }
  [[nodiscard]] chunk_server& server() { return *server_; }

 private:
  std::string name_;
  std::shared_ptr<version_store> store_;
  tls_files tls_;
  std::unique_ptr<chunk_server> server_;
};

struct fetch_end {
  caf::error error;
  fetch_progress progress;
};

/// One fetch of a node, and its end.
class running_fetch {
 public:
  running_fetch(weights_node& at, const weight_hash& hash, const version_fetch_options& options,
                std::uint64_t seed = 1,
                std::function<void(const fetch_progress&)> on_progress = {}) {
    auto ended = std::make_shared<std::promise<fetch_end>>();
    end_ = ended->get_future();
    fetch_ = std::make_unique<version_fetch>(
        at.store(), hash, options, seed,
        version_fetch::events{std::move(on_progress),
                              [ended](const auto& error, const auto& at_end) {
                                ended->set_value({error, at_end});
                              }});
  }
  version_fetch& operator*() { return *fetch_; }
  void peers(std::vector<chunk_peer> all) { fetch_->peers(std::move(all)); }
  [[nodiscard]] bool has_ended(std::chrono::milliseconds within) {
    return end_.wait_for(within) == std::future_status::ready;
  }
  [[nodiscard]] fetch_end wait() {
    if (!has_ended(std::chrono::seconds{60})) throw std::runtime_error{"the fetch does not end"};
    return end_.get();
  }
  void drop() { fetch_.reset(); }

 private:
  std::future<fetch_end> end_;
  std::unique_ptr<version_fetch> fetch_;
};

inline fetch_end fetch_from(weights_node& at, const weight_hash& hash,
                            std::vector<chunk_peer> peers,
                            std::optional<version_fetch_options> options = {}) {
  running_fetch fetch{at, hash, options ? *options : at.fetch_options()};
  fetch.peers(std::move(peers));
  return fetch.wait();
}

/// What the version's files are on a node; empty: it is not there.
inline std::string file_text(const weights_node& at, const weight_hash& hash,
                             const std::string& name) {
  auto path = at.store()->path_of(hash);
  if (!path) return {};
  return read_text(std::filesystem::is_directory(*path) ? *path / name : *path);
}

}  // namespace tandem::test
