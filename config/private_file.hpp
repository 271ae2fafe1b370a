#pragma once

#include <chrono>
#include <filesystem>
#include <string_view>

#include <caf/error.hpp>
#include <caf/expected.hpp>

namespace tandem {

/// Makes `folder` and what lies above it, with mode 0700 where new. Error: `storage_failed`, also
/// when others may write to it.
[[nodiscard]] caf::error make_private_folder(const std::filesystem::path& folder);

/// Writes `bytes` to `file` (mode 0600) so that a reader, or a crash, sees the old content or the
/// new, never a part. Error: `storage_failed`.
[[nodiscard]] caf::error write_private_file(const std::filesystem::path& file,
                                            std::string_view bytes);

/// Holds `file` locked against other processes and other holders in this one, until it is destroyed
/// or the process dies.
class file_lock {
 public:
  /// `locked` after `patience`.
  [[nodiscard]] static caf::expected<file_lock> acquire(
      const std::filesystem::path& file,
      std::chrono::milliseconds patience = std::chrono::seconds{10});
  file_lock(file_lock&& other) noexcept;
  file_lock& operator=(file_lock&& other) = delete;
  ~file_lock();

 private:
  explicit file_lock(int descriptor) : descriptor_{descriptor} {}
  int descriptor_;
};

}  // namespace tandem
