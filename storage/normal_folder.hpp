#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace tandem::storage {

/// Absolute, so that errors name it wholly; without a slash at the end, which would hide its own
/// name.
[[nodiscard]] inline std::string normal_folder(const std::filesystem::path& folder) {
  if (folder.empty()) return {};
  std::error_code code;
  const auto absolute = std::filesystem::absolute(folder, code).lexically_normal();
  return (absolute.has_filename() ? absolute : absolute.parent_path()).string();
}

}  // namespace tandem::storage
