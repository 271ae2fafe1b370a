#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "tests/support/temp_folder.hpp"

namespace tandem::test {

/// A temporary folder, with files that a test writes into it.
class test_folder : public temp_folder {
 public:
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path() / name;
  }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    auto file = path() / name;
    std::filesystem::create_directories(file.parent_path());
    write_text(file, text);
    return file;
  }
};

/// Sets an environment variable, or removes it with nullptr, and puts it back at the end.
class scoped_environment {
 public:
  scoped_environment(const char* name, const char* value) : name_{name} {
    if (const char* old = std::getenv(name)) {
      old_ = old;
      was_set_ = true;
    }
    value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  scoped_environment(const scoped_environment&) = delete;
  scoped_environment& operator=(const scoped_environment&) = delete;
  ~scoped_environment() { was_set_ ? ::setenv(name_, old_.c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::string old_;
  bool was_set_ = false;
};

}  // namespace tandem::test
