#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/error.hpp>

#include "actors/weights/version_store.hpp"

namespace tandem {

/// Somebody who has chunks of the wanted version.
struct chunk_peer {
  std::string node;
  /// `https://host:port`.
  std::string url;
  /// A bit for each chunk, lowest first.
  std::vector<std::uint8_t> have;
  /// Complete versions that it has: bases of differences.
  std::vector<weight_hash> complete;
};

struct version_fetch_options {
  std::filesystem::path cert_file, key_file, ca_file;
  /// Download limit; 0: none.
  std::uint64_t bytes_per_s = 0;
  /// Requests under way: in all, and at one peer.
  std::size_t requests_max = 8;
  std::size_t requests_per_peer_max = 4;
  /// Asks for differences where there is a base.
  bool deltas = true;
  /// A request that brings nothing for so long is given up.
  std::chrono::milliseconds idle_timeout{std::chrono::seconds{10}};
};

struct fetch_progress {
  std::uint64_t done_bytes = 0, total_bytes = 0;
  /// Over the network.
  std::uint64_t moved_bytes = 0;
  double bytes_per_s = 0;
  /// `node: what it did`, of peers that are not asked any more.
  std::vector<std::string> avoided;
};

/// Brings one version to a version_store from all peers that have parts of it: the rarest chunks
/// first, in an order of its own (by `seed`) among equally rare ones, so that nodes that fetch at
/// the same time have different chunks to give each other; each chunk verified as it comes; a peer
/// that sends what does not match, or fails three times in a row, is avoided (by name; all avoided:
/// an error that names them); near the end the last chunks are asked for twice. Has a thread and
/// connections of its own. Memory: requests_max chunks and their differences.
class version_fetch {
 public:
  /// Callable from its own thread.
  struct events {
    /// Some chunks have come: now and then, not for each.
    std::function<void(const fetch_progress&)> on_progress;
    /// Once, last: no error when the version is complete in the store. `unavailable`: nobody has
    /// what is missing, peers() may help later.
    std::function<void(const caf::error&, const fetch_progress&)> on_end;
  };

  /// `hash` names the version; the manifest is asked of the peers when the store has none.
  version_fetch(std::shared_ptr<version_store> store, const weight_hash& hash,
                const version_fetch_options& options, std::uint64_t seed, events report);
  /// Stops, without on_end.
  ~version_fetch();
  version_fetch(const version_fetch&) = delete;
  version_fetch& operator=(const version_fetch&) = delete;

  /// Who has what, as of now; replaces what was said before. While nobody has what is missing it
  /// waits (the caller decides for how long). Callable from any thread.
  void peers(std::vector<chunk_peer> all);

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace tandem
