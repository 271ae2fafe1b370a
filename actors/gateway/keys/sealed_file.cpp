#include "actors/gateway/keys/sealed_file.hpp"

#include <algorithm>

#include "actors/gateway/keys/key_text.hpp"
#include "actors/weights/file_bytes.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::size_t seal_bytes = key_hash_bytes{}.size();

std::string seal_of(std::string_view content) {
  auto hash = hash_key(content);
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

}  // namespace

caf::error sealed_file::damaged(const std::string& why) const {
  return make_error(errc::corrupted, path_.string() + ": " + why + "; " + mend_);
}

caf::expected<std::optional<std::string>> sealed_file::read(std::size_t bytes_max) const {
  std::error_code failed;
  auto is_there = std::filesystem::exists(std::filesystem::symlink_status(path_, failed));
  if (failed && failed != std::errc::no_such_file_or_directory)
    return make_error(errc::storage_failed, path_.string() + ": " + failed.message());
  if (!is_there) return std::optional<std::string>{};
  auto head = title_ + '\n';
  auto text = read_small(path_, head.size() + seal_bytes + bytes_max);
  if (!text) return make_error(errc::storage_failed, message_of(text.error()) + "; " + mend_);
  auto same = std::mismatch(head.begin(), head.end(), text->begin(), text->end());
  if (same.first != head.end()) {
    // A newer program's file begins alike, up to its number.
    auto is_other_version = static_cast<std::size_t>(same.first - head.begin()) + 2 >= head.size();
    return damaged(text->empty()      ? "is empty"
                   : is_other_version ? "was written by another version of Tandem"
                                      : "is not what Tandem writes ('" + title_ + "' is missing)");
  }
  if (text->size() < head.size() + seal_bytes) return damaged("is cut");
  auto seal = text->substr(head.size(), seal_bytes);
  text->erase(0, head.size() + seal_bytes);
  if (seal_of(*text) != seal) return damaged("is damaged: its checksum does not match");
  return std::optional<std::string>{std::move(*text)};
}

caf::error sealed_file::write(std::span<const std::byte> content) const {
  std::string_view bytes{reinterpret_cast<const char*>(content.data()), content.size()};
  auto text = title_ + '\n' + seal_of(bytes);
  text += bytes;
  if (auto err = write_durably(path_, text, 0600))
    return make_error(errc::storage_failed,
                      message_of(err) + "; make room in the data folder, or mend its rights");
  return caf::none;
}

}  // namespace tandem
