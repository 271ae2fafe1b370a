#pragma once

#include <filesystem>
#include <string_view>

namespace tandem::bench {

/// A folder that is gone when the bench is; on the disk that the checkout lies on, since a memory
/// disk syncs for nothing.
class temp_folder {
 public:
  explicit temp_folder(std::string_view name);
  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;
  ~temp_folder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace tandem::bench
