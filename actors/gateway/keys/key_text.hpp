#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <caf/expected.hpp>

namespace tandem {

/// SHA-256 of a whole key. A key has 256 random bits: nobody finds it by trying, so that a slow
/// hash, which passwords need, would only cost time at every request.
using key_hash_bytes = std::array<std::uint8_t, 32>;

/// `tdm_` ID `_` SECRET: ID 12 letters or digits, public; SECRET 43 of base64url.
struct new_key {
  std::string id;
  /// The whole text; nobody keeps it.
  std::string text;
  key_hash_bytes hash{};
};

inline constexpr std::size_t key_id_size = 12;
inline constexpr std::size_t key_text_size = 4 + key_id_size + 1 + 43;

/// From the operating system's randomness, through OpenSSL. `internal`: it has none.
[[nodiscard]] caf::expected<new_key> make_key();

/// The id in what may be a key's whole text; nothing: it has not that form.
[[nodiscard]] std::optional<std::string_view> id_in_key(std::string_view text);
[[nodiscard]] bool is_key_id(std::string_view text);

[[nodiscard]] key_hash_bytes hash_key(std::string_view text);
/// Takes as long whatever differs.
[[nodiscard]] bool same_hash(const key_hash_bytes& left, const key_hash_bytes& right);

/// The key in the value of an `Authorization` header: `Bearer KEY`, in any case, any spaces. A text
/// without a scheme is taken as the key itself (`x-api-key`). Empty: none.
[[nodiscard]] std::string_view key_in_header(std::string_view value);

}  // namespace tandem
