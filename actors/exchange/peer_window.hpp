#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace tandem {

/// Bytes under way to one peer, and those that wait here for room: both bounded, so that a peer
/// that has stopped reading makes nothing grow. The peer's receipts say in all how much it has
/// taken in. The other way round: when a receipt is due for what came from it. No actors.
class peer_window {
 public:
  /// What a message takes beside its payload: names of types, headers, addresses.
  static constexpr std::uint64_t overhead_bytes = 256;
  /// A receipt for each so many bytes; windows are larger by far.
  static constexpr std::uint64_t receipt_bytes = std::uint64_t{64} << 10;
  static constexpr std::uint64_t bytes_min = std::uint64_t{1} << 20;

  explicit peer_window(std::uint64_t bytes_max = bytes_min)
      : bytes_max_{std::max(bytes_max, bytes_min)} {}

  [[nodiscard]] std::uint64_t under_way() const { return sent_ - taken_; }
  [[nodiscard]] std::uint64_t waiting() const { return waiting_; }

  [[nodiscard]] bool fits(std::uint64_t bytes) const { return under_way() + bytes <= bytes_max_; }
  void sent(std::uint64_t bytes) { sent_ += bytes; }
  /// An older receipt, or one for more than was sent, changes nothing.
  void receipt(std::uint64_t in_all) {
    if (in_all > taken_ && in_all <= sent_) taken_ = in_all;
  }

  /// False: as much waits already as may. One alone may, however large: it goes in pieces.
  [[nodiscard]] bool wait(std::uint64_t bytes) {
    if (waiting_ != 0 && waiting_ + bytes > bytes_max_) return false;
    waiting_ += bytes;
    return true;
  }
  /// The rest of what has gone in part.
  void must_wait(std::uint64_t bytes) { waiting_ += bytes; }
  void waited(std::uint64_t bytes) { waiting_ -= std::min(bytes, waiting_); }

  /// Takes in what the peer sent; the receipt's number when one is due.
  [[nodiscard]] std::optional<std::uint64_t> received(std::uint64_t bytes) {
    received_ += bytes;
    if (received_ - told_ < receipt_bytes) return std::nullopt;
    told_ = received_;
    return told_;
  }

 private:
  std::uint64_t bytes_max_;
  std::uint64_t sent_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t waiting_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t told_ = 0;
};

}  // namespace tandem
