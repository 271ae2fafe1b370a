#include "actors/embedding/embedding_cache.hpp"

#include <openssl/evp.h>

namespace tandem {

text_digest digest_of(std::string_view text) {
  text_digest out{};
  EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr);
  return out;
}

embedding embedding_cache::find(const text_digest& text) {
  auto known = places_.find(text);
  if (known == places_.end()) return nullptr;
  line_.splice(line_.begin(), line_, known->second);
  return known->second->second;
}

void embedding_cache::put(const text_digest& text, embedding vector) {
  if (entries_max_ == 0) return;
  if (auto known = places_.find(text); known != places_.end()) {
    known->second->second = std::move(vector);
    line_.splice(line_.begin(), line_, known->second);
    return;
  }
  if (places_.size() >= entries_max_) {
    places_.erase(line_.back().first);
    line_.pop_back();
  }
  line_.emplace_front(text, std::move(vector));
  places_.emplace(text, line_.begin());
}

}  // namespace tandem
