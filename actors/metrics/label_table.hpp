#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace tandem {

/// Values of labels, each with the handles of what is counted under it. Looking one up takes no
/// lock and no memory. At most `Max` are told apart; more share one, made for `other` and 0. Open
/// addressing: entries are only added, so a reader sees each of them whole or not at all.
template <class Handles, std::size_t Max>
class label_table {
 public:
  static constexpr std::string_view other = "other";

  /// `make(value, number)` is called once for each pair, under a lock.
  template <class Make>
  Handles& find(std::string_view value, std::uint32_t number, const Make& make) {
    if (auto* known = look_up(value, number)) return known->handles;
    std::lock_guard lock{mutex_};
    if (auto* known = look_up(value, number)) return known->handles;
    if (entries_.size() < Max) return add(value, number, make).handles;
    if (auto* shared = look_up(other, 0)) return shared->handles;
    return add(other, 0, make).handles;
  }

 private:
  struct entry {
    std::string value;
    std::uint32_t number;
    Handles handles;
  };

  static constexpr std::size_t places = std::bit_ceil(2 * (Max + 1));

  static std::size_t first_place(std::string_view value, std::uint32_t number) {
    auto hash = std::hash<std::string_view>{}(value);
    return (hash ^ (number * 0x9E37'79B9'7F4A'7C15ULL)) % places;
  }

  entry* look_up(std::string_view value, std::uint32_t number) {
    for (auto at = first_place(value, number);; at = (at + 1) % places) {
      auto* here = table_[at].load(std::memory_order_acquire);
      if (here == nullptr) return nullptr;
      if (here->number == number && here->value == value) return here;
    }
  }

  template <class Make>
  entry& add(std::string_view value, std::uint32_t number, const Make& make) {
    auto& made = entries_.emplace_back(entry{std::string{value}, number, make(value, number)});
    auto at = first_place(value, number);
    while (table_[at].load(std::memory_order_relaxed) != nullptr) at = (at + 1) % places;
    table_[at].store(&made, std::memory_order_release);
    return made;
  }

  std::mutex mutex_;
  std::deque<entry> entries_;
  std::array<std::atomic<entry*>, places> table_{};
};

}  // namespace tandem
