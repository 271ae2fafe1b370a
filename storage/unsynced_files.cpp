#include "storage/unsynced_files.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>

#include <rocksdb/file_system.h>

namespace tandem::storage {

namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// A name that nobody looks for: what is left of a file whose folder was never synced.
constexpr const char* unsynced_suffix = ".unsynced";

bool is_log(const std::string& path) {
  return path.compare(path.rfind('/') + 1, 3, "LOG") == 0;
}

/// Bytes behind the end of a real file; shared by its writer and the table of files.
struct held_bytes {
  std::mutex mutex;
  std::string bytes;
};

/// Which files have held bytes, and which have a name that is not real yet.
class unsynced_table {
 public:
  /// Held over a look-up and what is done with it: alone by whoever makes, renames or removes
  /// files.
  std::shared_mutex naming;

  std::string real(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto found = names_.find(path);
    return found == names_.end() ? path : found->second;
  }

  /// A new file at `path`: returns where it really lies.
  std::string add(const std::string& path, std::shared_ptr<held_bytes> held) {
    const std::lock_guard lock(mutex_);
    held_[path] = std::move(held);
    return names_[path] = path + "." + std::to_string(++made_) + unsynced_suffix;
  }

  std::shared_ptr<held_bytes> held(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(path);
    return found == held_.end() ? nullptr : found->second;
  }

  void rename(const std::string& from, const std::string& to) {
    const std::lock_guard lock(mutex_);
    const auto name = names_.find(from);
    const auto lies_at = name == names_.end() ? from : name->second;
    if (name != names_.end()) names_.erase(name);
    names_[to] = lies_at;
    held_.erase(to);
    if (auto node = held_.extract(from)) {
      node.key() = to;
      held_.insert(std::move(node));
    }
  }

  void remove(const std::string& path) {
    const std::lock_guard lock(mutex_);
    names_.erase(path);
    held_.erase(path);
  }

  /// Names in `folder` (without it) that are not real yet, with where they lie.
  std::map<std::string, std::string> names_in(const std::string& folder) {
    const std::lock_guard lock(mutex_);
    std::map<std::string, std::string> result;
    for (const auto& [path, lies_at] : names_)
      if (path.substr(0, path.rfind('/')) == folder)
        result[path.substr(folder.size() + 1)] = lies_at;
    return result;
  }

  void made_real(const std::string& path) {
    const std::lock_guard lock(mutex_);
    names_.erase(path);
  }

 private:
  std::mutex mutex_;
  std::uint64_t made_ = 0;
  std::map<std::string, std::string> names_;
  std::map<std::string, std::shared_ptr<held_bytes>> held_;
};

class holding_file final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  holding_file(std::unique_ptr<FSWritableFile>&& below, std::shared_ptr<held_bytes> held)
      : FSWritableFileOwnerWrapper(std::move(below)), held_(std::move(held)) {}

  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock(held_->mutex);
    held_->bytes.append(data.data(), data.size());
    return IOStatus::OK();
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  // sync_file_range promises nothing after a power cut.
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return write_through(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return write_through(options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    const std::lock_guard lock(held_->mutex);
    const auto on_disk = target()->GetFileSize(options, debug);
    if (size < on_disk) return IOStatus::NotSupported("cutting what was synced");
    held_->bytes.resize(size - on_disk);
    return IOStatus::OK();
  }
  std::uint64_t GetFileSize(const IOOptions& options, IODebugContext* debug) override {
    const std::lock_guard lock(held_->mutex);
    return target()->GetFileSize(options, debug) + held_->bytes.size();
  }

 private:
  IOStatus write_through(const IOOptions& options, IODebugContext* debug) {
    const std::lock_guard lock(held_->mutex);
    auto status = target()->Append(held_->bytes, options, debug);
    if (status.ok()) held_->bytes.clear();
    if (status.ok()) status = target()->Sync(options, debug);
    return status;
  }

  std::shared_ptr<held_bytes> held_;
};

/// A file's bytes as they were when it was opened.
class snapshot_file final : public rocksdb::FSSequentialFile, public rocksdb::FSRandomAccessFile {
 public:
  explicit snapshot_file(std::string bytes) : bytes_(std::move(bytes)) {}

