#include "storage/payload_store.hpp"

#include <algorithm>
#include <charconv>
#include <random>
#include <utility>

#include <rocksdb/file_system.h>

#include "storage/crc32c.hpp"
#include "storage/keys.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace {

constexpr std::size_t ref_bytes = 1 + 8 + 8 + 4;

std::string hex(std::uint64_t value) {
  char digits[16];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value, 16).ptr;
  return {digits, end};
}

caf::error sync_folder(rocksdb::FileSystem& files, const std::string& folder) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  auto status = files.NewDirectory(folder, rocksdb::IOOptions(), &directory, nullptr);
  if (status.ok()) status = directory->Fsync(rocksdb::IOOptions(), nullptr);
  return to_error(status, "syncing a folder", folder);
}

}  // namespace

std::string encode_payload_ref(const payload_ref& ref) {
  std::string value(1, static_cast<char>(value_marker::file));
  keys::append_u64(value, ref.file);
  keys::append_u64(value, ref.size_bytes);
  keys::append_u32(value, ref.crc32c);
  return value;
}

std::optional<payload_ref> decode_payload_ref(std::string_view value) {
  if (value.size() != ref_bytes || value[0] != static_cast<char>(value_marker::file))
    return std::nullopt;
  return payload_ref{keys::read_u64(value.substr(1)), keys::read_u64(value.substr(9)),
                     keys::read_u32(value.substr(17))};
}

payload_store::payload_store(std::shared_ptr<rocksdb::FileSystem> file_system, std::string folder)
    : file_system_(std::move(file_system)), folder_(std::move(folder)) {
  std::random_device random;
  next_file_ = (static_cast<std::uint64_t>(random()) << 32) | random();
}

std::string payload_store::job_folder(std::uint64_t job) const {
  return folder_ + "/" + std::to_string(job);
}

std::string payload_store::file_name(std::uint32_t number, const payload_ref& ref) {
  return std::to_string(number) + "-" + hex(ref.file);
}

caf::error payload_store::prepare() {
  return to_error(file_system_->CreateDirIfMissing(folder_, rocksdb::IOOptions(), nullptr),
                  "making a folder", folder_);
}

caf::expected<payload_ref> payload_store::write(std::uint64_t job, std::uint32_t number,
                                                std::span<const std::byte> bytes, bool sync) {
  const payload_ref ref{next_file_++, bytes.size(), crc32c_of(bytes)};
  if (auto err = write_named(job, number, ref.file, bytes, sync)) return err;
  return ref;
}

caf::error payload_store::write_named(std::uint64_t job, std::uint32_t number,
                                      std::uint64_t file_id, std::span<const std::byte> bytes,
                                      bool sync) {
  const auto folder = job_folder(job);
  const auto path = folder + "/" + file_name(number, {file_id, 0, 0});
  const rocksdb::IOOptions io;
  auto status = file_system_->CreateDirIfMissing(folder, io, nullptr);
  std::unique_ptr<rocksdb::FSWritableFile> file;
  if (status.ok())
    status = file_system_->NewWritableFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (status.ok())
    status = file->Append(rocksdb::Slice(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                          io, nullptr);
  if (status.ok() && sync) status = file->Sync(io, nullptr);
  if (status.ok()) status = file->Close(io, nullptr);
  if (!status.ok()) return to_error(status, "writing a record's file", path);
  if (sync) unsynced_jobs_.insert(job);
  return {};
}

caf::error payload_store::sync_folders() {
  if (unsynced_jobs_.empty()) return {};
  // Names of the jobs' folders lie in folder_, whose own name lies in its parent.
  for (const auto job : unsynced_jobs_)
    if (auto err = sync_folder(*file_system_, job_folder(job))) return err;
  unsynced_jobs_.clear();
  if (auto err = sync_folder(*file_system_, folder_)) return err;
  return sync_folder(*file_system_, folder_ + "/..");
}

caf::expected<std::vector<std::byte>> payload_store::read(std::uint64_t job, std::uint32_t number,
                                                          const payload_ref& ref) const {
  const auto path = job_folder(job) + "/" + file_name(number, ref);
  const rocksdb::IOOptions io;
  std::uint64_t size_bytes = 0;
  auto status = file_system_->GetFileSize(path, io, &size_bytes, nullptr);
  if (!status.ok()) {
    if (file_system_->FileExists(path, io, nullptr).IsNotFound())
      return corrupted_error("a record's file is missing", path);
    return to_error(status, "reading a record's file", path);
  }
  if (size_bytes != ref.size_bytes)
    return corrupted_error("a record's file has another length than its record says", path);

  std::unique_ptr<rocksdb::FSSequentialFile> file;
  status = file_system_->NewSequentialFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (!status.ok()) return to_error(status, "opening a record's file", path);
  std::vector<std::byte> bytes(size_bytes);
  std::size_t done = 0;
  while (done < bytes.size()) {
    rocksdb::Slice part;
    auto* to = reinterpret_cast<char*>(bytes.data() + done);
    status = file->Read(bytes.size() - done, io, &part, to, nullptr);
    if (!status.ok()) return to_error(status, "reading a record's file", path);
    if (part.empty()) break;
    // A file system may answer from memory of its own.
    if (part.data() != to) std::copy_n(part.data(), part.size(), to);
    done += part.size();
  }
  if (done != bytes.size() || crc32c_of(bytes) != ref.crc32c)
    return corrupted_error("a record's file differs from its checksum", path);
  return bytes;
}

caf::expected<std::vector<std::uint64_t>> payload_store::jobs() const {
  std::vector<std::string> names;
  const auto status = file_system_->GetChildren(folder_, rocksdb::IOOptions(), &names, nullptr);
  if (!status.ok()) return to_error(status, "listing a folder", folder_);
  std::vector<std::uint64_t> result;
  for (const auto& name : names) {
    std::uint64_t job = 0;
    const auto* end = name.data() + name.size();
    if (auto [rest, code] = std::from_chars(name.data(), end, job);
        code == std::errc{} && rest == end)
      result.push_back(job);
  }
  return result;
}

caf::error payload_store::remove_files(std::uint64_t job, const std::set<std::string>& kept) {
  const auto folder = job_folder(job);
  const rocksdb::IOOptions io;
  if (file_system_->FileExists(folder, io, nullptr).IsNotFound()) return {};
  std::vector<std::string> names;
  if (auto status = file_system_->GetChildren(folder, io, &names, nullptr); !status.ok())
    return to_error(status, "listing a folder", folder);
  for (const auto& name : names) {
    if (name == "." || name == ".." || kept.count(name) > 0) continue;
    auto path = folder;
    path.append("/").append(name);
    if (auto status = file_system_->DeleteFile(path, io, nullptr); !status.ok())
      return to_error(status, "removing a file", path);
  }
  if (!kept.empty()) return {};
  return to_error(file_system_->DeleteDir(folder, io, nullptr), "removing a folder", folder);
}

}  // namespace tandem::storage
