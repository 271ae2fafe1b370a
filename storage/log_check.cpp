#include "storage/log_check.hpp"

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include <rocksdb/file_system.h>

#include "storage/crc32c.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace {

constexpr std::size_t block_bytes = 32u << 10;
constexpr std::size_t header_bytes = 7;
constexpr std::size_t type_offset = 6;
constexpr char type_full = 1;
constexpr char type_first = 2;

std::uint32_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

std::size_t length_at(std::string_view block, std::size_t at) {
  return byte_at(block, at + 4) | byte_at(block, at + 5) << 8;
}

bool all_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

/// Whether a record begins at `at` and its checksum is right.
bool is_whole_record(std::string_view block, std::size_t at) {
  const char type = block[at + type_offset];
  if (type != type_full && type != type_first) return false;
  const auto length = length_at(block, at);
  if (length == 0 || at + header_bytes + length > block.size()) return false;
  const auto crc = crc32c_of(std::as_bytes(std::span(block.substr(at + type_offset, length + 1))));
  const auto masked = ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
  const auto stored = byte_at(block, at) | byte_at(block, at + 1) << 8 |
                      byte_at(block, at + 2) << 16 | byte_at(block, at + 3) << 24;
  return masked == stored;
}

bool has_whole_record(std::string_view block, std::size_t from) {
  for (; from + header_bytes <= block.size(); ++from)
    if (is_whole_record(block, from)) return true;
  return false;
}

enum class block_end { reached, zeros, cut };

/// Steps over the records of one block by their lengths; `at` is where it stopped.
block_end walk(std::string_view block, std::size_t& at) {
  for (at = 0; at + header_bytes <= block.size();) {
    const auto length = length_at(block, at);
    if (block[at + type_offset] == 0 && length == 0) return block_end::zeros;
    if (at + header_bytes + length > block.size()) return block_end::cut;
    at += header_bytes + length;
  }
  return block_end::reached;
}

caf::error check_log(rocksdb::FileSystem& files, const std::string& path) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  auto status = files.NewSequentialFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (!status.ok()) return to_error(status, "opening a log", path);
  std::vector<char> buffer(block_bytes);
  bool only_zeros_may_follow = false;
  for (std::size_t size = block_bytes; size == block_bytes;) {
    rocksdb::Slice read;
    status = file->Read(block_bytes, rocksdb::IOOptions(), &read, buffer.data(), nullptr);
    if (!status.ok()) return to_error(status, "reading a log", path);
    size = read.size();
    const auto block = read.ToStringView();
    if (only_zeros_may_follow) {
      if (!all_zero(block)) return corrupted_error("a log has a hole in its middle", path);
      continue;
    }
    std::size_t at = 0;
    const auto end = walk(block, at);
    if (end == block_end::zeros) {
      if (!all_zero(block.substr(at)))
        return corrupted_error("a log has a hole in its middle", path);
      only_zeros_may_follow = true;
    } else if (end == block_end::cut && has_whole_record(block, at + 1)) {
      return corrupted_error("a log is damaged before its end", path);
    }
  }
  return {};
}

}  // namespace

caf::error check_logs(rocksdb::FileSystem& files, const std::string& folder) {
  std::vector<std::string> names;
  if (auto status = files.GetChildren(folder, rocksdb::IOOptions(), &names, nullptr); !status.ok())
    return to_error(status, "listing a folder", folder);
  for (const auto& name : names) {
    if (!rocksdb::Slice(name).ends_with(".log")) continue;
    auto path = folder;
    if (auto err = check_log(files, path.append("/").append(name))) return err;
  }
  return {};
}

}  // namespace tandem::storage
