#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "schema/cache_item.hpp"

namespace tandem {

/// Items by key, each in one of two queues, and the ghosts of some that were there; what both
/// policies are made of. Items lie densely in chunks, linked by their numbers; an open-addressing
/// index of many small segments finds them, so that no growth takes long or needs much room beside
/// what there is. All that is taken from the heap is counted as malloc takes it.
///
/// An item's number holds until the next erase().
class item_table {
 public:
  using number = std::uint32_t;
  static constexpr number none = ~number{0};

  struct node {
    cache_key key;
    cache_item item;
    number newer = none;
    number older = none;
    /// For the policy.
    std::uint8_t uses = 0;
    std::uint8_t queue = 0;
  };

  struct queue {
    number newest = none;
    number oldest = none;
    std::size_t size = 0;
    /// Values, nodes and their share of the index.
    std::size_t bytes = 0;
  };

  /// `bytes_max`: how large it will become; sets the number of segments.
  explicit item_table(std::size_t bytes_max);

  [[nodiscard]] number find(const cache_key& key) const;
  [[nodiscard]] node& at(number n) { return chunks_[n / chunk_size][n % chunk_size]; }
  [[nodiscard]] const node& at(number n) const { return chunks_[n / chunk_size][n % chunk_size]; }
  [[nodiscard]] const queue& of(std::uint8_t q) const { return queues_[q]; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const;

  /// The most that insert() of this key, or add_ghost(), takes beside the value, even for a moment.
  [[nodiscard]] std::size_t growth_for(const cache_key& key) const;
  /// As the newest of its queue. Precondition: not there, and its ghost taken.
  void insert(const cache_key& key, cache_item item, std::uint8_t to);
  void replace(number n, cache_item item);
  /// The item with the highest number takes this one's.
  void erase(number n);
  void make_newest(number n, std::uint8_t in);

  void add_ghost(const cache_key& key);
  /// Whether there was one; it is gone then.
  bool take_ghost(const cache_key& key);
  void keep_ghosts(std::size_t most);
  [[nodiscard]] std::size_t ghosts() const { return ghosts_; }

 private:
  /// `ref`: an item's number, or ghost_bit and the ghost's place in its queue.
  struct slot {
    std::uint32_t tag = 0;
    std::uint32_t ref = none;
  };
  struct segment {
    std::unique_ptr<slot[]> slots;
    std::uint32_t capacity = 0;
    std::uint32_t size = 0;
  };

  static constexpr std::uint32_t ghost_bit = std::uint32_t{1} << 31;
  static constexpr std::size_t chunk_size = 64;

  [[nodiscard]] segment& segment_of(std::uint64_t hash) { return segments_[hash & segment_mask_]; }
  [[nodiscard]] const segment& segment_of(std::uint64_t hash) const {
    return segments_[hash & segment_mask_];
  }
  void add_slot(std::uint64_t hash, std::uint32_t ref);
  /// The place of exactly this slot; nothing: `none`.
  [[nodiscard]] static std::uint32_t place_of(const segment& in, std::uint32_t tag,
                                              std::uint32_t ref);
  void remove_slot(segment& in, std::uint32_t place);
  void resize(segment& of, std::uint32_t capacity);
  void link(number n, std::uint8_t in);
  void unlink(number n);
  void move_node(number from, number to);
  [[nodiscard]] static std::size_t cost_of(const node& of);
  [[nodiscard]] std::uint32_t ghost_ref(std::uint64_t place) const;

  std::vector<std::unique_ptr<node[]>> chunks_;
  std::size_t size_ = 0;
  std::array<queue, 2> queues_;
  std::vector<segment> segments_;
  std::uint64_t segment_mask_;
  std::size_t value_bytes_ = 0;
  std::size_t slot_bytes_ = 0;
  /// Hashes, oldest first; those that were taken are still among them.
  std::deque<std::uint64_t> ghost_queue_;
  std::uint64_t oldest_ghost_ = 0;
  std::size_t ghosts_ = 0;
};

}  // namespace tandem
