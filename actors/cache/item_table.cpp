#include "actors/cache/item_table.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "actors/cache/heap_size.hpp"

namespace tandem {

namespace {

/// A segment's share of the cache: small enough that to rebuild its index is a matter of
/// microseconds.
constexpr std::size_t segment_share_bytes = std::size_t{128} << 10;
constexpr std::size_t segments_max = std::size_t{1} << 20;
constexpr std::uint32_t slots_min = 16;
/// An index slot, half empty on average.
constexpr std::size_t index_share_bytes = 16;

std::uint32_t tag_of(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> 32);
}

/// libstdc++'s deque: blocks of 512 bytes, and a list of them.
std::size_t deque_bytes(std::size_t elements) {
  constexpr std::size_t block = 512, per_block = block / sizeof(std::uint64_t);
  const auto blocks = elements / per_block + 2;
  return blocks * (heap_size(block) + 2 * sizeof(void*)) + heap_size(8 * sizeof(void*));
}

}  // namespace

item_table::item_table(std::size_t bytes_max)
    : segments_(std::clamp(std::bit_ceil(bytes_max / segment_share_bytes + 1) / 2, std::size_t{1},
                           segments_max)),
      segment_mask_(segments_.size() - 1) {
  // Never moved: for a moment there would be two of them.
  chunks_.reserve(bytes_max / heap_size(chunk_size * sizeof(node)) + 1);
}

std::size_t item_table::bytes() const {
  return sizeof *this + heap_size(chunks_.capacity() * sizeof chunks_[0]) +
         heap_size(segments_.capacity() * sizeof segments_[0]) +
         chunks_.size() * heap_size(chunk_size * sizeof(node)) + value_bytes_ + slot_bytes_ +
         deque_bytes(ghost_queue_.size());
}

std::size_t item_table::cost_of(const node& of) {
  return heap_size(of.item.value) + sizeof(node) + index_share_bytes;
}

item_table::number item_table::find(const cache_key& key) const {
  const auto hash = hash_of(key);
  const auto& in = segment_of(hash);
  if (in.size == 0) return none;
  const auto tag = tag_of(hash);
  const auto mask = in.capacity - 1;
  for (auto place = tag & mask; in.slots[place].ref != none; place = (place + 1) & mask) {
    const auto& s = in.slots[place];
    if (s.tag == tag && (s.ref & ghost_bit) == 0 && at(s.ref).key == key) return s.ref;
  }
  return none;
}

std::uint32_t item_table::place_of(const segment& in, std::uint32_t tag, std::uint32_t ref) {
  if (in.size == 0) return none;
  const auto mask = in.capacity - 1;
  for (auto place = tag & mask; in.slots[place].ref != none; place = (place + 1) & mask)
    if (in.slots[place].ref == ref && in.slots[place].tag == tag) return place;
  return none;
}

std::size_t item_table::growth_for(const cache_key& key) const {
  const auto& in = segment_of(hash_of(key));
  std::size_t growth = heap_size(2 * std::max(in.capacity, slots_min) * sizeof(slot));
  if (size_ == chunks_.size() * chunk_size) growth += heap_size(chunk_size * sizeof(node));
  return growth;
}

void item_table::resize(segment& of, std::uint32_t capacity) {
  auto slots = std::make_unique<slot[]>(capacity);
  const auto mask = capacity - 1;
  for (std::uint32_t i = 0; i < of.capacity; ++i) {
    if (of.slots[i].ref == none) continue;
    auto place = of.slots[i].tag & mask;
    while (slots[place].ref != none) place = (place + 1) & mask;
    slots[place] = of.slots[i];
  }
  if (of.capacity != 0) slot_bytes_ -= heap_size(of.capacity * sizeof(slot));
  slot_bytes_ += heap_size(capacity * sizeof(slot));
  of.slots = std::move(slots);
  of.capacity = capacity;
}

void item_table::add_slot(std::uint64_t hash, std::uint32_t ref) {
  auto& in = segment_of(hash);
  // At most three quarters full.
  if ((in.size + 1) * 4 > in.capacity * 3) resize(in, std::max(2 * in.capacity, slots_min));
  const auto mask = in.capacity - 1;
  auto place = tag_of(hash) & mask;
  while (in.slots[place].ref != none) place = (place + 1) & mask;
  in.slots[place] = {tag_of(hash), ref};
  ++in.size;
}