  IOStatus Read(std::size_t size, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    auto status = copy(position_, size, result, scratch);
    position_ += result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t size) override {
    position_ = std::min<std::uint64_t>(bytes_.size(), position_ + size);
    return IOStatus::OK();
  }
  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions&, Slice* result,
                char* scratch, IODebugContext*) const override {
    return copy(offset, size, result, scratch);
  }
  bool use_direct_io() const override { return false; }
  std::size_t GetRequiredBufferAlignment() const override { return 1; }
  IOStatus InvalidateCache(std::size_t, std::size_t) override { return IOStatus::OK(); }
  rocksdb::Temperature GetTemperature() const override { return rocksdb::Temperature::kUnknown; }

 private:
  IOStatus copy(std::uint64_t offset, std::size_t size, Slice* result, char* scratch) const {
    const auto from = std::min<std::uint64_t>(offset, bytes_.size());
    const auto count = std::min<std::uint64_t>(size, bytes_.size() - from);
    std::copy_n(bytes_.data() + from, count, scratch);
    *result = Slice(scratch, count);
    return IOStatus::OK();
  }

  std::string bytes_;
  std::uint64_t position_ = 0;
};

class naming_folder final : public rocksdb::FSDirectory {
 public:
  naming_folder(std::unique_ptr<FSDirectory> below, std::string path,
                std::shared_ptr<rocksdb::FileSystem> files, std::shared_ptr<unsynced_table> table)
      : below_(std::move(below)),
        path_(std::move(path)),
        files_(std::move(files)),
        table_(std::move(table)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    const std::unique_lock lock(table_->naming);
    for (const auto& [name, lies_at] : table_->names_in(path_)) {
      auto status = files_->RenameFile(lies_at, path_ + "/" + name, options, debug);
      if (!status.ok()) return status;
      table_->made_real(path_ + "/" + name);
    }
    return below_->Fsync(options, debug);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return below_->Close(options, debug);
  }

 private:
  std::unique_ptr<FSDirectory> below_;
  std::string path_;
  std::shared_ptr<rocksdb::FileSystem> files_;
  std::shared_ptr<unsynced_table> table_;
};

class unsynced_files final : public rocksdb::FileSystemWrapper {
 public:
  explicit unsynced_files(const std::shared_ptr<FileSystem>& below) : FileSystemWrapper(below) {}

