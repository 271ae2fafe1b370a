#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <caf/error.hpp>
#include <caf/expected.hpp>

namespace tandem {

/// A small private file (mode 0600): a first line that says what it is, the SHA-256 of what
/// follows, and that. Written beside it, synced and renamed: a reader, or a crash, sees the old
/// content or the new.
class sealed_file {
 public:
  /// `title`: its first line, without the line's end. `mend`: what to do when it is damaged.
  sealed_file(std::filesystem::path path, std::string_view title, std::string_view mend)
      : path_{std::move(path)}, title_{title}, mend_{mend} {}

  /// Nothing: there is no such file. `corrupted`: foreign, of another version, cut, changed;
  /// `storage_failed`: it cannot be read. The text says what to do.
  [[nodiscard]] caf::expected<std::optional<std::string>> read(std::size_t bytes_max) const;
  /// `storage_failed`.
  [[nodiscard]] caf::error write(std::span<const std::byte> content) const;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// `corrupted`, with the file's name and what to do.
  [[nodiscard]] caf::error damaged(const std::string& why) const;

 private:
  std::filesystem::path path_;
  std::string title_;
  std::string mend_;
};

}  // namespace tandem
