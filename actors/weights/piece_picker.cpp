#include "actors/weights/piece_picker.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

namespace tandem {
namespace {

constexpr std::size_t words_max = 200;
/// Of the newest request in the smoothed time.
constexpr double newest_share = 0.2;

}  // namespace

piece_picker::piece_picker(const picker_limits& limits, std::uint64_t seed)
    : limits_{limits}, seed_{seed} {}

void piece_picker::pieces(std::size_t count_of_all, std::span<const std::uint8_t> have,
                          std::size_t requests_max) {
  limits_.requests_max = std::min(limits_.requests_max, requests_max);
  pieces_.assign(count_of_all, {});
  std::vector<std::uint32_t> ranks(count_of_all);
  std::iota(ranks.begin(), ranks.end(), 0u);
  std::mt19937_64 random{seed_};
  std::shuffle(ranks.begin(), ranks.end(), random);
  missing_ = count_of_all;
  for (std::size_t i = 0; i < count_of_all; ++i) {
    pieces_[i].rank = ranks[i];
    pieces_[i].here = i / 8 < have.size() && (have[i / 8] >> (i % 8) & 1) != 0;
    if (pieces_[i].here) --missing_;
  }
  count();
}

void piece_picker::peers(std::vector<peer> all) {
  for (auto& [name, one] : peers_) one.present = false;
  for (auto& said : all) {
    auto& one = peers_[said.name];
    if (one.said.url != said.url) {
      // Where it failed it is no more.
      one.failures = 0;
      one.has_failed = false;
      one.not_before = {};
    }
    one.present = true;
    one.said = std::move(said);
  }
  std::erase_if(peers_, [](const auto& entry) {
    const auto& one = entry.second;
    return !one.present && one.running == 0 && !one.is_avoided();
  });
  count();
}

void piece_picker::count() {
  for (auto& piece : pieces_) piece.seen = 0;
  for (auto& [name, one] : peers_) {
    one.pieces = 0;
    if (!one.present || one.is_avoided()) continue;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      if (!one.has(i)) continue;
      ++pieces_[i].seen;
      ++one.pieces;
    }
  }
  order_.clear();
  for (std::size_t i = 0; i < pieces_.size(); ++i)
    if (!pieces_[i].here && pieces_[i].seen > 0) order_.push_back(static_cast<std::uint32_t>(i));
  std::sort(order_.begin(), order_.end(), [this](auto a, auto b) {
    return std::pair{pieces_[a].seen, pieces_[a].rank} <
           std::pair{pieces_[b].seen, pieces_[b].rank};
  });
  first_ = 0;
}

bool piece_picker::may_be_asked(const peer_state& one, time_point now) {
  if (!one.present || one.is_avoided() || one.running >= limits_.requests_per_peer_max)
    return false;
  // After a failure one request alone shows whether it is back.
  if (one.failures > 0 && one.running > 0) return false;
  if (one.not_before <= now) return true;
  wake_at_ = std::min(wake_at_, one.not_before);
  return false;
}

piece_picker::peer_state* piece_picker::best_peer(std::optional<std::size_t> piece,
                                                  const std::string* other, time_point now) {
  peer_state* best = nullptr;
  for (auto& [name, one] : peers_) {
    if (piece ? !one.has(*piece) : one.said.have.empty()) continue;
    if (other != nullptr && name == *other) continue;
    if (!may_be_asked(one, now)) continue;
    // Who has little is asked rather than who has all: the others need that one more.
    if (best == nullptr ||
        std::pair{one.running, one.pieces} < std::pair{best->running, best->pieces})
      best = &one;
  }
  return best;
}

std::optional<piece_picker::request> piece_picker::next(time_point now) {
  wake_at_ = time_point::max();
  if (running_.size() >= limits_.requests_max || missing_ == 0) return std::nullopt;
  if (std::none_of(peers_.begin(), peers_.end(),
                   [&](const auto& entry) { return may_be_asked(entry.second, now); }))
    return std::nullopt;
  auto is_wanted = [this](std::uint32_t i) { return !pieces_[i].here && pieces_[i].requests == 0; };
  while (first_ < order_.size() && !is_wanted(order_[first_])) ++first_;
  bool any_wanted = false;
  for (auto at = first_; at < order_.size(); ++at) {
    auto piece = order_[at];
    if (!is_wanted(piece)) continue;
    any_wanted = true;
    if (auto* peer = best_peer(piece, nullptr, now)) return begin(*peer, piece, now);
  }
  if (any_wanted) return std::nullopt;
  return again(now);
}

