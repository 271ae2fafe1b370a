#include "actors/gateway/keys/key_text.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>
#include <new>

#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::string_view prefix = "tdm_";
constexpr std::size_t secret_bytes = 32;
constexpr std::string_view base64url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// 32 letters, so that a random byte gives each with the same chance; none is taken for another.
constexpr std::string_view id_letters = "abcdefghijkmnpqrstuvwxyz23456789";
static_assert(id_letters.size() == 32);

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string encode(const std::array<unsigned char, secret_bytes>& bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (auto byte : bytes) {
    bits = (bits << 8) | byte;
    for (held += 8; held >= 6; held -= 6) out += base64url[(bits >> (held - 6)) & 63u];
  }
  if (held > 0) out += base64url[(bits << (6 - held)) & 63u];
  return out;
}

const EVP_MD* sha256() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return method;
}

struct context_free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

caf::expected<new_key> make_key() {
  std::array<unsigned char, key_id_size> id{};
  std::array<unsigned char, secret_bytes> secret{};
  if (RAND_bytes(id.data(), static_cast<int>(id.size())) != 1 ||
      RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1)
    return make_error(errc::internal, "the operating system gives no random bytes for a key");
  new_key out;
  for (auto byte : id) out.id += id_letters[byte % id_letters.size()];
  out.text = std::string{prefix} + out.id + '_' + encode(secret);
  OPENSSL_cleanse(secret.data(), secret.size());
  out.hash = hash_key(out.text);
  return out;
}

bool is_key_id(std::string_view text) {
  return text.size() == key_id_size && std::all_of(text.begin(), text.end(), is_alphanumeric);
}

std::optional<std::string_view> id_in_key(std::string_view text) {
  if (text.size() != key_text_size || !text.starts_with(prefix)) return std::nullopt;
  auto id = text.substr(prefix.size(), key_id_size);
  auto secret = text.substr(prefix.size() + key_id_size + 1);
  if (!is_key_id(id) || text[prefix.size() + key_id_size] != '_') return std::nullopt;
  if (secret.find_first_not_of(base64url) != std::string_view::npos) return std::nullopt;
  return id;
}

key_hash_bytes hash_key(std::string_view text) {
  // One a thread: making one costs more than the hash.
  thread_local const std::unique_ptr<EVP_MD_CTX, context_free> context{EVP_MD_CTX_new()};
  key_hash_bytes out{};
  if (!context || EVP_DigestInit_ex(context.get(), sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), out.data(), nullptr) != 1)
    throw std::bad_alloc();
  return out;
}

bool same_hash(const key_hash_bytes& left, const key_hash_bytes& right) {
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string_view key_in_header(std::string_view value) {
  constexpr std::string_view spaces = " \t";
  auto trim = [&](std::string_view text) {
    auto first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos) return std::string_view{};
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
  };
  value = trim(value);
  auto space = value.find_first_of(spaces);
  if (space == std::string_view::npos) return value;
  constexpr std::string_view bearer = "bearer";
  auto scheme = value.substr(0, space);
  auto matches = [](char a, char b) { return (a | 0x20) == b; };
  if (!std::equal(scheme.begin(), scheme.end(), bearer.begin(), bearer.end(), matches)) return {};
  return trim(value.substr(space));
}

}  // namespace tandem
