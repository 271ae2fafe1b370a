#include "actors/cache/cache_key.hpp"

#include <openssl/evp.h>

#include <cstring>
#include <new>

namespace tandem {

namespace {

enum class field_kind : std::uint8_t { text = 1, number = 2 };

/// Looked up once: OpenSSL's own lookup costs as much as a short hash.
const EVP_MD* sha256() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return method;
}

}  // namespace

struct cache_key_builder::digest {
  digest() : context(EVP_MD_CTX_new()) {
    if (context == nullptr || sha256() == nullptr) throw std::bad_alloc();
    begin();
  }
  ~digest() { EVP_MD_CTX_free(context); }
  digest(const digest&) = delete;
  digest& operator=(const digest&) = delete;

  void begin() { require(EVP_DigestInit_ex(context, sha256(), nullptr)); }
  void update(const void* bytes, std::size_t size) {
    require(EVP_DigestUpdate(context, bytes, size));
  }
  void finish(std::uint8_t* to) {
    require(EVP_DigestFinal_ex(context, to, nullptr));
    begin();
  }

  // OpenSSL fails here only for want of memory; a key of half the fields must not come of it.
  static void require(int done) {
    if (done != 1) throw std::bad_alloc();
  }

  EVP_MD_CTX* context;
};

cache_key_builder::cache_key_builder() : digest_(std::make_unique<digest>()) {}
cache_key_builder::~cache_key_builder() = default;

void cache_key_builder::flush() {
  if (gathered_size_ != 0) digest_->update(gathered_.data(), gathered_size_);
  gathered_size_ = 0;
}

void cache_key_builder::append(const void* bytes, std::size_t size) {
  if (size == 0) return;
  if (size > gathered_.size() - gathered_size_) flush();
  if (size > gathered_.size()) {
    digest_->update(bytes, size);
    return;
  }
  std::memcpy(gathered_.data() + gathered_size_, bytes, size);
  gathered_size_ += size;
}

cache_key_builder& cache_key_builder::add(std::uint8_t tag, std::string_view text) {
  std::uint8_t head[2 + sizeof(std::uint64_t)] = {static_cast<std::uint8_t>(field_kind::text), tag};
  const std::uint64_t size = text.size();
  std::memcpy(head + 2, &size, sizeof size);
  append(head, sizeof head);
  append(text.data(), text.size());
  return *this;
}

cache_key_builder& cache_key_builder::add(std::uint8_t tag, std::uint64_t number) {
  std::uint8_t field[2 + sizeof number] = {static_cast<std::uint8_t>(field_kind::number), tag};
  std::memcpy(field + 2, &number, sizeof number);
  append(field, sizeof field);
  return *this;
}

cache_key cache_key_builder::finish() {
  flush();
  cache_key key;
  digest_->finish(key.bytes.data());
  return key;
}

}  // namespace tandem
