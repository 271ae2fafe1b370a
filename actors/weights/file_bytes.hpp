#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include <caf/expected.hpp>

#include "schema/errc.hpp"

namespace tandem {

/// A file that closes itself.
class open_file {
 public:
  open_file() = default;
  explicit open_file(int descriptor) : descriptor_{descriptor} {}
  open_file(open_file&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}
  open_file& operator=(open_file&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~open_file();
  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

/// `what: reason`, the reason from errno; `storage_failed` unless it says otherwise.
[[nodiscard]] caf::error errno_error(const std::string& what, errc code = errc::storage_failed);

/// Opens a regular file for reading; opening anything else neither hangs nor succeeds.
/// `invalid_argument`.
[[nodiscard]] caf::expected<open_file> open_to_read(const std::filesystem::path& path);

/// All of `out`, from `offset`; `storage_failed`, also where the file ends before.
[[nodiscard]] caf::error read_at(int file, std::uint64_t offset, std::span<std::uint8_t> out,
                                 const std::string& name);
[[nodiscard]] caf::error write_at(int file, std::uint64_t offset,
                                  std::span<const std::uint8_t> bytes, const std::string& name);

/// A whole small file. `invalid_argument` when it is larger than `bytes_max`.
[[nodiscard]] caf::expected<std::string> read_small(const std::filesystem::path& path,
                                                    std::uint64_t bytes_max);

/// Written beside it, synced, renamed, and its folder synced. `mode`: of a private file 0600.
[[nodiscard]] caf::error write_durably(const std::filesystem::path& path, std::string_view bytes,
                                       unsigned mode = 0644);
[[nodiscard]] caf::error sync_folder(const std::filesystem::path& folder);

/// `text` in quotes, bounded and without control characters: names from outside go into errors.
[[nodiscard]] std::string quoted_name(std::string_view text);

}  // namespace tandem
