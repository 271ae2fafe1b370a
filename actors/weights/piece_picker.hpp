#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tandem {

struct picker_limits {
  /// Requests under way: in all, and at one peer.
  std::size_t requests_max = 8;
  std::size_t requests_per_peer_max = 4;
  /// In a row, after which a peer is avoided. Requests that were under way together fail as one.
  std::size_t failures_max = 3;
  /// After the first failure; twice as long after the next.
  std::chrono::milliseconds retry_pause{250};
  /// At the end, a piece is asked for again, of somebody else, once its request has taken this many
  /// times what requests take, and no less than the pause.
  double patience = 3;
  std::chrono::milliseconds patience_min{100};
};

/// Who is asked for which piece next: what the fewest have first; in an order of its own among
/// equally rare ones, so that nodes that fetch at the same time have different pieces to give each
/// other. Of those who have it, the one with the fewest requests under way. Peers are known by
/// name: who lied is not asked again; who failed too often only when it comes back under another
/// url. Every request ends in exactly one of the calls that take its ticket. Not thread-safe.
class piece_picker {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  struct peer {
    std::string name;
    std::string url;
    /// A bit for each piece, lowest first; short or empty: the rest is not there.
    std::vector<std::uint8_t> have;
  };
  struct request {
    std::uint64_t ticket = 0;
    std::string peer;
    std::string url;
    /// Of next_peer(): none.
    std::size_t piece = 0;
  };

  piece_picker(const picker_limits& limits, std::uint64_t seed);

  /// What there is to get, and what is here already; no more requests at once than so many.
  void pieces(std::size_t count, std::span<const std::uint8_t> have, std::size_t requests_max);
  /// Who has what as of now; replaces what was said before.
  void peers(std::vector<peer> all);

  [[nodiscard]] std::optional<request> next(time_point now);
  /// Somebody who has something, to ask for what all of them have.
  [[nodiscard]] std::optional<request> next_peer(time_point now);
  /// Without news, next() has nothing before; max(): never.
  [[nodiscard]] time_point wake_at() const { return wake_at_; }

  /// The piece is here. Tickets of other requests for it, which are to be cancelled.
  [[nodiscard]] std::vector<std::uint64_t> arrived(std::uint64_t ticket, time_point now);
  void failed(std::uint64_t ticket, const std::string& why, time_point now);
  void lied(std::uint64_t ticket, const std::string& why);
  /// It does not have the piece, or nothing at all, until peers() says so again.
  void lacks(std::uint64_t ticket, bool everything);
  void cancelled(std::uint64_t ticket);

  [[nodiscard]] bool is_here(std::size_t piece) const { return pieces_[piece].here; }
  [[nodiscard]] std::size_t missing() const { return missing_; }
  [[nodiscard]] std::size_t running() const { return running_.size(); }
  /// There are peers, and none of them may be asked.
  [[nodiscard]] bool all_avoided() const;
  /// `name: what it did`.
  [[nodiscard]] std::vector<std::string> avoided() const;

 private:
  struct piece_state {
    std::uint32_t rank = 0;
    std::uint32_t seen = 0;
    std::uint8_t requests = 0;
    bool here = false;
  };
  struct peer_state {
    peer said;
    std::size_t pieces = 0;
    std::size_t running = 0;
    std::size_t failures = 0;
    /// Requests with lower tickets fail with the one that has been counted.
    std::uint64_t counted_until = 0;
    time_point not_before{};
    bool present = false;
    bool has_lied = false;
    bool has_failed = false;
    std::string why;
    [[nodiscard]] bool is_avoided() const { return has_lied || has_failed; }
    [[nodiscard]] bool has(std::size_t piece) const {
      return piece / 8 < said.have.size() && (said.have[piece / 8] >> (piece % 8) & 1) != 0;
    }
  };
  struct running_request {
    std::string peer;
    std::optional<std::size_t> piece;
    time_point began;
  };

  void count();
  [[nodiscard]] bool may_be_asked(const peer_state& one, time_point now);
  [[nodiscard]] peer_state* best_peer(std::optional<std::size_t> piece, const std::string* other,
                                      time_point now);
  request begin(peer_state& at, std::optional<std::size_t> piece, time_point now);
  [[nodiscard]] std::optional<request> again(time_point now);
  running_request end(std::uint64_t ticket);

  picker_limits limits_;
  std::uint64_t seed_;
  std::vector<piece_state> pieces_;
  /// Pieces that are missing, rarest first; those before `first_` are here or asked for.
  std::vector<std::uint32_t> order_;
  std::size_t first_ = 0;
  std::size_t missing_ = 0;
  std::map<std::string, peer_state> peers_;
  std::map<std::uint64_t, running_request> running_;
  std::uint64_t last_ticket_ = 0;
  /// What a request takes, smoothed.
  std::chrono::duration<double> usual_{0};
  time_point wake_at_ = time_point::max();
};

}  // namespace tandem
