#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/cache/cache_key.hpp"

namespace tandem {

/// What was kept once, so that it can be said why it is not there now. A table of fixed size; two
/// that fall on one place forget each other. Some 60 bytes a place.
class miss_notes {
 public:
  explicit miss_notes(std::size_t places = 16'384);

  /// An entry was kept.
  void keep(const cache_key& key, std::uint64_t variant, std::string_view weight_version,
            std::uint64_t expires_ms);
  enum class loss : std::uint8_t { none, damaged, purged };
  void lose(const cache_key& key, loss how);
  /// In words; `weight_version` is that of the call.
  [[nodiscard]] std::string reason(const cache_key& key, std::uint64_t variant,
                                   std::string_view weight_version, std::uint64_t now_ms) const;

 private:
  struct place {
    std::uint64_t key = 0;
    std::uint64_t expires_ms = 0;
    loss how = loss::none;
  };
  struct version {
    std::uint64_t variant = 0;
    /// Cut.
    std::string weights;
  };

  std::vector<place> places_;
  std::vector<version> versions_;
};

}  // namespace tandem
