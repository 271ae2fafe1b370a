#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem {

/// Shared, since it is large and never changes.
using embedding = std::shared_ptr<const std::vector<float>>;

/// SHA-256: nobody can make two texts that look the same.
using text_digest = std::array<std::uint8_t, 32>;
[[nodiscard]] text_digest digest_of(std::string_view text);

/// The vectors of the latest texts; the one that was not asked for the longest leaves first. Not
/// thread-safe.
class embedding_cache {
 public:
  explicit embedding_cache(std::size_t entries_max) : entries_max_{entries_max} {}

  /// Null: not known.
  [[nodiscard]] embedding find(const text_digest& text);
  void put(const text_digest& text, embedding vector);
  [[nodiscard]] std::size_t size() const { return places_.size(); }

 private:
  using entry = std::pair<text_digest, embedding>;

  std::size_t entries_max_;
  /// The latest first.
  std::list<entry> line_;
  std::map<text_digest, std::list<entry>::iterator> places_;
};

}  // namespace tandem
