#include "tests/support/temp_folder.hpp"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

#include <gtest/gtest.h>

namespace tandem::test {
namespace {

/// The running test, or between tests the suite whose tests shared the folder.
bool has_failed() {
  const auto& all = *::testing::UnitTest::GetInstance();
  if (all.current_test_info() != nullptr) return ::testing::Test::HasFailure();
  return all.current_test_suite() != nullptr && all.current_test_suite()->Failed();
}

}  // namespace

temp_folder::temp_folder() {
  auto name = (std::filesystem::temp_directory_path() / "tandem-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder " + name);
  path_ = name;
}

temp_folder::~temp_folder() {
  if (has_failed()) {
    std::cerr << "kept for inspection: " << path_.string() << '\n';
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_text(const std::filesystem::path& file, std::string_view text) {
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  out << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + file.string());
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace tandem::test
