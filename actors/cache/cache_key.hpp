#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "schema/cache_item.hpp"

namespace tandem {

/// Makes keys: SHA-256 (OpenSSL) over a list of fields. Each field is its kind (text or number),
/// its tag and, for text, its length, then its bytes; so two lists of fields give the same bytes
/// only when they are the same list, and nobody's text can pass for another field.
///   builder.add(1, tenant).add(2, version); auto key = builder.finish();
/// One builder makes any number of keys, one after the other, in one thread.
class cache_key_builder {
 public:
  /// Throws std::bad_alloc when OpenSSL cannot give it a context.
  cache_key_builder();
  ~cache_key_builder();
  cache_key_builder(const cache_key_builder&) = delete;
  cache_key_builder& operator=(const cache_key_builder&) = delete;

  cache_key_builder& add(std::uint8_t tag, std::string_view text);
  cache_key_builder& add(std::uint8_t tag, std::uint64_t number);
  /// The key of what was added since the last finish().
  [[nodiscard]] cache_key finish();

 private:
  struct digest;

  void append(const void* bytes, std::size_t size);
  void flush();

  std::unique_ptr<digest> digest_;
  // Short fields are gathered: each call of OpenSSL costs more than hashing them.
  std::array<std::uint8_t, 512> gathered_{};
  std::size_t gathered_size_ = 0;
};

}  // namespace tandem
