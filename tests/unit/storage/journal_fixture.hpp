#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/errc.hpp"
#include "storage/journal.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::storage {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

/// The error's code, nothing for no error.
inline std::optional<errc> failure_of(const caf::error& err) {
  return err ? std::optional(code_of(err)) : std::nullopt;
}

inline std::string words_of(const caf::error& err) {
  return err ? message_of(err) : "no error";
}

inline caf::error commit_one(journal& to, const journal_batch& batch,
                             durability level = durability::os) {
  const journal_batch* all[] = {&batch};
  return to.commit(all, level);
}

inline caf::error commit_record(journal& to, std::uint64_t job, std::uint32_t number,
                                std::string_view text, durability level = durability::os) {
  journal_batch batch;
  batch.put_record(job, number, bytes_of(text));
  return commit_one(to, batch, level);
}

/// Numbers and texts of a job's records; a read error fails the test.
inline std::vector<std::pair<std::uint32_t, std::string>> records_of(const journal& from,
                                                                     std::uint64_t job,
                                                                     std::uint32_t after = 0) {
  std::vector<std::pair<std::uint32_t, std::string>> result;
  const auto err = from.read_records(job, after, [&result](const journal_record& one) {
    result.emplace_back(one.number, text_of(one.bytes));
    return true;
  });
  EXPECT_FALSE(err) << words_of(err);
  return result;
}

/// A folder of its own for each test, removed afterwards.
class journal_fixture : public testing::Test {
 protected:
  journal_fixture() { options_.folder = root_ / "journal"; }

  /// Throws, which fails the test, when it cannot be opened.
  [[nodiscard]] std::unique_ptr<journal> open() const {
    auto opened = journal::open(options_);
    if (!opened) throw std::runtime_error(message_of(opened.error()));
    return std::move(*opened);
  }

  [[nodiscard]] caf::error open_error() const {
    auto opened = journal::open(options_);
    return opened ? caf::error() : opened.error();
  }

  /// Files of the database whose name ends in `ending`, by name.
  [[nodiscard]] std::vector<std::filesystem::path> database_files(std::string_view ending) const {
    std::vector<std::filesystem::path> result;
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder / "db"))
      if (entry.is_regular_file() && entry.path().filename().string().ends_with(ending))
        result.push_back(entry.path());
    std::sort(result.begin(), result.end());
    return result;
  }

  test::temp_folder folder_;
  const std::filesystem::path root_ = folder_.path();
  journal_options options_;
};

}  // namespace tandem::storage
