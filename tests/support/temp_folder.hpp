#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace tandem::test {

/// A fresh folder (0700) below the system's folder for temporary files. Removed with its contents
/// at the end, unless the running test, or one of the suite that shares it, has failed: then it
/// stays, and its path is printed.
class temp_folder {
 public:
  temp_folder();
  ~temp_folder();
  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void write_text(const std::filesystem::path& file, std::string_view text);
/// Empty when there is no such file.
[[nodiscard]] std::string read_text(const std::filesystem::path& file);

}  // namespace tandem::test