std::optional<piece_picker::request> piece_picker::again(time_point now) {
  auto patience =
      std::max<std::chrono::duration<double>>(limits_.patience_min, usual_ * limits_.patience);
  for (const auto& [ticket, one] : running_) {
    if (!one.piece || pieces_[*one.piece].requests > 1 || pieces_[*one.piece].here) continue;
    auto* peer = best_peer(*one.piece, &one.peer, now);
    if (peer == nullptr) continue;
    auto at = one.began + std::chrono::duration_cast<std::chrono::steady_clock::duration>(patience);
    if (at <= now) return begin(*peer, *one.piece, now);
    wake_at_ = std::min(wake_at_, at);
  }
  return std::nullopt;
}

std::optional<piece_picker::request> piece_picker::next_peer(time_point now) {
  wake_at_ = time_point::max();
  auto* peer = best_peer(std::nullopt, nullptr, now);
  if (peer == nullptr) return std::nullopt;
  return begin(*peer, std::nullopt, now);
}

piece_picker::request piece_picker::begin(peer_state& at, std::optional<std::size_t> piece,
                                          time_point now) {
  ++at.running;
  if (piece) ++pieces_[*piece].requests;
  auto ticket = ++last_ticket_;
  running_.emplace(ticket, running_request{at.said.name, piece, now});
  return {ticket, at.said.name, at.said.url, piece.value_or(0)};
}

piece_picker::running_request piece_picker::end(std::uint64_t ticket) {
  auto node = running_.extract(ticket);
  if (node.empty()) return {};
  auto out = std::move(node.mapped());
  --peers_[out.peer].running;
  if (out.piece) {
    --pieces_[*out.piece].requests;
    // It may be wanted again.
    first_ = 0;
  }
  return out;
}

std::vector<std::uint64_t> piece_picker::arrived(std::uint64_t ticket, time_point now) {
  auto done = end(ticket);
  auto& peer = peers_[done.peer];
  peer.failures = 0;
  peer.not_before = {};
  if (!done.piece) return {};
  std::chrono::duration<double> took = now - done.began;
  usual_ = usual_.count() == 0 ? took : usual_ * (1 - newest_share) + took * newest_share;
  auto& piece = pieces_[*done.piece];
  if (!std::exchange(piece.here, true)) --missing_;
  std::vector<std::uint64_t> others;
  for (const auto& [other, one] : running_)
    if (one.piece == done.piece) others.push_back(other);
  return others;
}

void piece_picker::failed(std::uint64_t ticket, const std::string& why, time_point now) {
  auto done = end(ticket);
  auto& peer = peers_[done.peer];
  if (ticket <= peer.counted_until) return;
  peer.counted_until = last_ticket_;
  peer.not_before = now + limits_.retry_pause * (1 << std::min<std::size_t>(peer.failures, 8));
  if (++peer.failures < limits_.failures_max) return;
  peer.has_failed = true;
  if (!peer.has_lied) peer.why = why.substr(0, words_max);
  count();
}

void piece_picker::lied(std::uint64_t ticket, const std::string& why) {
  auto done = end(ticket);
  auto& peer = peers_[done.peer];
  if (std::exchange(peer.has_lied, true)) return;
  peer.why = why.substr(0, words_max);
  count();
}

void piece_picker::lacks(std::uint64_t ticket, bool everything) {
  auto done = end(ticket);
  auto& peer = peers_[done.peer];
  peer.failures = 0;
  if (everything || !done.piece)
    peer.said.have.clear();
  else if (peer.has(*done.piece))
    peer.said.have[*done.piece / 8] &= static_cast<std::uint8_t>(~(1u << (*done.piece % 8)));
}

void piece_picker::cancelled(std::uint64_t ticket) {
  (void)end(ticket);
}

bool piece_picker::all_avoided() const {
  bool any = false;
  for (const auto& [name, one] : peers_) {
    if (!one.present) continue;
    if (!one.is_avoided()) return false;
    any = true;
  }
  return any;
}

std::vector<std::string> piece_picker::avoided() const {
  std::vector<std::string> out;
  for (const auto& [name, one] : peers_)
    if (one.is_avoided()) out.push_back(name + ": " + one.why);
  return out;
}

}  // namespace tandem
