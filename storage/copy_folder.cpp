#include "storage/copy_folder.hpp"

#include <sys/random.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <rocksdb/file_system.h>

#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace {

constexpr const char* mark_file = "/replica";
constexpr const char* id_file = "/copy";

std::string parent_of(const std::string& folder) {
  return std::filesystem::path(folder).parent_path().string();
}

caf::error sync_folder(rocksdb::FileSystem& files, const std::string& folder) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  auto status = files.NewDirectory(folder, rocksdb::IOOptions(), &directory, nullptr);
  if (status.ok()) status = directory->Fsync(rocksdb::IOOptions(), nullptr);
  return to_error(status, "syncing a folder", folder);
}

// Renamed into place, so that it is whole or not there.
caf::error write_whole(rocksdb::FileSystem& files, const std::string& folder, const char* name,
                       const std::string& text) {
  const auto path = folder + name;
  const auto temporary = path + ".new";
  auto status = rocksdb::WriteStringToFile(&files, text, temporary, /*should_sync=*/true);
  if (status.ok()) status = files.RenameFile(temporary, path, rocksdb::IOOptions(), nullptr);
  if (!status.ok()) return to_error(status, "writing a file", path);
  return sync_folder(files, folder);
}

caf::error rename_folder(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return {};
  return to_error(errno, "renaming a folder", from);
}

caf::error remove_folder(const std::string& folder) {
  std::error_code code;
  std::filesystem::remove_all(folder, code);
  return code ? to_error(code.value(), "removing a folder", folder) : caf::error();
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

}  // namespace

bool is_marked_copy(rocksdb::FileSystem& files, const std::string& folder) {
  return files.FileExists(folder + mark_file, rocksdb::IOOptions(), nullptr).ok();
}

caf::error mark_copy(rocksdb::FileSystem& files, const std::string& folder, bool follows) {
  if (is_marked_copy(files, folder) == follows) return {};
  if (follows)
    return write_whole(files, folder, mark_file, "This folder follows a journal elsewhere.\n");
  const auto status = files.DeleteFile(folder + mark_file, rocksdb::IOOptions(), nullptr);
  if (!status.ok()) return to_error(status, "removing a file", folder + mark_file);
  return sync_folder(files, folder);
}

caf::expected<std::uint64_t> copy_id(rocksdb::FileSystem& files, const std::string& folder) {
  const auto path = folder + id_file;
  std::string text;
  const auto status = rocksdb::ReadFileToString(&files, path, &text);
  std::uint64_t id = 0;
  if (status.ok()) {
    const auto* end = text.data() + text.size();
    const auto [rest, code] = std::from_chars(text.data(), end, id);
    if (code != std::errc{} || rest + 1 != end || *rest != '\n' || id == 0)
      return corrupted_error("the name of a copy is unreadable", path);
    return id;
  }
  if (!status.IsNotFound() && !status.IsPathNotFound())
    return to_error(status, "reading a file", path);
  while (id == 0)
    if (::getrandom(&id, sizeof(id), 0) != static_cast<ssize_t>(sizeof(id)))
      return to_error(errno, "naming a copy", "getrandom");
  if (auto err = write_copy_id(files, folder, id)) return err;
  return id;
}

caf::error write_copy_id(rocksdb::FileSystem& files, const std::string& folder, std::uint64_t id) {
  return write_whole(files, folder, id_file, std::to_string(id) + "\n");
}

caf::error replace_folder(rocksdb::FileSystem& files, const std::string& folder) {
  if (auto err = remove_folder(folder + ".old")) return err;
  if (is_folder(folder))
    if (auto err = rename_folder(folder, folder + ".old")) return err;
  if (auto err = rename_folder(folder + ".new", folder)) return err;
  if (auto err = sync_folder(files, parent_of(folder))) return err;
  return remove_folder(folder + ".old");
}

caf::error mend_copy_folder(rocksdb::FileSystem& files, const std::string& folder) {
  if (!is_folder(folder + ".old")) return {};
  if (is_folder(folder)) return remove_folder(folder + ".old");
  if (auto err = rename_folder(folder + ".old", folder)) return err;
  return sync_folder(files, parent_of(folder));
}

}  // namespace tandem::storage