void item_table::remove_slot(segment& in, std::uint32_t place) {
  const auto mask = in.capacity - 1;
  // Those behind it move up, unless that would bring them before their own place.
  for (auto next = (place + 1) & mask; in.slots[next].ref != none; next = (next + 1) & mask) {
    const auto home = in.slots[next].tag & mask;
    if (((next - home) & mask) < ((next - place) & mask)) continue;
    in.slots[place] = in.slots[next];
    place = next;
  }
  in.slots[place] = {};
  --in.size;
  if (in.capacity > slots_min && in.size < in.capacity / 8) resize(in, in.capacity / 2);
}

void item_table::link(number n, std::uint8_t in) {
  auto& x = at(n);
  auto& q = queues_[in];
  x.queue = in;
  x.newer = none;
  x.older = q.newest;
  if (q.newest != none) at(q.newest).newer = n;
  q.newest = n;
  if (q.oldest == none) q.oldest = n;
  ++q.size;
  q.bytes += cost_of(x);
}

void item_table::unlink(number n) {
  auto& x = at(n);
  auto& q = queues_[x.queue];
  (x.newer != none ? at(x.newer).older : q.newest) = x.older;
  (x.older != none ? at(x.older).newer : q.oldest) = x.newer;
  --q.size;
  q.bytes -= cost_of(x);
}

void item_table::insert(const cache_key& key, cache_item item, std::uint8_t to) {
  if (size_ == chunks_.size() * chunk_size) chunks_.push_back(std::make_unique<node[]>(chunk_size));
  const auto n = static_cast<number>(size_++);
  value_bytes_ += heap_size(item.value);
  auto& x = at(n);
  x.key = key;
  x.item = std::move(item);
  x.uses = 0;
  link(n, to);
  add_slot(hash_of(key), n);
}

void item_table::replace(number n, cache_item item) {
  auto& x = at(n);
  auto& q = queues_[x.queue];
  q.bytes -= cost_of(x);
  value_bytes_ -= heap_size(x.item.value);
  x.item = std::move(item);
  value_bytes_ += heap_size(x.item.value);
  q.bytes += cost_of(x);
}

void item_table::move_node(number from, number to) {
  auto& x = at(from);
  const auto hash = hash_of(x.key);
  auto& in = segment_of(hash);
  in.slots[place_of(in, tag_of(hash), from)].ref = to;
  auto& q = queues_[x.queue];
  (x.newer != none ? at(x.newer).older : q.newest) = to;
  (x.older != none ? at(x.older).newer : q.oldest) = to;
  at(to) = std::move(x);
}

void item_table::erase(number n) {
  auto& x = at(n);
  const auto hash = hash_of(x.key);
  auto& in = segment_of(hash);
  remove_slot(in, place_of(in, tag_of(hash), n));
  unlink(n);
  value_bytes_ -= heap_size(x.item.value);
  x.item = {};
  const auto last = static_cast<number>(--size_);
  if (n != last) move_node(last, n);
  // One empty chunk stays, so that nothing is taken and given back all the time.
  if (chunks_.size() * chunk_size >= size_ + 2 * chunk_size) chunks_.pop_back();
}

void item_table::make_newest(number n, std::uint8_t in) {
  if (queues_[in].newest == n) return;
  unlink(n);
  link(n, in);
}

std::uint32_t item_table::ghost_ref(std::uint64_t place) const {
  return ghost_bit | static_cast<std::uint32_t>(place % (ghost_bit - 1));
}

void item_table::add_ghost(const cache_key& key) {
  const auto hash = hash_of(key);
  add_slot(hash, ghost_ref(oldest_ghost_ + ghost_queue_.size()));
  ghost_queue_.push_back(hash);
  ++ghosts_;
}

bool item_table::take_ghost(const cache_key& key) {
  const auto hash = hash_of(key);
  auto& in = segment_of(hash);
  if (in.size == 0) return false;
  const auto tag = tag_of(hash);
  const auto mask = in.capacity - 1;
  for (auto place = tag & mask; in.slots[place].ref != none; place = (place + 1) & mask) {
    if (in.slots[place].tag != tag || (in.slots[place].ref & ghost_bit) == 0) continue;
    remove_slot(in, place);
    --ghosts_;
    return true;
  }
  return false;
}

void item_table::keep_ghosts(std::size_t most) {
  // The queue also holds those that were taken: it must not grow without them being counted.
  while (ghosts_ > most || ghost_queue_.size() > 2 * most) {
    const auto hash = ghost_queue_.front();
    auto& in = segment_of(hash);
    if (const auto place = place_of(in, tag_of(hash), ghost_ref(oldest_ghost_)); place != none) {
      remove_slot(in, place);
      --ghosts_;
    }
    ghost_queue_.pop_front();
    ++oldest_ghost_;
  }
}

}  // namespace tandem