  static const char* kClassName() { return "TandemUnsyncedFiles"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* debug) override {
    const std::unique_lock lock(table_->naming);
    auto held = std::make_shared<held_bytes>();
    auto status = target_->NewWritableFile(table_->add(path, held), options, result, debug);
    if (status.ok()) {
      *result = std::make_unique<holding_file>(std::move(*result), std::move(held));
    } else {
      table_->remove(path);
    }
    return status;
  }
  IOStatus ReopenWritableFile(const std::string&, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("ReopenWritableFile");
  }
  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext* debug) override {
    return open<rocksdb::FSSequentialFile>(path, result, [&](auto* opened) {
      return target_->NewSequentialFile(table_->real(path), options, opened, debug);
    });
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext* debug) override {
    return open<rocksdb::FSRandomAccessFile>(path, result, [&](auto* opened) {
      return target_->NewRandomAccessFile(table_->real(path), options, opened, debug);
    });
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* debug) override {
    auto status = target_->NewDirectory(path, options, result, debug);
    if (status.ok())
      *result = std::make_unique<naming_folder>(std::move(*result), path, target_, table_);
    return status;
  }
  IOStatus FileExists(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    const std::shared_lock lock(table_->naming);
    return target_->FileExists(table_->real(path), options, debug);
  }
  IOStatus GetChildren(const std::string& folder, const IOOptions& options,
                       std::vector<std::string>* names, IODebugContext* debug) override {
    const std::shared_lock lock(table_->naming);
    auto status = target_->GetChildren(folder, options, names, debug);
    names->erase(
        std::remove_if(names->begin(), names->end(),
                       [](const auto& name) { return Slice(name).ends_with(unsynced_suffix); }),
        names->end());
    for (const auto& [name, lies_at] : table_->names_in(folder))
      if (std::find(names->begin(), names->end(), name) == names->end()) names->push_back(name);
    return status;
  }
  IOStatus GetChildrenFileAttributes(const std::string& folder, const IOOptions& options,
                                     std::vector<rocksdb::FileAttributes>* result,
                                     IODebugContext* debug) override {
    // The base class's own, which asks this class for names and sizes; the wrapper's would ask the
    // real files.
    return FileSystem::GetChildrenFileAttributes(  // NOLINT(bugprone-parent-virtual-call)
        folder, options, result, debug);
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    const std::unique_lock lock(table_->naming);
    const auto lies_at = table_->real(path);
    table_->remove(path);
    if (lies_at != path) target_->DeleteFile(path, options, debug).PermitUncheckedError();
    return target_->DeleteFile(lies_at, options, debug);
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions& options, std::uint64_t* size,
                       IODebugContext* debug) override {
    const std::shared_lock lock(table_->naming);
    auto status = target_->GetFileSize(table_->real(path), options, size, debug);
    if (const auto held = table_->held(path); status.ok() && held) {
      const std::lock_guard held_lock(held->mutex);
      *size += held->bytes.size();
    }
    return status;
  }
  IOStatus GetFileModificationTime(const std::string& path, const IOOptions& options,
                                   std::uint64_t* time, IODebugContext* debug) override {
    const std::shared_lock lock(table_->naming);
    return target_->GetFileModificationTime(table_->real(path), options, time, debug);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    // RocksDB's logger makes its files without us.
    if (is_log(from)) return target_->RenameFile(from, to, options, debug);
    const std::unique_lock lock(table_->naming);
    auto status = target_->FileExists(table_->real(from), options, debug);
    if (status.ok()) table_->rename(from, to);
    return status;
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions& options, bool* result,
                       IODebugContext* debug) override {
    const std::shared_lock lock(table_->naming);
    return target_->IsDirectory(table_->real(path), options, result, debug);
  }
  IOStatus Truncate(const std::string&, std::size_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("Truncate");
  }
  IOStatus ReuseWritableFile(const std::string&, const std::string&, const FileOptions&,
                             std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("ReuseWritableFile");
  }
  IOStatus LinkFile(const std::string&, const std::string&, const IOOptions&,
                    IODebugContext*) override {
    return IOStatus::NotSupported("LinkFile");
  }

 private:
  /// The real file, or a snapshot of it with its held bytes behind.
  template <class File, class OpenReal>
  IOStatus open(const std::string& path, std::unique_ptr<File>* result, OpenReal&& open_real) {
    const std::shared_lock lock(table_->naming);
    const auto held = table_->held(path);
    if (!held) return open_real(result);
    const std::lock_guard held_lock(held->mutex);
    if (held->bytes.empty()) return open_real(result);
    std::string bytes;
    auto status = rocksdb::ReadFileToString(target_.get(), table_->real(path), &bytes);
    if (status.ok()) *result = std::make_unique<snapshot_file>(bytes + held->bytes);
    return status;
  }

  std::shared_ptr<unsynced_table> table_ = std::make_shared<unsynced_table>();
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> make_unsynced_files(
    const std::shared_ptr<rocksdb::FileSystem>& below) {
  return std::make_shared<unsynced_files>(below);
}

}  // namespace tandem::storage
