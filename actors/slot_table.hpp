#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace tandem {

/// Memory of zeros that the system commits only where it is written.
template <class T>
class zeroed_array {
 public:
  explicit zeroed_array(std::size_t size)
      : data_{static_cast<T*>(std::calloc(size == 0 ? 1 : size, sizeof(T)))} {
    if (data_ == nullptr) throw std::bad_alloc{};
  }
  [[nodiscard]] T& operator[](std::size_t i) { return data_.get()[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return data_.get()[i]; }

 private:
  struct release {
    void operator()(T* data) const { std::free(data); }
  };
  std::unique_ptr<T, release> data_;
};

/// Finds numbers by a hash of what they stand for: open addressing with linear probing, of a size
/// that never changes (Knuth 6.4, deletion by algorithm R). The owner keeps it at most two thirds
/// full. Half of the hash lies beside each number, so that what it stands for is looked at only
/// where it is the one. A slot is eight bytes.
class slot_table {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  explicit slot_table(std::size_t slots) : slots_{slots}, size_{slots} {}
  /// So many that `numbers` of them leave a third free.
  [[nodiscard]] static std::size_t slots_for(std::size_t numbers) {
    return numbers + numbers / 2 + 1;
  }
  [[nodiscard]] static std::size_t bytes(std::size_t slots) { return slots * sizeof(slot); }

  template <class IsIt>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, IsIt is_it) const {
    auto tag = tag_of(hash);
    for (auto at = home(tag); slots_[at].number != 0; at = after(at))
      if (slots_[at].tag == tag && is_it(slots_[at].number - 1)) return slots_[at].number - 1;
    return none;
  }
  /// Not there yet.
  void insert(std::uint64_t hash, std::uint32_t number) {
    auto at = home(tag_of(hash));
    while (slots_[at].number != 0) at = after(at);
    slots_[at] = {number + 1, tag_of(hash)};
  }
  /// Is there.
  void erase(std::uint64_t hash, std::uint32_t number) {
    auto hole = home(tag_of(hash));
    while (slots_[hole].number != number + 1) hole = after(hole);
    for (auto at = after(hole); slots_[at].number != 0; at = after(at)) {
      auto from = home(slots_[at].tag);
      if (distance(from, at) < distance(hole, at)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole].number = 0;
  }
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&slots_[home(tag_of(hash))]); }

 private:
  struct slot {
    /// + 1; 0: free.
    std::uint32_t number;
    std::uint32_t tag;
  };

  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 32);
  }
  [[nodiscard]] std::size_t home(std::uint64_t tag) const { return tag * size_ >> 32; }
  [[nodiscard]] std::size_t after(std::size_t at) const { return at + 1 == size_ ? 0 : at + 1; }
  [[nodiscard]] std::size_t distance(std::size_t from, std::size_t to) const {
    return to >= from ? to - from : to + size_ - from;
  }

  zeroed_array<slot> slots_;
  std::size_t size_;
};

}  // namespace tandem
